# SPDX-License-Identifier: MIT
"""AGENT_WATCH_UNITS against a stand-in for systemd: what is in the reports, and what it takes to know it."""

import json
import time

import pytest
from dbus_next import Variant

from support.systemd import NAME, PROPERTIES, Systemd, running, unit_path
from support.wait import stays_true, wait_until


@pytest.fixture
def systemd(bus):
    stand_in = Systemd(bus.address, web_service=running())
    yield stand_in
    stand_in.close()


def reports(master):
    return [json.loads(request["body"])["health"] for request in master.requests("report")]


def wait_reported(master, key, deadline=10, **wanted):
    """Waits until the newest report has the unit with these fields; returns it."""
    def newest():
        found = reports(master)
        unit = found[-1].get(key) if found else None
        return unit if unit and wanted.items() <= unit.items() else None
    return wait_until(newest, deadline, lambda: f"{key} with {wanted} in {reports(master)[-3:]}")


def health(bus):
    return json.loads(bus.call("GetHealth"))


def wait_health(bus, key, deadline=10, **wanted):
    """The same of the agent, without a report."""
    bus.wait_agent()

    def current():
        unit = health(bus).get(key)
        return unit if unit and wanted.items() <= unit.items() else None
    return wait_until(current, deadline, lambda: f"{key} with {wanted} in {health(bus)}")


def test_the_first_report_has_the_units(agent, master, systemd):
    systemd.units["cron.service"] = {"LoadState": "loaded", "ActiveState": "failed", "SubState": "failed",
                                     "Result": "exit-code", "NRestarts": 5, "StateChangeTimestamp": 1795522380123456}
    systemd.units["data.mount"] = {"LoadState": "loaded", "ActiveState": "active", "SubState": "mounted"}
    systemd.units["multi-user.target"] = {"LoadState": "loaded", "ActiveState": "active", "SubState": "active"}
    agent(AGENT_WATCH_UNITS="web cron nothere a@b\\x2dc data.mount multi-user.target")
    master.wait_for_requests(1, kind="report")
    assert reports(master)[0] == {
        "systemd-web": {"unit": "web.service", "load_state": "loaded", "active_state": "active", "sub_state": "running",
                        "result": "success", "n_restarts": 0, "main_pid": 100, "since": "1970-01-01T00:00:00.000Z",
                        "healthy": True},
        "systemd-cron": {"unit": "cron.service", "load_state": "loaded", "active_state": "failed",
                         "sub_state": "failed", "result": "exit-code", "n_restarts": 5, "main_pid": 0,
                         "since": "2026-11-24T12:13:00.123Z", "healthy": False},
        "systemd-nothere": {"unit": "nothere.service", "load_state": "not-found", "active_state": "inactive",
                            "sub_state": "dead", "result": "success", "n_restarts": 0, "main_pid": 0, "since": None,
                            "healthy": False},
        "systemd-a@b\\x2dc": {"unit": "a@b\\x2dc.service", "load_state": "not-found", "active_state": "inactive",
                              "sub_state": "dead", "result": "success", "n_restarts": 0, "main_pid": 0, "since": None,
                              "healthy": False},
        "systemd-data.mount": {"unit": "data.mount", "load_state": "loaded", "active_state": "active",
                               "sub_state": "mounted", "result": "success", "n_restarts": None, "main_pid": None,
                               "since": None, "healthy": True},
        "systemd-multi-user.target": {"unit": "multi-user.target", "load_state": "loaded", "active_state": "active",
                                      "sub_state": "active", "result": None, "n_restarts": None, "main_pid": None,
                                      "since": None, "healthy": True}}


def test_units_stand_beside_the_files(agent, master, systemd, bus, state_root):
    folder = state_root / "dev-alice-web01/health"
    folder.mkdir(parents=True)
    (folder / "log-a.json").write_text("[1]")
    (folder / "systemd-web.json").write_text("[2]")
    agent(AGENT_WATCH_UNITS="web", REPORT_INTERVAL_SECONDS="1")
    wait_reported(master, "systemd-web", healthy=True)
    assert list(reports(master)[-1]) == ["log-a", "systemd-web"]
    assert list(health(bus)) == ["log-a", "systemd-web"]
    assert [key for key, verdict, _ in bus.get("HealthFiles")] == ["log-a", "systemd-web"]


