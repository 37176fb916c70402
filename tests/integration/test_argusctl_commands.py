# SPDX-License-Identifier: MIT
"""argusctl: what its commands print, and its words when something is not there or not allowed."""

import json
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from support.agent import health_folder
from support.bus import INTERFACE
from support.ctl import ASKING, CTL, ESCAPE, USAGE, Ctl
from support.systemd import Systemd, running
from support.wait import wait_until


def test_is_online(online, ctl):
    assert ctl.read("is-online") == "online\n"
    assert json.loads(ctl.read("is-online", "--json")) == \
        {"Online": True, "State": "online", "LastReportStatus": "success"}


def test_report(online, ctl, master):
    assert ctl.read("report") == "Report accepted, status 200.\n"
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


def age_file(path, text, seconds):
    """Writes a file that was last written so long ago."""
    path.write_text(text)
    written = time.time() - seconds
    os.utime(path, (written, written))


def test_health_is_a_table(agent, master, bus, ctl, state_root):
    folder = health_folder(state_root)
    age_file(folder / "log-good.json", " {}", 2 * 3600 + 70)
    age_file(folder / "metric-bad.json", "[1,]" + 2000 * " ", -100)
    agent().wait_online()
    bus.wait_property("HealthFiles", lambda rows: len(rows) == 2)
    reason = bus.get("HealthFiles")[1][2]
    assert ctl.read("health").splitlines() == [
        "FILE        VERDICT  SIZE     AGE            REASON", "log-good    ok       3 B      2h 1min ago",
        f"metric-bad  invalid  2.0 KiB  in the future  {reason}", "", "1 reported, 1 skipped."]
    age_file(folder / "log-good.json", " {}", 0)
    assert re.search(r"^log-good +ok +3 B +(just now|\d+s ago)$", ctl.read("health"), re.MULTILINE)


def health_cells(text):
    """Of each file: its verdict, size and age."""
    lines = text.split("\n\n")[0].splitlines()
    return {cells[0]: cells[1:4] for cells in (re.split("  +", line) for line in lines[1:])}


def test_sizes_of_files(agent, master, bus, ctl, state_root):
    folder = health_folder(state_root)
    sizes = {"log-a": (5004, "4.9 KiB"), "log-b": (1536, "1.5 KiB"), "log-c": (1024 * 1024, "1.0 MiB"),
             "log-d": (5 * 1024 ** 3, "5.0 GiB"), "log-e": (0, "0 B"), "log-f": (1023, "1023 B")}
    for name, (size, _) in sizes.items():
        age_file(folder / f"{name}.json", "", 3)
        os.truncate(folder / f"{name}.json", size)
    agent().wait_online()
    bus.wait_property("HealthFiles", lambda rows: len(rows) == len(sizes))
    assert {name: cells[1] for name, cells in health_cells(ctl.read("health")).items()} == {
        name: text for name, (_, text) in sizes.items()}


def test_only_plain_files_of_plain_names_have_an_age(agent, master, bus, ctl, state_root, tmp_path):
    folder = health_folder(state_root)
    age_file(tmp_path / "outside.json", "[]", 60)
    (folder / "log-link.json").symlink_to(tmp_path / "outside.json")
    (folder / "log-folder.json").mkdir()
    os.mkfifo(folder / "log-pipe.json")
    (folder / "log-a b.json").write_text("{}")
    (folder / "log-new\nline.json").write_text("{}")
    (folder / "log-a\\x20b.json").write_text("{}")
    agent().wait_online()
    bus.wait_property("HealthFiles", lambda rows: len(rows) == 6)
    cells = health_cells(ctl.read("health"))
    assert len(cells) == 6 and {tuple(row[1:3]) for row in cells.values()} == {("-", "-")}, cells


