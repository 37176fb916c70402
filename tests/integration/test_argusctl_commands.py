"""argusctl: what its commands print, and its words when something is not there or not allowed."""

import json
import subprocess
import time

import pytest

from support.agent import health_folder
from support.bus import INTERFACE
from support.ctl import CTL, ESCAPE, USAGE, VERBS, Ctl
from support.systemd import Systemd, running


@pytest.fixture
def ctl(bus):
    return Ctl(bus.address)


@pytest.fixture
def online(agent, master, bus):
    """An agent on the bus that has nothing to do for the next seconds."""
    started = agent(REPORT_INTERVAL_SECONDS="600")
    started.wait_online()
    bus.wait_property("LastReportStatus", "success")
    return started


def test_is_online(online, ctl):
    assert ctl.read("is-online") == "online\n"
    assert json.loads(ctl.read("is-online", "--json")) == \
        {"Online": True, "State": "online", "LastReportStatus": "success"}


def test_report(online, ctl, master):
    assert ctl.read("report") == "Reported; the Master answered 200.\n"
    assert json.loads(ctl.read("--json", "report")) == {"HttpStatus": 200}
    assert len(master.requests("report")) == 3


def test_reregister(online, ctl, master):
    assert ctl.read("reregister") == "Registered as A1.\n"
    assert json.loads(ctl.read("reregister", "--json")) == {"NodeId": "A1"}
    assert len(master.requests("register")) == 3


@pytest.mark.parametrize("verb,kind", [("report", "report"), ("reregister", "register")])
def test_failures_are_told_in_words(online, ctl, master, verb, kind):
    master.behave({"match": kind, "status": 403, "body": "not you"})
    words = ctl.fail(verb)
    assert words.startswith("argusctl: The Master refused: ") and "403" in words and "not you" in words
    master.stop()
    assert "refused" in ctl.fail(verb, "--json").lower()


def test_what_needs_a_registration_says_so(agent, master, ctl):
    master.behave({"match": "register", "status": 403, "body": "not you"})
    agent().wait_log("register-failed")
    assert ctl.fail("report").startswith("argusctl: The node is not registered: ")
    assert ctl.fail("node").startswith("argusctl: The node is not registered: ")


def test_node_is_verbatim(online, bus, ctl, master):
    raw = ('{"id":"A1", "name":"dev-alice-web01",\r\n\t"big":18446744073709551615,'
           '"text":"\\u00e9 é 1.10 \u009b31m\x7f"}')
    master.behave({"match": "report", "raw": raw.encode()})
    ctl.read("report")
    assert ctl.read("node").removesuffix("\n") == raw
    assert ctl.read("node", "--json") == ctl.read("node")
    status, text = ctl.on_terminal("node")
    assert status == 0 and ESCAPE not in text and "\u009b" not in text and "\x7f" not in text
    assert json.loads(text) == json.loads(raw), "the same object"


def test_health_is_a_table(agent, master, bus, ctl, state_root):
    folder = health_folder(state_root)
    for name, text in {"log-good": "{}", "metric-bad": "[1,]"}.items():
        (folder / f"{name}.json").write_text(text)
    agent().wait_online()
    bus.wait_property("HealthFiles", lambda rows: len(rows) == 2)
    reason = bus.get("HealthFiles")[1][2]
    assert ctl.read("health").splitlines() == [
        "KEY         VERDICT  SIZE        REASON", "log-good    ok       2 B",
        f"metric-bad  invalid              {reason}", "", "1 reported, 1 left out."]


def test_sizes_are_those_of_what_is_reported(agent, master, bus, ctl, state_root):
    folder = health_folder(state_root)
    (folder / "log-a.json").write_text(" " * 5000 + "[1]\n")
    (folder / "log-b.json").write_text('"' + "x" * 1534 + '"')
    (folder / "log-c.json").write_text('"' + "x" * (1024 * 1024 - 2) + '"')
    agent().wait_online()
    bus.wait_property("HealthFiles", lambda rows: len(rows) == 3)
    assert [line.split(None, 2)[2] for line in ctl.read("health").splitlines()[1:4]] == ["3 B", "1.5 KiB", "1024.0 KiB"]


def test_watched_units_stand_below_the_files(agent, master, bus, ctl, state_root):
    def hours_ago(hours):
        return int((time.time() - hours * 3600 - 60) * 1e6)
    systemd = Systemd(bus.address, web_service=running(StateChangeTimestamp=hours_ago(1)))
    systemd.units["cron.service"] = running(0, ActiveState="failed", SubState="failed", Result="exit-code", NRestarts=5,
                                            StateChangeTimestamp=hours_ago(2))
    systemd.units["data.mount"] = {"LoadState": "masked", "ActiveState": "inactive", "SubState": "dead"}
    (health_folder(state_root) / "log-good.json").write_text("{}")
    agent(AGENT_WATCH_UNITS="web cron data.mount").wait_online()
    bus.wait_property("HealthFiles", lambda rows: len(rows) == 1)
    assert ctl.read("health").splitlines() == [
        "KEY       VERDICT  SIZE        REASON", "log-good  ok       2 B", "", "1 reported, 0 left out.", "",
        "UNIT          HEALTHY  STATE                                   SINCE",
        "cron.service  no       failed (failed), exit-code, 5 restarts  2h 1min ago",
        "data.mount    no       inactive (dead), masked                 never",
        "web.service   yes      active (running)                        1h 1min ago", "", "1 healthy, 2 not."]
    assert list(json.loads(ctl.read("health", "--json"))) == ["log-good", "systemd-cron", "systemd-data.mount",
                                                              "systemd-web"]
    systemd.close()


