# SPDX-License-Identifier: MIT
"""AGENT_REPORT_ON_CHANGE: what changes is told within two seconds; what does not, and an outage, cost nothing."""

import json
import os
import threading
import time

import pytest

from support.agent import health_folder
from support.proc import cpu_seconds
from support.systemd import Systemd, running
from support.wait import stays_true, wait_until

QUIET = 1.0
PAUSE = 10.0
EARLY = 0.1
LATE = 1.0  # on a loaded machine


@pytest.fixture
def health(state_root):
    folder = health_folder(state_root)
    (folder / "log-a.json").write_text("1")
    return folder


@pytest.fixture
def watching(agent, master, health):
    """An agent whose regular reports never come, after its first one."""
    started = agent(AGENT_REPORT_ON_CHANGE="yes", REPORT_INTERVAL_SECONDS="100000", AGENT_LOG_LEVEL="debug")
    started.wait_online()
    return started


class Writer:
    """A module that writes its file again and again."""

    def __init__(self, path, pause, texts):
        self._path, self._pause, self._texts = path, pause, texts
        self._end = threading.Event()
        self.count = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._end.wait(self._pause):
            temporary = self._path.with_suffix(".tmp")
            temporary.write_text(self._texts(self.count))
            temporary.rename(self._path)
            self.count += 1

    def stop(self):
        self._end.set()
        self._thread.join(5)


def bodies(master):
    return [json.loads(request["body"])["health"] for request in master.requests("report")]


def reports(master):
    return master.requests("report")


def stays_quiet(master, seconds):
    count = len(reports(master))
    stays_true(lambda: len(reports(master)) == count, seconds, "no further report")


def test_a_change_is_reported_after_a_second_of_quiet(watching, master, health):
    changed = time.monotonic()
    (health / "log-a.json").write_text("2")
    report = master.wait_for_requests(2, kind="report", deadline=5)[1]
    assert json.loads(report["body"])["health"] == {"log-a": 2}
    assert QUIET - EARLY < report["monotonic"] - changed < QUIET + LATE


def test_a_series_of_changes_is_one_report(watching, master, health):
    for number in range(20):
        (health / f"log-{number}.json").write_text(f"{number}")
        time.sleep(0.1)
    report = master.wait_for_requests(2, kind="report", deadline=5)[1]
    assert len(json.loads(report["body"])["health"]) == 21
    stays_quiet(master, 2)


def test_every_kind_of_change(watching, master, health):
    """The later ones wait for the pause; all are told together then."""
    (health / "log-new.json").write_text("1")
    master.wait_for_requests(2, kind="report", deadline=5)
    (health / "log-a.json").unlink()
    (health / "log-new.json").write_text("broken")
    (health / ".t").write_text("3")
    (health / ".t").rename(health / "log-moved.json")
    report = master.wait_for_requests(3, kind="report", deadline=PAUSE + 5)[2]
    assert json.loads(report["body"])["health"] == {"log-moved": 3}
    assert [entry["ARGUS_HEALTH_FILE"] for entry in watching.entries("health-file-bad")] == ["log-new"]
    assert [entry["MESSAGE"] for entry in watching.entries(ARGUS_HEALTH_FILE="log-a")] == [
        "Health file log-a is gone and no longer reported."]


def test_the_same_bytes_are_no_change(watching, master, health):
    writer = Writer(health / "log-a.json", 0.3, lambda _: "1")
    (health / "nothing").write_text("of interest")
    stays_quiet(master, 5)
    os.utime(health / "log-a.json")
    (health / "log-a.json").write_text(" 1\n")  # nor is white space
    stays_quiet(master, 2)
    writer.stop()
    assert writer.count > 10


def test_a_change_is_told_while_another_module_rewrites_its_own(watching, master, health):
    writer = Writer(health / "log-b.json", 0.2, lambda _: '"steady"')
    master.wait_for_requests(2, kind="report", deadline=5)
    time.sleep(PAUSE)
    changed = time.monotonic()
    (health / "log-a.json").write_text("2")
    report = master.wait_for_requests(3, kind="report", deadline=5)[2]
    assert report["monotonic"] - changed < QUIET + LATE
    writer.stop()


def test_a_hundred_writes_a_second(watching, master, health):
    """What never rests is told within five seconds, and then at most every ten; it costs next to nothing."""
    cpu, started = cpu_seconds(watching.pid), time.monotonic()
    writer = Writer(health / "log-a.json", 0.01, str)
    found = [request["monotonic"] for request in master.wait_for_requests(3, kind="report", deadline=40)[1:]]
    writer.stop()
    assert 4 < found[0] - started < 5 + LATE
    assert PAUSE - EARLY < found[1] - found[0] < PAUSE + 5 + LATE
    assert writer.count > 500
    share = (cpu_seconds(watching.pid) - cpu) / (time.monotonic() - started)
    assert share < 0.05, f"{share:.1%} of a processor"


