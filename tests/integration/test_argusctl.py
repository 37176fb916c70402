# SPDX-License-Identifier: MIT
"""argusctl: its status screen, on a terminal and in a pipe, its JSON, and its arguments."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from support.agent import BINARY, health_folder
from support.ctl import CTL, ESCAPE, FAILED, NOT_ONLINE, USAGE, VERBS, Ctl

COMPLETION = Path(__file__).parents[2] / "packaging/completion"


def fields(screen):
    """A status screen as {label: value}; a list below a line belongs to its value."""
    found = {}
    for line in screen.splitlines()[1:]:
        label, colon, value = line[:15].strip(), line[13:14], line[15:]
        if label and colon == ":":
            last = label.rstrip(":")
            found[last] = value
        else:
            found[last] += "\n" + value
    return found


def without_colours(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_status_of_an_agent_that_is_online(online, bus, ctl, master):
    screen = ctl.read()
    assert screen.splitlines()[:6] == ctl.read("status").splitlines()[:6]
    assert screen.splitlines()[0] == f"● dev-alice-web01 - Argus agent {bus.get('Version')}"
    assert ESCAPE not in screen and not [line for line in screen.splitlines() if line != line.rstrip()]
    values = fields(screen)
    assert values["State"] == "online"
    assert values["Node id"] == "A1"
    assert values["Identity"] == "env dev, user alice, instance web01 (from the host name)"
    assert values["Master"] == master.url
    assert values["Address"] == bus.get("Address")
    assert re.fullmatch(r"\w{3} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC; (just now|\d+s ago)", values["Registered"])
    assert re.fullmatch(r"accepted, status 200; .* UTC; (just now|\d+s ago)", values["Last report"])
    assert re.search(r"UTC; in \d+(min|s)", values["Next report"])
    assert values["Reports"] == "1 accepted, 0 failed since the agent started"
    assert values["Health files"] == "none"
    assert not {"Last error", "Last success", "State on disk"} & set(values)


def test_status_where_the_locale_has_no_dot(online, ctl):
    assert ctl.read(LC_ALL="C").startswith("* dev-alice-web01")


def test_status_names_the_source_of_the_identity(agent, master, bus, ctl):
    agent(AGENT_ENV="e", AGENT_USER="u", AGENT_INSTANCE="i").wait_online()
    bus.wait_property("LastReportStatus", "success")
    assert fields(ctl.read())["Identity"] == "env e, user u, instance i (from the environment)"


def test_status_lists_health_files_good_and_bad(agent, master, bus, ctl, state_root):
    folder = health_folder(state_root)
    for name, text in {"a-good": "{}", "b-good": "1", "c-bad": "[1,]"}.items():
        (folder / f"{name}.json").write_text(text)
    agent().wait_online()
    bus.wait_property("HealthFiles", lambda rows: len(rows) == 3)
    [reason] = [reason for _, verdict, reason in bus.get("HealthFiles") if verdict != "ok"]
    assert fields(ctl.read())["Health files"] == \
        f"2 reported, 1 skipped\n● a-good, b-good\n× c-bad: invalid, {reason}"


def test_status_of_many_health_files_is_still_a_screen(agent, master, bus, ctl, state_root):
    folder = health_folder(state_root)
    for number in range(40):
        (folder / f"good-{number:02}.json").write_text("1")
        (folder / f"ugly-{number:02}.json").write_text("[1,]")
    agent().wait_online()
    bus.wait_property("HealthFiles", lambda rows: len(rows) == 80)
    screen = ctl.read()
    assert "good-19 and 20 more" in screen and "and 32 more, see argusctl health" in screen
    assert len(screen.splitlines()) < 25
    assert len(ctl.read("health").splitlines()) == 1 + 80 + 2


def test_status_in_an_outage(agent, master, bus, ctl):
    agent(REPORT_INTERVAL_SECONDS="2").wait_online()
    master.behave({"match": "report", "status": 503, "body": "so tired"})
    bus.wait_property("ConsecutiveFailures", lambda count: count >= 2)
    values = fields(ctl.read("status", status=NOT_ONLINE))
    assert re.fullmatch(r"retrying, \d+ failures in a row", values["State"])
    assert values["Last report"].startswith("failed, status 503; ")
    assert values["Last error"] == bus.get("LastReportError") and "so tired" in values["Last error"]
    assert values["Last success"] and values["Next attempt"] and "Next report" not in values
    assert re.fullmatch(r"[1-9]\d* accepted, [1-9]\d* failed since the agent started", values["Reports"])
    assert ctl.read("is-online", status=NOT_ONLINE) == "retrying\n"


def test_status_before_the_first_registration(agent, master, bus, ctl):
    master.behave({"match": "register", "hang": True})
    agent()
    bus.wait_property("State", "registering")
    values = fields(ctl.read("status", status=NOT_ONLINE))
    assert values["State"] == "registering"
    assert values["Node id"] == "none yet"
    assert values["Registered"] == "not since the agent started"
    assert values["Last report"] == "none since the agent started"
    assert "Next report" not in values


def test_status_when_registration_fails(agent, master, bus, ctl):
    master.behave({"match": "register", "status": 403, "body": "not you"})
    agent()
    bus.wait_property("State", "retrying")
    values = fields(ctl.read("status", status=NOT_ONLINE))
    assert values["State"].startswith("retrying, ")
    assert "not you" in values["Last error"] or "registration failed; see journalctl" in values["Last error"]


def test_status_says_that_nothing_is_saved(agent, master, bus, ctl, state_root):
    state_root.rmdir()
    state_root.write_text("a file where the folder should be")
    agent().wait_online()
    bus.wait_property("LastReportStatus", "success")
    assert "not saved" in fields(ctl.read())["State on disk"]


def test_status_as_json_is_the_properties(online, bus, ctl):
    text = ctl.read("--json")
    assert text.endswith("}\n") and text.count("\n") == 1
    assert not re.search(r"\d[.e]", re.sub(r'"[^"]*"', "", text)), "numbers of digits only"
    values = json.loads(text)
    expected = {name: value for name, (_, value) in bus.get_all().items()}
    assert list(values) == list(expected), "in the order of the interface"
    assert values == expected | {"HealthFiles": []}


def test_health_files_as_json(agent, master, bus, ctl, state_root):
    (health_folder(state_root) / "log-a.json").write_text("[1,]")
    agent().wait_online()
    bus.wait_property("HealthFiles", lambda rows: rows)
    [[key, verdict, reason]] = bus.get("HealthFiles")
    assert json.loads(ctl.read("--json"))["HealthFiles"] == [{"key": key, "verdict": verdict, "reason": reason}]


# The terminal


def test_a_terminal_has_colours(online, ctl):
    status, text = ctl.on_terminal()
    assert status == 0
    assert "\x1b[0;1;32monline\x1b[0m" in text and "\x1b[0;1;32m●\x1b[0m" in text
    assert without_colours(text).splitlines()[1:6] == ctl.read().splitlines()[1:6]


@pytest.mark.parametrize("variables,has_colours", [
    ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False), ({"TERM": ""}, False),
    ({"SYSTEMD_COLORS": "0"}, False), ({"SYSTEMD_COLORS": "1", "NO_COLOR": "1"}, True),
    ({"SYSTEMD_COLORS": "256", "TERM": "dumb"}, True), ({"SYSTEMD_COLORS": "nonsense"}, True)])
def test_who_decides_on_colours(online, ctl, variables, has_colours):
    assert (ESCAPE in ctl.on_terminal(**variables)[1]) == has_colours


def test_colours_can_be_had_in_a_pipe(online, ctl):
    assert ESCAPE in ctl.read(SYSTEMD_COLORS="1")


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_the_screen_fits_the_terminal(agent, master, bus, ctl, state_root, columns):
    folder = health_folder(state_root)
    (folder / "log-bad.json").write_text("[1,]")
    (folder / ("metric-" + "x" * 90 + ".json")).write_text("1")
    agent(REPORT_INTERVAL_SECONDS="1").wait_online()
    master.behave({"match": "report", "status": 503,
                   "body": "words and words and more words, 数据库维护中请稍后再试" * 2 + "x" * 120})
    bus.wait_property("LastReportStatus", "failed")
    status, text = ctl.on_terminal(columns=columns)
    assert status == NOT_ONLINE
    lines = without_colours(text).splitlines()

    def width(line):
        return sum(2 if "一" <= character <= "鿿" else 1 for character in line)
    assert [line for line in lines if width(line) > columns] == []
    assert [line for line in lines[1:] if line[13:14] != ":" and line[:15].strip()] == [], "values have a column"
    [error] = [value for label, value in fields("\n".join(lines)).items() if label == "Last error"]
    squeezed = bus.get("LastReportError").replace(" ", "")
    assert error.replace("\n", "").replace(" ", "") == squeezed, "nothing is lost in breaking lines"

    status, text = ctl.on_terminal("health", columns=columns)
    assert [line for line in without_colours(text).splitlines() if width(line) > columns and "xxx" not in line] == []


def test_hostile_words_do_nothing_to_the_terminal(agent, master, bus, ctl):
    agent(REPORT_INTERVAL_SECONDS="1").wait_online()
    master.behave({"match": "report", "status": 400, "raw": b"\x1b[2Jgone \xc2\x9b31mred \x07\x7f\x00 \xff \r\nend"})
    bus.wait_property("LastReportStatus", "failed")
    for text in ctl.read("status", status=NOT_ONLINE), ctl.read("--json", status=NOT_ONLINE):
        assert not [character for character in text if ord(character) < 32 and character != "\n"]
        assert not [character for character in text if 0x7f <= ord(character) < 0xa0]


# Arguments


@pytest.mark.parametrize("arguments", [
    ["nonsense"], ["status", "more"], ["log-level", "info", "more"], ["--nonsense"], ["-x"], ["is-online", "--wait"],
    ["is-online", "--wait="], ["is-online", "--wait=-1"], ["is-online", "--wait=1s"], ["--wait=5"],
    ["status", "--wait=5"], ["is-online", "--wait=99999999999999999999"], ["is-online", "more"]])
def test_wrong_usage(arguments):
    assert Ctl("unix:path=/nowhere/bus").fail(*arguments, status=USAGE)


def test_help_and_version():
    ctl = Ctl("unix:path=/nowhere/bus")
    text = ctl.read("--help")
    assert text == ctl.read("-h") == ctl.read("status", "--help")
    assert all(f"\n  {verb} " in text for verb in VERBS)
    assert all(len(line) <= 80 for line in text.splitlines())
    version = subprocess.run([BINARY, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    assert ctl.read("--version") == f"argusctl {version}\n"


def test_output_that_cannot_be_written_is_an_error(online, ctl):
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([CTL, "status"], env=ctl.environment, stdout=full, stderr=subprocess.PIPE, text=True,
                              check=False, timeout=30)
    assert done.returncode == FAILED and "No space left" in done.stderr


def complete(program, function, *words):
    """What bash offers for the last word."""
    script = ('. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); FUNCTION 2>/dev/null; '
              'printf "%s\\n" "${COMPREPLY[@]}"').replace("FUNCTION", function)
    done = subprocess.run(["bash", "-c", script, COMPLETION / f"{program}.bash", program, *words], text=True,
                          capture_output=True, check=True, timeout=10)
    return set(done.stdout.split())


def test_completion():
    def of(*words):
        return complete("argusctl", "_argusctl", *words)
    options = set(re.findall(r"--[a-z]+=?", Ctl("").read("--help").split("Options:")[1].split("Exit status")[0]))
    assert of("") == set(VERBS)
    assert of("re") == {"report", "reregister"}
    assert of("-") == of("is-online", "--") == options
    assert of("status", "--") == options - {"--wait="}
    assert of("log-level", "") == of("--json", "log-level", "") == {"err", "warning", "notice", "info", "debug"}
    assert of("log-level", "info", "") == of("status", "") == of("is-online", "--wait", "=", "") == set()
    help_text = subprocess.run([BINARY, "--help"], capture_output=True, text=True, check=True).stdout
    assert complete("argus-agent", "_argus_agent", "-") == set(re.findall(r"--[a-z]+", help_text))
    zsh = (COMPLETION / "_argusctl").read_text()
    assert all(f"'{verb}:" in zsh for verb in VERBS) and all(option in zsh for option in options)