def test_health_without_files(online, ctl):
    assert ctl.read("health") == "No health files.\n"
    assert ctl.read("health", "--json") == "{}\n"


def test_health_as_json_is_what_would_be_reported(online, ctl, state_root):
    (health_folder(state_root) / "log-a.json").write_text('{"n":  1.10, "big": 18446744073709551615}')
    assert '{"n":  1.10, "big": 18446744073709551615}' in ctl.read("health", "--json")


def test_log_level(online, bus, ctl):
    assert ctl.read("log-level") == "info\n"
    assert ctl.read("log-level", "debug") == ""
    assert json.loads(ctl.read("log-level", "--json")) == {"LogLevel": "debug"}
    assert json.loads(ctl.read("log-level", "err", "--json")) == {"LogLevel": "err"}
    assert "warning, notice" in ctl.fail("log-level", "chatty", status=USAGE)
    assert ctl.read("log-level") == "err\n"


# What is not there


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "monitor"])
def test_without_an_agent(bus, ctl, verb):
    words = ctl.fail(verb)
    assert "not running" in words and "systemctl start argus-agent" in words
    assert ctl.fail(verb, "--json") == words


@pytest.mark.parametrize("verb", VERBS)
def test_without_a_bus(verb):
    ctl = Ctl("unix:path=/nowhere/bus")
    words = ctl.fail(verb)
    assert "system bus" in words and "No such file" in words
    assert "user bus" in ctl.fail(verb, "--user")


def test_the_user_bus(agent, master, bus):
    agent(AGENT_BUS="user", DBUS_SYSTEM_BUS_ADDRESS=None, DBUS_SESSION_BUS_ADDRESS=bus.address)
    bus.wait_property("LastReportStatus", "success")
    ctl = Ctl("unix:path=/nowhere/bus")
    assert ctl.read("--user", "is-online", DBUS_SESSION_BUS_ADDRESS=bus.address) == "online\n"
    assert ctl.read("--user", "report", DBUS_SESSION_BUS_ADDRESS=bus.address)


def test_without_an_agent_on_the_user_bus(bus):
    words = Ctl("unix:path=/nowhere/bus").fail("--user", DBUS_SESSION_BUS_ADDRESS=bus.address)
    assert "AGENT_BUS=user" in words and "systemctl" not in words


def test_an_agent_that_hangs(online, ctl):
    online.pause()
    begun = time.monotonic()
    assert "no answer" in ctl.fail("is-online", "--wait=1")
    assert time.monotonic() - begun < 5
    assert "no answer" in ctl.fail("status", deadline=40)
    online.resume()


def test_a_bus_that_hangs(online, bus, ctl):
    bus.daemon.pause()
    try:
        begun = time.monotonic()
        assert ctl.fail("is-online", "--wait=1")
        assert time.monotonic() - begun < 5
        assert "The bus gives no answer" in ctl.fail("status", deadline=40)
    finally:
        bus.daemon.resume()


@pytest.fixture
def reachable_ctl(tmp_path_factory, policy_bus):
    """An argusctl that other users can run, on a bus with the rules of a system bus."""
    probe = subprocess.run([CTL, "--version"], user="nobody", capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip("other users cannot reach the build directory")
    return Ctl(policy_bus.address)


@pytest.mark.parametrize("command,action", [
    (["report"], "report"), (["reregister"], "reregister"), (["node"], "read-data"),
    (["health", "--json"], "read-data"), (["log-level", "debug"], None)])
def test_permission_denied(as_root, agent, master, policy_bus, reachable_ctl, command, action):
    agent().wait_online()
    policy_bus.wait_property("LastReportStatus", "success")
    words = reachable_ctl.fail(*command, user="nobody")
    assert words.startswith("argusctl: Permission denied")
    assert f"sudo argusctl {' '.join(command)}\n" in words
    assert (f"{INTERFACE}.{action} " in words) if action else ("polkit" not in words)
    assert "type=" not in words, "not the bus daemon's whole sentence"


def test_everyone_may_look(as_root, agent, master, policy_bus, reachable_ctl):
    agent().wait_online()
    policy_bus.wait_property("LastReportStatus", "success")
    for command in ["status"], ["is-online"], ["is-online", "--wait=5"], ["health"], ["log-level"]:
        assert reachable_ctl.read(*command, user="nobody")
    assert reachable_ctl.read("health", user="nobody").endswith("For sizes and watched units: sudo argusctl health\n")