def test_a_signal_leads_to_a_fetch(agent, master, bus, systemd):
    agent(AGENT_WATCH_UNITS="web", REPORT_INTERVAL_SECONDS="600")
    wait_health(bus, "systemd-web", main_pid=100)
    systemd.change("web.service", ActiveState="activating", SubState="auto-restart", Result="signal", MainPID=0)
    wait_health(bus, "systemd-web", active_state="activating", sub_state="auto-restart", result="signal", main_pid=0,
                healthy=False)
    systemd.change("web.service", ActiveState="active", SubState="running", MainPID=101, NRestarts=1,
                   StateChangeTimestamp=2000000)
    wait_health(bus, "systemd-web", main_pid=101, n_restarts=1, since="1970-01-01T00:00:02.000Z", healthy=True)
    assert systemd.fetched == {"web.service": 3}


def test_what_a_signal_contains_is_not_believed(agent, master, bus, systemd):
    agent(AGENT_WATCH_UNITS="web", REPORT_INTERVAL_SECONDS="600")
    wait_health(bus, "systemd-web", main_pid=100)
    systemd.signal(unit_path("web.service"), PROPERTIES, "PropertiesChanged", "sa{sv}as", NAME + ".Unit",
                   {"ActiveState": Variant("u", 7)}, [])
    wait_until(lambda: systemd.fetched == {"web.service": 2}, 10, "it is fetched")
    assert health(bus)["systemd-web"]["active_state"] == "active"


def test_a_unit_that_flaps_is_fetched_five_times_a_second(agent, master, bus, systemd):
    """And its last state is known in the end, however the signals fall between the replies."""
    systemd.units["steady.service"] = running(7)
    agent(AGENT_WATCH_UNITS="web steady", REPORT_INTERVAL_SECONDS="600")
    wait_health(bus, "systemd-web", main_pid=100)
    begun, changes = time.monotonic(), 0
    while time.monotonic() < begun + 2:
        changes += 1
        systemd.change("web.service", MainPID=1000 + changes)
        time.sleep(0.002)
    wait_health(bus, "systemd-web", main_pid=1000 + changes)
    pauses = [later - earlier for earlier, later in zip(systemd.fetched_at[2:], systemd.fetched_at[3:])]
    assert changes > 200 and systemd.fetched["web.service"] >= 6
    assert min(pauses) > 0.19
    assert systemd.fetched["steady.service"] == 1


def test_a_unit_that_appears_later(agent, master, bus, systemd):
    agent(AGENT_WATCH_UNITS="late later", REPORT_INTERVAL_SECONDS="600")
    wait_health(bus, "systemd-late", load_state="not-found")
    systemd.units["late.service"] = running()
    systemd.reload()
    wait_health(bus, "systemd-late", load_state="loaded", healthy=True)

    # without a reload: loaded by whoever starts it
    wait_health(bus, "systemd-later", load_state="not-found")
    systemd.units["later.service"] = running(ActiveState="inactive", SubState="dead", Type="oneshot")
    systemd.unit_new("later.service")
    systemd.change("later.service", ActiveState="activating", SubState="start")
    wait_health(bus, "systemd-later", load_state="loaded", active_state="activating")
    systemd.change("later.service", ActiveState="inactive", SubState="dead")
    systemd.unit_removed("later.service")
    wait_health(bus, "systemd-later", active_state="inactive", healthy=True)


def test_a_mount_by_hand_is_only_loaded(agent, master, bus, systemd):
    agent(AGENT_WATCH_UNITS="data.mount", REPORT_INTERVAL_SECONDS="600")
    wait_health(bus, "systemd-data.mount", load_state="not-found")
    systemd.units["data.mount"] = {"LoadState": "loaded", "ActiveState": "active", "SubState": "mounted"}
    systemd.unit_new("data.mount")
    wait_health(bus, "systemd-data.mount", active_state="active", healthy=True)
    del systemd.units["data.mount"]
    systemd.unit_removed("data.mount")
    wait_health(bus, "systemd-data.mount", active_state="inactive", healthy=False)


