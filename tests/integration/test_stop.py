# SPDX-License-Identifier: MIT
"""Stopping: at once when idle, within two seconds with a request in flight, always with status 0."""

import json
import signal
import time

import pytest

IDLE = 1.0
IN_FLIGHT = 2.5


def time_to_stop(agent, number=signal.SIGTERM):
    begun = time.monotonic()
    agent.send(number)
    assert agent.wait_exit() == 0, agent.output()
    return time.monotonic() - begun


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_idle(agent, master, number):
    started = agent()
    started.wait_online()
    assert time_to_stop(started, number) < IDLE
    assert started.entries("stopping")


@pytest.mark.parametrize("kind", ["register", "report"])
def test_a_request_in_flight_gets_two_seconds(agent, master, kind):
    master.behave({"match": kind, "hang": True})
    started = agent()
    master.wait_for_requests(1, kind=kind)
    assert 1.0 < time_to_stop(started) < IN_FLIGHT


@pytest.mark.parametrize("kind", ["register", "report"])
def test_an_answer_that_still_comes_is_taken(agent, master, kind):
    master.behave({"match": kind, "delay": 1, "times": 1})
    started = agent()
    master.wait_for_requests(1, kind=kind)
    assert time_to_stop(started) < IN_FLIGHT
    assert json.loads(started.node_json.read_text())["id"] == "A1"
    assert len(master.requests(kind)) == 1


def test_nothing_new_is_begun_while_stopping(agent, master):
    master.behave({"match": "register", "delay": 0.5, "times": 1})
    started = agent()
    master.wait_for_requests(1, kind="register")
    time_to_stop(started)
    assert master.requests("report") == []


def test_between_tries(agent, master):
    master.stop()
    started = agent()
    started.wait_log("register-failed")
    assert time_to_stop(started) < IDLE


def test_a_name_that_takes_long_to_resolve(agent):
    started = agent(MASTER_ENDPOINT="http://no-such-host.invalid:3000")
    started.wait_log("started")
    assert time_to_stop(started) < IN_FLIGHT


def test_right_after_the_start(agent, master):
    for delay in (0, 0.002, 0.005, 0.01, 0.02, 0.05):
        started = agent()
        time.sleep(delay)
        begun = time.monotonic()
        started.send(signal.SIGTERM)
        assert started.wait_exit() in (0, -signal.SIGTERM)  # the latter: before main() was reached
        assert time.monotonic() - begun < IN_FLIGHT


def test_a_second_signal_does_no_harm(agent, master):
    master.behave({"match": "report", "hang": True})
    started = agent()
    master.wait_for_requests(1, kind="report")
    started.send(signal.SIGTERM)
    started.send(signal.SIGTERM)
    started.send(signal.SIGHUP)
    assert started.wait_exit(IN_FLIGHT) == 0


def test_sigpipe_and_other_signals_do_no_harm(agent, master):
    started = agent(REPORT_INTERVAL_SECONDS="1")
    started.wait_online()
    started.send(signal.SIGPIPE)
    started.pause()
    started.resume()
    started.wait_log("report-ok", count=3)
