# SPDX-License-Identifier: MIT
"""What the service manager is told: ready, status, reloading, stopping, and that the loop lives."""

import os
import signal
import time


from support.wait import stays_true, wait_until


def test_ready_then_online(agent, master, notify):
    started = agent(NOTIFY_SOCKET=notify.path)
    assert notify.wait("READY").fields["READY"] == "1"
    started.wait_online()
    wait_until(lambda: (notify.last("STATUS") or "").startswith("Online as A1"), 5, lambda: notify.last("STATUS"))
    status = notify.last("STATUS")
    assert master.url in status and "200" in status and "\n" not in status
    assert len(notify.all("READY")) == 1


def test_ready_does_not_wait_for_the_master(agent, master, notify):
    master.behave({"hang": True})
    started = agent(NOTIFY_SOCKET=notify.path)
    assert notify.wait("READY").monotonic - started.started < 1
    wait_until(lambda: notify.last("STATUS"), 5, "a status")
    assert "Online" not in notify.last("STATUS")


def test_status_says_why_it_fails(agent, master, notify):
    master.behave({"match": "register", "status": 403, "body": "go away"})
    agent(NOTIFY_SOCKET=notify.path)
    wait_until(lambda: "403" in (notify.last("STATUS") or ""), 10, lambda: notify.last("STATUS"))


def test_not_ready_with_a_wrong_configuration(agent, master, notify):
    started = agent(NOTIFY_SOCKET=notify.path, REPORT_INTERVAL_SECONDS="0")
    assert started.wait_exit() == 78
    assert notify.all("READY") == []
    assert "REPORT_INTERVAL_SECONDS" in notify.last("STATUS")


def test_reload_is_said_to_begin_and_to_end(agent, master, notify):
    started = agent(NOTIFY_SOCKET=notify.path)
    started.wait_online()
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    started.send(signal.SIGHUP)
    begun = notify.wait("RELOADING")
    assert begun.fields["RELOADING"] == "1"
    assert before <= int(begun.fields["MONOTONIC_USEC"]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    assert notify.wait("READY", count=2).monotonic >= begun.monotonic
    master.wait_for_requests(2, kind="register")


def test_reload_does_not_wait_for_the_master(agent, master, notify):
    started = agent(NOTIFY_SOCKET=notify.path)
    started.wait_online()
    master.behave({"hang": True})
    started.send(signal.SIGHUP)
    begun = notify.wait("RELOADING")
    assert notify.wait("READY", count=2).monotonic - begun.monotonic < 1


def test_a_reload_while_it_starts_says_nothing(agent, master, bus, notify):
    """READY=1 would say that the start is done, which waits a second for a bus that hangs."""
    bus.daemon.pause()
    started = agent(NOTIFY_SOCKET=notify.path)
    started.wait_online()
    started.send(signal.SIGHUP)
    started.wait_log("registered", count=2)
    ready = notify.wait("READY")
    assert all(note.monotonic > ready.monotonic for note in notify.all("RELOADING"))


def test_a_reload_while_it_stops_says_nothing(agent, master, notify):
    started = agent(NOTIFY_SOCKET=notify.path)
    started.wait_online()
    master.behave({"match": "register", "hang": True})
    started.send(signal.SIGHUP)
    master.wait_for_requests(2, kind="register")
    started.send(signal.SIGTERM)
    notify.wait("STOPPING")
    started.send(signal.SIGHUP)
    assert started.wait_exit() == 0
    assert (len(notify.all("RELOADING")), len(notify.all("READY"))) == (1, 2)
    assert len(started.entries("reregister")) == 1


def test_stopping_is_said(agent, master, notify):
    started = agent(NOTIFY_SOCKET=notify.path)
    started.wait_online()
    assert started.stop() == 0
    assert notify.wait("STOPPING").fields["STOPPING"] == "1"


def test_the_watchdog_is_fed_while_the_master_hangs(agent, master, notify):
    master.behave({"hang": True})
    started = agent(NOTIFY_SOCKET=notify.path, WATCHDOG_USEC=str(1_000_000))
    notify.wait("WATCHDOG", count=6)
    fed = [note.monotonic for note in notify.all("WATCHDOG")]
    assert max(later - earlier for earlier, later in zip(fed, fed[1:])) < 1
    started.pause()
    count = len(notify.all("WATCHDOG"))
    stays_true(lambda: len(notify.all("WATCHDOG")) <= count + 1, 1.5, "a stuck loop feeds no watchdog")
    started.resume()


def test_children_and_strangers_are_not_notified_for(agent, master, notify):
    """WATCHDOG_PID of another process: the watchdog is not ours."""
    started = agent(NOTIFY_SOCKET=notify.path, WATCHDOG_USEC=str(500_000), WATCHDOG_PID=str(os.getpid()))
    started.wait_online()
    stays_true(lambda: not notify.all("WATCHDOG"), 1, "no watchdog message")