def test_no_extra_report_in_an_outage(watching, master, health):
    master.behave({"match": "report", "status": 503})
    (health / "log-a.json").write_text("2")
    watching.wait_log("report-failed", 5)
    for number in range(15):
        (health / "log-a.json").write_text(f"{number}")
        time.sleep(0.2)
    stays_quiet(master, 2)
    assert len(reports(master)) == 2

    # the report that ends it has the change, and no other one is made for it
    master.behave()
    watching.send(1)
    report = master.wait_for_requests(3, kind="report", deadline=5)[2]
    assert json.loads(report["body"])["health"] == {"log-a": 14}
    stays_quiet(master, 2)


def test_what_changes_while_a_report_is_in_flight(watching, master, health):
    master.behave({"match": "report", "delay": 3, "times": 1})
    (health / "log-a.json").write_text("2")
    wait_until(lambda: len(reports(master)) == 2, 5, "the report is in flight")
    (health / "log-a.json").write_text("3")
    report = master.wait_for_requests(3, kind="report", deadline=PAUSE + 5)[2]
    assert json.loads(report["body"])["health"] == {"log-a": 3}


def test_slots_do_not_move(agent, master, health):
    started = agent(AGENT_REPORT_ON_CHANGE="yes", REPORT_INTERVAL_SECONDS="4")
    started.wait_log("report-ok", count=2, deadline=10)
    slot = reports(master)[1]["monotonic"]
    (health / "log-a.json").write_text("2")
    found = [request["monotonic"] - slot for request in master.wait_for_requests(5, kind="report", deadline=20)[2:]]
    extra, *regular = found
    assert QUIET - EARLY < extra < QUIET + LATE
    assert [round(at / 4) for at in regular] == [1, 2], found
    assert all(abs(at - round(at / 4) * 4) < LATE for at in regular), found


def test_the_directory_is_replaced(watching, master, health):
    old = health.with_name("old")
    health.rename(old)
    health.mkdir(exist_ok=True)
    master.wait_for_requests(2, kind="report", deadline=5)
    assert bodies(master)[1] == {}
    (health / "log-b.json").write_text("1")
    master.wait_for_requests(3, kind="report", deadline=PAUSE + 5)
    assert bodies(master)[2] == {"log-b": 1}

    (health / "log-b.json").unlink()
    health.rmdir()
    master.wait_for_requests(4, kind="report", deadline=PAUSE + 5)
    health.mkdir(exist_ok=True)  # the agent makes it again, too
    (health / "log-c.json").write_text("1")
    master.wait_for_requests(5, kind="report", deadline=2 * PAUSE + 5)
    assert bodies(master)[3:] == [{}, {"log-c": 1}]


def test_off_by_default(agent, master, health):
    started = agent(REPORT_INTERVAL_SECONDS="100000")
    started.wait_online()
    (health / "log-a.json").write_text("2")
    stays_quiet(master, 3)


def test_a_watched_unit_reports_too(agent, master, bus, health):
    systemd = Systemd(bus.address, web_service=running())
    started = agent(AGENT_REPORT_ON_CHANGE="yes", AGENT_WATCH_UNITS="web", REPORT_INTERVAL_SECONDS="100000")
    started.wait_online()
    systemd.change("web.service", MainPID=2)  # alone it is no news
    stays_quiet(master, 2)
    changed = time.monotonic()
    systemd.change("web.service", ActiveState="failed", SubState="failed", MainPID=0, Result="signal")
    report = master.wait_for_requests(2, kind="report", deadline=5)[1]
    assert json.loads(report["body"])["health"]["systemd-web"]["healthy"] is False
    assert QUIET - EARLY < report["monotonic"] - changed < QUIET + LATE
    systemd.close()


def test_a_unit_that_restarts_for_ever(agent, master, bus, health):
    systemd = Systemd(bus.address, web_service=running())
    started = agent(AGENT_REPORT_ON_CHANGE="yes", AGENT_WATCH_UNITS="web", REPORT_INTERVAL_SECONDS="100000")
    started.wait_online()
    begun = time.monotonic()
    number = 0
    while len(reports(master)) < 3 and time.monotonic() < begun + 30:
        number += 1
        systemd.change("web.service", ActiveState="activating", SubState="auto-restart", NRestarts=number)
        time.sleep(0.1)
        systemd.change("web.service", ActiveState="active", SubState="running")
        time.sleep(0.1)
    first, second = [request["monotonic"] for request in reports(master)[1:]]
    assert first - begun < 5 + LATE
    assert PAUSE - EARLY < second - first < PAUSE + LATE
    systemd.close()


def test_a_file_that_goes_is_logged_once_without_it_too(agent, master, health):
    started = agent(REPORT_INTERVAL_SECONDS="1")
    started.wait_online()
    (health / "log-a.json").unlink()
    wait_until(lambda: bodies(master)[-1] == {}, 5, "a report without it")
    count = len(reports(master))
    master.wait_for_requests(count + 2, kind="report")
    assert len(started.entries(ARGUS_HEALTH_FILE="log-a")) == 1
