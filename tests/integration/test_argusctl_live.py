# SPDX-License-Identifier: MIT
"""argusctl: what waits for the agent and follows it."""

import json
import re
import signal
import subprocess
import time


from support.agent import health_folder
from support.bus import INTERFACE, PATH
from support.ctl import FAILED, NOT_ONLINE
from support.wait import stays_true, wait_until


# Waiting


def test_waiting_for_what_is_so(online, ctl):
    begun = time.monotonic()
    assert ctl.read("is-online", "--wait=60") == "online\n"
    assert time.monotonic() - begun < 5


def test_waiting_until_it_is_online(agent, master, bus, ctl):
    master.behave({"match": "register", "hang": True})
    agent()
    bus.wait_property("State", "registering")
    waiting = ctl.start("is-online", "--wait=60")
    stays_true(lambda: waiting.is_running, 0.7, "it waits")
    master.behave()
    assert waiting.wait_exit(40) == 0
    assert waiting.output() == "online"


def test_waiting_until_it_is_there(agent, master, bus, ctl):
    waiting = ctl.start("is-online", "--wait=60", "--json")
    stays_true(lambda: waiting.is_running, 0.5, "it waits")
    agent()
    assert waiting.wait_exit(20) == 0
    assert json.loads(waiting.output())["Online"] is True


def test_waiting_ends(agent, master, bus, ctl):
    assert "not running" in ctl.fail("is-online", "--wait=1")
    master.behave({"match": "register", "status": 503})
    agent()
    bus.wait_property("State", "retrying")
    begun = time.monotonic()
    assert ctl.read("is-online", "--wait=1", status=NOT_ONLINE) in ("retrying\n", "registering\n")
    assert 0.9 < time.monotonic() - begun < 5


def test_a_signal_of_somebody_else_is_not_believed(agent, master, bus, ctl):
    master.behave({"match": "register", "status": 503})
    agent()
    bus.wait_property("State", "retrying")
    waiting = ctl.start("is-online", "--wait=3")

    def clients():
        names = bus.busctl("call", "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "ListNames")
        return [name for name in names["data"][0] if name.startswith(":")]
    time.sleep(0.5)  # it has asked for the signals
    for target in clients():
        subprocess.run(["busctl", f"--address={bus.address}", f"--destination={target}", "emit", PATH,
                        "org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as", INTERFACE, "2",
                        "State", "s", "online", "LastReportStatus", "s", "success", "0"], check=False, timeout=10)
    assert waiting.wait_exit(10) == NOT_ONLINE, waiting.output()


# monitor


def test_monitor_follows(agent, master, bus, ctl, state_root):
    monitor = ctl.start("monitor")
    assert monitor.wait_line("The agent is not running").stream == "stdout"
    started = agent(REPORT_INTERVAL_SECONDS="1")
    monitor.wait_line("The agent is ")
    monitor.wait_line("LastReportTimestamp: ")
    (health_folder(state_root) / "log-a.json").write_text("[1,]")
    monitor.wait_line("HealthFiles: log-a: invalid, ")
    (health_folder(state_root) / "log-a.json").write_text("1")
    monitor.wait_line("HealthFiles: log-a: ok")
    (health_folder(state_root) / "log-a.json").unlink()
    monitor.wait_line("HealthFiles: log-a: gone")
    master.behave({"match": "report", "status": 503, "body": "so tired"})
    monitor.wait_line("State: online → retrying")
    assert "so tired" in monitor.wait_line("LastReportError: none → ")
    monitor.wait_line("ConsecutiveFailures: 1 → 2")
    master.behave()
    monitor.wait_line("State: retrying → online")
    monitor.wait_line("LastReportStatus: failed → success")
    ctl.read("reregister")
    monitor.wait_line("LastRegistrationTimestamp: ")
    before = len(monitor.lines)
    started.stop()
    wait_until(lambda: any("The agent is not running" in line for line in monitor.lines[before:]), 5, "its end")
    agent()
    wait_until(lambda: any(" as A1 at http" in line for line in monitor.lines[before:]), 5, "its return")
    assert all(re.match(r"\w{3} \d\d \d\d:\d\d:\d\d  \S", line) for line in monitor.lines), monitor.output()
    monitor.send(signal.SIGINT)
    assert monitor.wait_exit() == 0
    assert monitor.output("stderr") == ""


def test_monitor_as_json(online, bus, ctl):
    monitor = ctl.start("monitor", "--json")
    first = json.loads(monitor.wait_line("{"))
    assert first["Running"] is True and first["Changed"] == json.loads(ctl.read("--json"))
    ctl.read("report")
    change = json.loads(monitor.wait_line('"Changed":{"LastReportTimestamp"'))
    assert set(change["Changed"]) >= {"LastReportTimestamp", "LastSuccessfulReportTimestamp"}
    assert abs(change["Timestamp"] / 1e6 - time.time()) < 60 and isinstance(change["Timestamp"], int)
    assert online.stop() == 0
    gone = json.loads(monitor.wait_line('"Running":false'))
    assert gone["Changed"] == {}
    monitor.send(signal.SIGTERM)
    assert monitor.wait_exit() == 0


def test_monitor_ends_with_the_bus(online, bus, ctl):
    monitor = ctl.start("monitor")
    monitor.wait_line("online as A1")
    bus.stop()
    assert monitor.wait_exit() == FAILED
    assert "connection to the bus was lost" in monitor.output("stderr")


def test_monitor_can_be_interrupted_when_the_bus_hangs(bus, ctl):
    bus.daemon.pause()
    try:
        monitor = ctl.start("monitor")
        time.sleep(0.5)  # it has blocked the signal, to take it from its loop
        monitor.send(signal.SIGINT)
        assert monitor.wait_exit(5) == 0
    finally:
        bus.daemon.resume()