def test_looking_does_not_lead_to_looking_again(agent, master, bus, systemd):
    """systemd loads a unit for each look, and says so, whoever looks."""
    systemd.units["idle.service"] = running(ActiveState="inactive", SubState="dead")
    agent(AGENT_WATCH_UNITS="idle gone", REPORT_INTERVAL_SECONDS="600")
    wait_health(bus, "systemd-gone", load_state="not-found")
    once = {"idle.service": 1, "gone.service": 1}
    stays_true(lambda: systemd.fetched == once, 1, "nothing is fetched for the echo of a fetch")
    for _ in range(20):
        for name in "idle.service", "gone.service":
            systemd.unit_new(name)
            systemd.unit_removed(name)
    stays_true(lambda: systemd.fetched == once, 0.5, "nothing is fetched because others look")

    # a unit that is loaded because of another may signal more than that
    for _ in range(5):
        systemd.unit_new("idle.service")
        systemd.change("idle.service")
        systemd.unit_removed("idle.service")
    stays_true(lambda: systemd.fetched == once, 0.5, "a unit that is unloaded again is as it was")
    systemd.reload()
    wait_until(lambda: systemd.fetched == {name: 2 for name in once}, 10, "a reload leads to a fetch")


def test_a_transient_unit_is_not_found_afterwards(agent, master, bus, systemd):
    systemd.units["job.service"] = running()
    systemd.pinned = {"job.service"}
    agent(AGENT_WATCH_UNITS="job", REPORT_INTERVAL_SECONDS="600")
    wait_health(bus, "systemd-job", healthy=True)
    systemd.change("job.service", ActiveState="inactive", SubState="dead", StateChangeTimestamp=2000000)
    wait_health(bus, "systemd-job", active_state="inactive", load_state="loaded")
    del systemd.units["job.service"]
    systemd.pinned.clear()
    systemd.unit_removed("job.service")
    wait_health(bus, "systemd-job", load_state="not-found", since="1970-01-01T00:00:02.000Z")


def test_an_alias_is_the_unit_that_it_means(agent, master, bus, systemd):
    systemd.aliases["www.service"] = "web.service"
    agent(AGENT_WATCH_UNITS="www web", REPORT_INTERVAL_SECONDS="600")
    wait_health(bus, "systemd-www", unit="www.service", main_pid=100)
    systemd.change("web.service", MainPID=7)
    wait_health(bus, "systemd-www", main_pid=7)
    wait_health(bus, "systemd-web", main_pid=7)
    systemd.aliases.clear()
    systemd.reload()
    wait_health(bus, "systemd-www", load_state="not-found")
    wait_health(bus, "systemd-web", main_pid=7)


def test_systemd_executes_itself_anew(agent, master, bus, systemd):
    started = agent(AGENT_WATCH_UNITS="web", REPORT_INTERVAL_SECONDS="600")
    wait_health(bus, "systemd-web", main_pid=100)
    systemd.stop()
    assert health(bus)["systemd-web"]["main_pid"] == 100
    systemd.units["web.service"]["MainPID"] = 200
    systemd.start()
    wait_health(bus, "systemd-web", main_pid=200)
    systemd.change("web.service", MainPID=201)
    wait_health(bus, "systemd-web", main_pid=201)
    assert "left out" not in started.output()


def test_without_systemd_the_units_are_left_out_and_one_line_says_so(agent, master, bus):
    started = agent(AGENT_WATCH_UNITS="web", REPORT_INTERVAL_SECONDS="1")
    started.wait_line("Watched units are left out", 10)
    master.wait_for_requests(8, kind="report", deadline=15)
    assert all(report == {} for report in reports(master))
    assert started.output().count("left out") == 1 and "systemd is not on the bus" in started.output()

    stand_in = Systemd(bus.address, web_service=running())
    wait_reported(master, "systemd-web", healthy=True)
    assert started.output().count("are known again") == 1
    stand_in.close()
    wait_until(lambda: reports(master)[-1] == {}, 15, "the unit is left out again")
    assert started.output().count("left out") == 2


def test_without_a_bus(agent, master):
    started = agent(AGENT_WATCH_UNITS="web", AGENT_BUS="none")
    started.wait_online()
    assert reports(master) == [{}]
    assert started.output().count("Watched units are left out of the reports: there is no bus") == 1


def test_once_says_that_it_leaves_units_out(run_agent, master):
    status, output = run_agent("--once", AGENT_WATCH_UNITS="web", AGENT_REPORT_ON_CHANGE="yes")
    assert status == 0 and "Watched units are left out" in output
    assert reports(master) == [{}]


