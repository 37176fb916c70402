# SPDX-License-Identifier: MIT
"""The manual has all that there is: of the D-Bus interface, the events, the verdicts, and of argusctl."""

import re
import subprocess
import xml.etree.ElementTree
from pathlib import Path

import pytest

from support.agent import BINARY
from support.bus import INTERFACE

PROJECT = Path(__file__).parents[2]
SIGNALLED = "org.freedesktop.DBus.Property.EmitsChangedSignal"
SIGNALLED_WORDS = {"true": "", "const": "const", "false": "not signalled", "invalidates": "invalidated"}


def page(name):
    return (PROJECT / "man" / f"{name}.scd").read_text(encoding="utf-8")


def section(name, title):
    """The text below a heading."""
    [text] = re.findall(rf"^# {title}\n(.*?)(?=^# |\Z)", page(name), re.MULTILINE | re.DOTALL)
    return text


def source(path):
    return (PROJECT / "src" / path).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def interface():
    tree = xml.etree.ElementTree.parse(PROJECT / "dbus/org.argus.Agent1.xml")
    return tree.find(f"interface[@name='{INTERFACE}']")


def test_the_properties(interface):
    described = re.findall(r"^\*(\w+)\* \(([^,)]+(?:\([^)]*\))?)(?:, ([a-z ]+))?\)$",
                           section("org.argus.Agent1.5", "PROPERTIES"), re.MULTILINE)
    offered = []
    for element in interface.findall("property"):
        annotation = element.find(f"annotation[@name='{SIGNALLED}']")
        offered.append((element.get("name"), element.get("type"),
                        SIGNALLED_WORDS["true" if annotation is None else annotation.get("value")]))
    assert described == offered


def test_the_methods(interface):
    described = re.findall(r"^\*(\w+)\*\(\) → (\S+) _(\w+)_$", section("org.argus.Agent1.5", "METHODS"), re.MULTILINE)
    offered = []
    for element in interface.findall("method"):
        [result] = element.findall("arg")
        assert result.get("direction") == "out"
        offered.append((element.get("name"), result.get("type"), result.get("name")))
    assert described == offered
    assert not interface.findall("signal")


def test_the_errors_and_actions():
    text = page("org.argus.Agent1.5")
    names = re.findall(r'ERROR\(OPERATION_\w+, "(\w+)"', source("core/agent-properties.h"))
    assert len(names) == 4
    for name in names:
        assert f"*{INTERFACE}.Error.{name}*" in text
    policy = (PROJECT / "dbus/org.argus.Agent1.policy").read_text(encoding="utf-8")
    for action in re.findall('<action id="([^"]+)">', policy):
        assert f"*{action}*" in text


def test_the_levels_of_events():
    """Where an event is logged it has the level that its table says."""
    levels = dict(re.findall(r'^EVENT\((\w+), "[a-z-]+", LOG_(\w+),', source("core/log-events.inc"), re.MULTILINE))
    texts = [path.read_text(encoding="utf-8") for path in (PROJECT / "src").glob("**/*.c")]
    logged = [pair for text in texts
              for pair in re.findall(r"log_event\(\s*LOG_([A-Z]+),\s*LOG_EVENT_([A-Z_]+)", text)]
    assert len(logged) > 10
    for level, event in logged:
        assert event == "NONE" or levels[event] == level, event


def test_the_verdicts():
    described = re.findall(r"^\|\[ \*([a-z-]+)\*$", section("argus-agent.8", "HEALTH FILES"), re.MULTILINE)
    known = re.findall(r'\[HEALTH_\w+\] = "([a-z-]+)"', source("core/health-file.c"))
    assert described == [verdict for verdict in known if verdict != "gone"]  # which only the log has


@pytest.mark.parametrize("program,name", [("argus-agent", "argus-agent.8"), ("argusctl", "argusctl.1")])
def test_the_options_and_commands(program, name):
    binary = BINARY.parent / program
    if not binary.exists():
        pytest.skip(f"there is no {binary}")
    shown = subprocess.run([binary, "--help"], check=True, capture_output=True, text=True).stdout
    text = page(name)
    options = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", shown))
    commands = set(re.findall(r"^  ([a-z][a-z-]+) ", shown, re.MULTILINE))
    assert options and bool(commands) == (program == "argusctl")
    for word in options:
        assert re.search(rf"\*{word}(=?\*|=)", text), word
    for word in commands:
        assert re.search(rf"^\*{word}\*", text, re.MULTILINE), word