def test_a_directory_that_is_not_there(own_mounts, agent, master, bus, ctl, state_root):
    """As for the agent of a container: what it reports is known over the bus only."""
    folder = health_folder(state_root)
    age_file(folder / "log-good.json", " {}", 60)
    agent(REPORT_INTERVAL_SECONDS="600").wait_online()
    bus.wait_property("HealthFiles", lambda rows: len(rows) == 1)
    assert health_cells(ctl.read("health"))["log-good"][:2] == ["ok", "3 B"]
    hidden = subprocess.run(["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none "$1" && exec "$2" health', "sh",
                             folder.parent, CTL], env=ctl.environment, check=True, capture_output=True, text=True)
    assert health_cells(hidden.stdout) == {"log-good": ["ok", "2 B", "-"]}
    assert hidden.stderr == ""


def test_long_keys_make_room_for_reasons(agent, master, bus, ctl, state_root):
    folder = health_folder(state_root)
    for name in "metric-node-exporter", "metric-" + "x" * 33:
        age_file(folder / f"{name}.json", "[1,]", 3599)
    agent().wait_online()
    bus.wait_property("HealthFiles", lambda rows: len(rows) == 2)
    status, text = ctl.on_terminal("health", NO_COLOR="1")
    assert status == 0 and max(map(len, text.splitlines())) <= 80, text
    assert re.search(r"^metric-x{33}\n {20,}invalid ", text, re.MULTILINE), text


def test_watched_units_stand_below_the_files(agent, master, bus, ctl, state_root):
    def hours_ago(hours):
        return int((time.time() - hours * 3600 - 60) * 1e6)
    systemd = Systemd(bus.address, web_service=running(StateChangeTimestamp=hours_ago(1)))
    systemd.units["cron.service"] = running(0, ActiveState="failed", SubState="failed", Result="exit-code", NRestarts=5,
                                            StateChangeTimestamp=hours_ago(2))
    systemd.units["data.mount"] = {"LoadState": "masked", "ActiveState": "inactive", "SubState": "dead"}
    age_file(health_folder(state_root) / "log-good.json", "{}", 3665)
    agent(AGENT_WATCH_UNITS="web cron data.mount").wait_online()
    bus.wait_property("HealthFiles", lambda rows: len(rows) == 1)
    assert ctl.read("health").splitlines() == [
        "FILE      VERDICT  SIZE  AGE          REASON", "log-good  ok       2 B   1h 1min ago", "",
        "1 reported, 0 skipped.", "",
        "UNIT          HEALTHY  SINCE        STATE",
        "cron.service  no       2h 1min ago  failed (failed), exit-code, 5 restarts",
        "data.mount    no       never        inactive (dead), masked",
        "web.service   yes      1h 1min ago  active (running)", "", "1 healthy, 2 not."]
    assert list(json.loads(ctl.read("health", "--json"))) == ["log-good", "systemd-cron", "systemd-data.mount",
                                                              "systemd-web"]
    systemd.close()


def test_a_unit_that_is_up_and_not_healthy_says_why(agent, master, bus, ctl):
    systemd = Systemd(bus.address, web_service=running())
    agent(AGENT_WATCH_UNITS="web").wait_online()

    def row_with(words):
        return wait_until(lambda: re.search(f"^web.service .*{words}.*", ctl.read("health"), re.MULTILINE), what=words)
    row_with("yes")
    systemd.change("web.service", NRestarts=1)
    assert row_with("1 restart")[0].endswith("  active (running), 1 restart")
    systemd.change("web.service", NRestarts=2)
    row = row_with("2 restarts")[0]
    assert "  no  " in row and row.endswith("  active (running), 2 restarts, keeps restarting"), row
    systemd.close()


