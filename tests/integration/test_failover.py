# SPDX-License-Identifier: MIT
"""Several addresses of one Master: one that is away is passed, an overloaded one ends the attempt."""

import socket
import time

import pytest

NODE = b'{"id": "A1", "name": "dev-alice-web01"}'


@pytest.fixture
def closed_port():
    """A port of this machine that refuses connections."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield reserved.getsockname()[1]


@pytest.fixture
def pair(start_master):
    """Two Masters with the same responses."""
    masters = [start_master(), start_master()]
    for master in masters:
        master.behave({"match": "any", "raw": NODE})
    return masters


def endpoints(*masters):
    return ",".join(master.url for master in masters)


def test_the_next_one_is_asked_where_nobody_listens(agent, start_master, closed_port):
    master = start_master()
    started = agent(MASTER_ENDPOINT=f"127.0.0.1:{closed_port},127.0.0.1:{master.port}")
    started.wait_online()
    assert len(started.entries("register-failed")) == 0
    assert started.wait_log("registered")["ARGUS_ENDPOINT"] == master.url
    assert started.entries("endpoint-changed")


@pytest.mark.parametrize("rule", [{"close": True}, {"garbage": "no HTTP"}])
def test_the_next_one_is_asked_after_no_response(agent, pair, rule):
    first, second = pair
    first.behave({"match": "any", **rule})
    started = agent(MASTER_ENDPOINT=endpoints(first, second))
    started.wait_online()
    assert not started.entries("register-failed")
    assert second.requests("report")


@pytest.mark.parametrize("status", [400, 403, 404, 408, 429, 500, 503])
def test_a_response_ends_the_attempt(agent, pair, status):
    first, second = pair
    first.behave({"match": "register", "status": status})
    agent(MASTER_ENDPOINT=endpoints(first, second)).wait_log("register-failed")
    assert second.requests() == []


def test_a_refusal_is_no_reason_to_leave(agent, pair):
    first, second = pair
    first.behave({"match": "register", "status": 403, "times": 1}, {"match": "any", "raw": NODE})
    agent(MASTER_ENDPOINT=endpoints(first, second)).wait_online()
    assert second.requests() == []


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "3600"}], ids=["plain", "retry-after"])
@pytest.mark.parametrize("status", [408, 429, 503])
def test_an_overloaded_one_costs_one_report(agent, pair, status, headers):
    first, second = pair
    first.behave({"match": "report", "status": status, "headers": headers}, {"match": "any", "raw": NODE})
    started = agent(MASTER_ENDPOINT=endpoints(first, second), REPORT_INTERVAL_SECONDS="1")
    assert int(started.wait_log("report-recovered")["ARGUS_ATTEMPT"]) == 1
    second.wait_for_requests(4, kind="report")
    assert len(first.requests("report")) == 1
    assert len(started.entries("report-failed")) == 1


@pytest.mark.parametrize("count", [1, 3, 16])
def test_an_overload_is_not_multiplied_by_the_addresses(agent, start_master, count):
    """All addresses lead to one Master, which counts the requests."""
    master = start_master(host="0.0.0.0")
    master.behave({"match": "report", "status": 503})
    agent(MASTER_ENDPOINT=",".join(f"127.0.0.{number}:{master.port}" for number in range(1, count + 1)),
          REPORT_INTERVAL_SECONDS="1")
    moments = [request["monotonic"] for request in master.wait_for_requests(7, kind="report")][1:]
    gaps = [later - earlier for earlier, later in zip(moments, moments[1:])]
    assert min(gaps) > 0.85, gaps


def test_the_one_that_answered_stays_first(agent, pair):
    first, second = pair
    first.behave({"match": "register", "status": 503, "times": 1}, {"match": "any", "raw": NODE})
    started = agent(MASTER_ENDPOINT=endpoints(first, second), REPORT_INTERVAL_SECONDS="1")
    started.wait_log("report-ok", count=3)
    assert len(first.requests()) == 1


def test_a_report_moves_to_the_other(agent, pair, bus):
    first, second = pair
    started = agent(MASTER_ENDPOINT=endpoints(first, second), REPORT_INTERVAL_SECONDS="1")
    started.wait_online()
    first.stop()
    second.wait_for_requests(2, kind="report")
    assert not started.entries("report-failed")
    bus.wait_property("MasterEndpoint", second.url)


def test_one_that_hangs_does_not_use_up_the_whole_try(agent, pair):
    first, second = pair
    first.behave({"match": "register", "hang": True})
    begun = time.monotonic()
    agent(MASTER_ENDPOINT=endpoints(first, second), MASTER_TIMEOUT_SECONDS="4").wait_online(20)
    assert time.monotonic() - begun < 12


def test_all_of_them_away(agent, closed_port):
    started = agent(MASTER_ENDPOINT=f"127.0.0.1:{closed_port},http://localhost:{closed_port}")
    assert "refused" in started.wait_log("register-failed")["MESSAGE"].lower()
