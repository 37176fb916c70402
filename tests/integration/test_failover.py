"""Several addresses of one Master: the first that answers is used, and stays first."""

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
    """Two Masters that answer alike."""
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


@pytest.mark.parametrize("rule", [{"status": 500}, {"status": 503}, {"close": True}, {"garbage": "no HTTP"}])
def test_the_next_one_is_asked_after_no_real_answer(agent, pair, rule):
    first, second = pair
    first.behave({"match": "any", **rule})
    agent(MASTER_ENDPOINT=endpoints(first, second)).wait_online()
    assert second.requests("report")


@pytest.mark.parametrize("status", [400, 403, 404, 429])
def test_an_answer_below_500_counts(agent, pair, status):
    first, second = pair
    first.behave({"match": "register", "status": status})
    agent(MASTER_ENDPOINT=endpoints(first, second)).wait_log("register-failed")
    assert second.requests() == []


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