def test_the_bus_restarts(agent, master, bus, systemd):
    started = agent(AGENT_WATCH_UNITS="web", REPORT_INTERVAL_SECONDS="1")
    wait_reported(master, "systemd-web", main_pid=100)
    bus.stop()
    started.wait_log("bus-lost")
    wait_until(lambda: reports(master)[-1] == {}, 15, "what is not known is not reported")
    bus.start()
    systemd.units["web.service"]["MainPID"] = 300
    systemd.start()
    wait_reported(master, "systemd-web", main_pid=300)
    systemd.change("web.service", MainPID=301)
    wait_reported(master, "systemd-web", main_pid=301)


def test_a_systemd_that_fails_is_asked_again(agent, master, bus, systemd):
    systemd.fails = True
    started = agent(AGENT_WATCH_UNITS="web", REPORT_INTERVAL_SECONDS="600")
    started.wait_line("left out", 15)
    asked = systemd.calls.total()
    assert asked < 60
    systemd.fails = False
    wait_health(bus, "systemd-web", deadline=40, healthy=True)
    started.wait_line("are known again")


def test_a_unit_that_cannot_be_read_costs_no_other(agent, master, bus, systemd):
    systemd.units["odd.service"] = running(MainPID=Variant("s", "seven"))
    started = agent(AGENT_WATCH_UNITS="odd web", REPORT_INTERVAL_SECONDS="600")
    wait_health(bus, "systemd-web", main_pid=100)
    started.wait_line("left out", 30)
    wait_health(bus, "systemd-web", main_pid=100)
    assert "systemd-odd" not in health(bus)
    assert systemd.fetched["odd.service"] < 10
    systemd.units["odd.service"]["MainPID"] = 7
    wait_health(bus, "systemd-odd", deadline=30, main_pid=7)
    started.wait_line("are known again")


def test_nobody_else_can_speak_for_systemd(agent, master, bus, systemd, connect):
    """A signal may be sent to one receiver by anybody."""
    agent(AGENT_WATCH_UNITS="web", REPORT_INTERVAL_SECONDS="600")
    wait_health(bus, "systemd-web", main_pid=100)
    asked = systemd.calls.total()
    owner = bus.busctl("call", "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetNameOwner",
                       "s", "org.argus.Agent1")["data"][0]
    for arguments in ([unit_path("web.service"), "org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as",
                       NAME + ".Unit", "1", "ActiveState", "s", "failed", "0"],
                      ["/org/freedesktop/systemd1", NAME + ".Manager", "Reloading", "b", "false"],
                      ["/org/freedesktop/DBus", "org.freedesktop.DBus", "NameOwnerChanged", "sss", NAME, ":1.1", ""]):
        bus.busctl("emit", "--destination=" + owner, *arguments)
    stays_true(lambda: systemd.calls.total() == asked, 0.5, "systemd is asked nothing")
    systemd.change("web.service", MainPID=9)
    assert wait_health(bus, "systemd-web", main_pid=9)["active_state"] == "active"


def test_a_thousand_units(agent, master, bus, systemd):
    names = [f"unit-{number}" for number in range(1000)]
    systemd.units |= {f"{name}.service": running(pid) for pid, name in enumerate(names, 1)}
    started = agent(AGENT_WATCH_UNITS=" ".join(names), REPORT_INTERVAL_SECONDS="1")
    wait_until(lambda: reports(master) and len(reports(master)[-1]) == 1000, 60, "all are reported")
    systemd.change("unit-999.service", ActiveState="failed")
    wait_reported(master, "systemd-unit-999", healthy=False)
    assert "left out" not in started.output()


def test_signals_of_other_units_lead_to_nothing(agent, master, bus, systemd):
    started = agent(AGENT_WATCH_UNITS="web", REPORT_INTERVAL_SECONDS="600")
    wait_health(bus, "systemd-web", main_pid=100)
    asked = systemd.calls.total()
    for number in range(500):
        systemd.change(f"foreign-{number}.service", ActiveState="active", MainPID=number)
        time.sleep(0.001)  # as much as the stand-in can send
    assert systemd.calls.total() == asked
    systemd.change("web.service", MainPID=9)
    wait_health(bus, "systemd-web", main_pid=9, deadline=30)
    assert systemd.fetched == {"web.service": 2}
    assert started.is_running