def test_units_on_a_terminal(agent, master, bus, ctl):
    """A name has a line of its own where it is long, a state goes on below itself, and no line is too long."""
    name = "systemd-networkd-wait-online@enp0s31f6.service"
    systemd = Systemd(bus.address, web_service=running())
    systemd.units[name] = running(ActiveState="failed", SubState="failed", Result="exit-code", NRestarts=5)
    agent(AGENT_WATCH_UNITS=f"web {name}").wait_online()
    wait_until(lambda: "1 healthy, 1 not." in ctl.read("health"))
    status, text = ctl.on_terminal("health", NO_COLOR="1")
    assert status == 0 and max(map(len, text.splitlines())) <= 80, text
    assert re.search(rf"^{name}\n {{13}}no  ", text, re.MULTILINE), text
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
    words = ctl.fail("log-level", "chatty", status=USAGE)
    assert '"chatty"' in words and "warning, notice" in words
    assert ctl.read("log-level") == "err\n"


# What is not there


@pytest.mark.parametrize("verb", [verb for verb in ASKING if verb != "monitor"])
def test_without_an_agent(bus, ctl, verb):
    words = ctl.fail(verb)
    assert "not running, or not on the system bus" in words and "systemctl start argus-agent" in words
    assert ctl.fail(verb, "--json") == words


@pytest.mark.parametrize("verb", ASKING)
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
    assert "agent: no response" in ctl.fail("is-online", "--wait=1")
    assert time.monotonic() - begun < 5
    assert "agent: no response" in ctl.fail("status", deadline=40)
    online.resume()


def test_a_bus_that_hangs(online, bus, ctl):
    bus.daemon.pause()
    try:
        begun = time.monotonic()
        assert "no response" in ctl.fail("is-online", "--wait=1")
        assert time.monotonic() - begun < 5
        assert "system bus: no response" in ctl.fail("status", deadline=40)
    finally:
        bus.daemon.resume()


@pytest.fixture
def open_state():
    """A state root that other users can walk through: pytest's own directories are closed to them."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@pytest.fixture
def reachable_ctl(as_nobody, policy_bus):
    """An argusctl that other users can run, on a bus with the rules of a system bus."""
    return Ctl(policy_bus.address)


@pytest.mark.parametrize("command,action", [
    (["report"], "report"), (["reregister"], "reregister"), (["node"], "read-data"),
    (["health", "--json"], "read-data"), (["log-level", "debug"], None)])
def test_permission_denied(agent, master, policy_bus, reachable_ctl, command, action):
    agent().wait_online()
    policy_bus.wait_property("LastReportStatus", "success")
    words = reachable_ctl.fail(*command, user="nobody")
    assert words.startswith("argusctl: Permission denied")
    assert f"sudo argusctl {' '.join(command)}\n" in words
    assert (f"{INTERFACE}.{action} " in words) if action else ("polkit" not in words)
    assert "type=" not in words, "not the bus daemon's whole sentence"


def test_everyone_may_look(agent, master, policy_bus, reachable_ctl, state_root):
    folder = health_folder(state_root)
    age_file(folder / "log-good.json", "{}", 60)
    agent().wait_online()
    policy_bus.wait_property("LastReportStatus", "success")
    for command in ["status"], ["is-online"], ["is-online", "--wait=5"], ["health"], ["log-level"]:
        assert reachable_ctl.read(*command, user="nobody")
    folder.chmod(0o3770)
    text = reachable_ctl.read("health", user="nobody")
    assert health_cells(text) == {"log-good": ["ok", "-", "-"]}
    assert text.endswith("\nFor sizes, ages and watched units: sudo argusctl health\n")


def test_whoever_may_look_into_the_directory_sees_ages(agent, master, policy_bus, reachable_ctl, open_state):
    age_file(health_folder(open_state) / "log-good.json", " {}", 3 * 86400)
    agent(AGENT_STATE_ROOT=open_state).wait_online()
    policy_bus.wait_property("HealthFiles", lambda rows: len(rows) == 1)
    text = reachable_ctl.read("health", user="nobody")
    assert health_cells(text) == {"log-good": ["ok", "3 B", "3d ago"]}
    assert text.endswith("\nFor watched units: sudo argusctl health\n")
