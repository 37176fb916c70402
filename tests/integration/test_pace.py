# SPDX-License-Identifier: MIT
"""When the agent tries: one request per interval, whatever happens."""

import json
import signal
import time
from email.utils import formatdate

import pytest

from support.wait import stays_true

EARLY = 0.15  # a timer may be this early against another clock's reading
LATE = 0.6    # and a loaded machine this late


def times(master, kind="report"):
    return [request["monotonic"] for request in master.requests(kind)]


def gaps(moments):
    return [later - earlier for earlier, later in zip(moments, moments[1:])]


def assert_regular(moments, interval):
    for gap in gaps(moments):
        assert interval - EARLY < gap < interval + LATE, gaps(moments)


def test_reports_come_once_per_interval(agent, master):
    agent(REPORT_INTERVAL_SECONDS="1")
    moments = [request["monotonic"] for request in master.wait_for_requests(6, kind="report")]
    assert gaps(moments)[0] < 1 + LATE, "the second comes after a random part of the interval"
    assert_regular(moments[1:], 1)


def test_a_fleet_does_not_report_together(agent, master):
    """The second reports of ten agents that start together are spread over the interval."""
    started = [agent(AGENT_HOSTNAME=f"dev-alice-web{number}", REPORT_INTERVAL_SECONDS="3") for number in range(10)]
    for one in started:
        one.wait_log("report-ok", count=2)
    delays = [one.entries("report-ok")[1]["monotonic"] - one.entries("report-ok")[0]["monotonic"] for one in started]
    assert max(delays) - min(delays) > 0.75, delays
    assert max(delays) < 3 + LATE


def test_at_most_one_request_is_in_flight(agent, master):
    master.behave({"match": "report", "delay": 0.6, "times": 4})
    agent(REPORT_INTERVAL_SECONDS="1", MASTER_TIMEOUT_SECONDS="1")
    requests = master.wait_for_answers(6)
    for earlier, later in zip(requests, requests[1:]):
        assert later["monotonic"] >= earlier["answered"] - 0.05


def test_an_outage_keeps_the_pace(agent, master):
    """No try between the regular ones: a fleet that loses its Master would double the load with it."""
    started = agent(REPORT_INTERVAL_SECONDS="2")
    started.wait_online()
    master.behave({"match": "report", "status": 503, "times": 4})
    started.wait_log("report-recovered", 20)
    found = [request["monotonic"] for request in master.wait_for_requests(7, kind="report")]
    assert_regular(found[1:], 2)


def test_each_try_has_a_fresh_body(agent, master):
    master.behave({"match": "report", "status": 503, "times": 2})
    agent(REPORT_INTERVAL_SECONDS="1").wait_log("report-recovered")
    bodies = [request["body"] for request in master.requests("report")]
    assert len(set(bodies)) == len(bodies)


def test_no_burst_after_a_gap(agent, master):
    started = agent(REPORT_INTERVAL_SECONDS="1")
    started.wait_log("report-ok", count=2)
    started.pause()
    gone = time.monotonic()
    stays_true(lambda: True, 4.2, "")
    started.resume()
    back = time.monotonic()
    found = master.wait_for_requests(len([t for t in times(master) if t < back]) + 4, kind="report")
    after = [request["monotonic"] for request in found if request["monotonic"] > gone + 1]
    assert after[0] - back < 1 + LATE
    assert sum(1 for moment in after if moment < back + 1) <= 2, gaps(after)
    assert_regular(after[1:], 1)


def test_a_refused_registration_backs_off(agent, master):
    master.behave({"match": "register", "status": 500})
    agent()
    found = [request["monotonic"] for request in master.wait_for_requests(3, 25, kind="register")]
    first, second = gaps(found)[:2]
    coalesced = 1 + LATE  # at long intervals a timer may wait that long for another
    assert 0.5 < first < 2 + coalesced, gaps(found)
    assert 1.0 < second < 4 + coalesced, gaps(found)


def test_a_master_that_comes_late_is_found(agent, master):
    master.stop()
    started = agent()
    started.wait_log("register-failed")
    master.start()
    started.wait_online(15)


def test_an_online_agent_survives_its_masters_restart(agent, master):
    started = agent(REPORT_INTERVAL_SECONDS="1")
    started.wait_online()
    master.stop()
    started.wait_log("report-failed")
    master.start()
    started.wait_log("report-recovered")
    assert [node["id"] for node in master.nodes()] == ["A1"]
    assert len(started.entries("registered")) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_retry_after_holds_a_registration_back(agent, master, status):
    master.behave({"match": "register", "status": status, "headers": {"Retry-After": "3"}, "times": 1})
    agent().wait_online(20)
    [gap] = gaps(times(master, "register"))
    assert 3 - EARLY < gap < 3 + 3 + 1 + 2 * LATE, "then, or spread out over as long again"


def test_retry_after_as_a_date(agent, master):
    until = int(time.time()) + 4
    master.behave({"match": "register", "status": 503, "times": 1,
                   "headers": {"Retry-After": formatdate(until, usegmt=True)}})
    agent().wait_online(20)
    second = master.requests("register")[1]
    assert until - 1.1 < second["wall"] < until + 4 + 1 + 2 * LATE


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_holds_reports_back(agent, master, status):
    """Also the regular pace."""
    started = agent(REPORT_INTERVAL_SECONDS="1")
    started.wait_online()
    master.behave({"match": "report", "status": status, "headers": {"Retry-After": "4"}, "times": 1})
    started.wait_log("report-failed")
    started.wait_log("report-recovered")
    found = master.requests("report")
    [bad] = [number for number, request in enumerate(found) if request["status"] == status]
    assert found[bad + 1]["monotonic"] - found[bad]["monotonic"] > 4 - EARLY
    after = [request["monotonic"] for request in master.wait_for_requests(bad + 5, kind="report")][bad + 1:]
    assert_regular(after[1:], 1)


@pytest.mark.parametrize("words", ["0", "-5", "soon", "", "999999999999999999999999", "1.5",
                                   "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_a_retry_after_that_says_nothing(agent, master, words):
    """No crash and no loop: a huge one counts as at most an hour, the rest as none."""
    master.behave({"match": "register", "status": 503, "headers": {"Retry-After": words}, "times": 2})
    started = agent()
    entry = started.wait_log("register-failed")
    assert int(entry.get("ARGUS_RETRY_USEC", 0)) <= 3660 * 1000000
    if words.isdigit() and words != "0":
        return
    started.wait_online(15)
    assert min(gaps(times(master, "register"))) > 0.3


def test_retry_after_is_at_most_an_hour(agent, master):
    master.behave({"match": "register", "status": 503, "headers": {"Retry-After": "86400"}})
    entry = agent().wait_log("register-failed")
    assert 3590 * 1000000 <= int(entry["ARGUS_RETRY_USEC"]) <= 3660 * 1000000


def test_retry_after_of_other_answers_does_not_count(agent, master):
    master.behave({"match": "register", "status": 400, "headers": {"Retry-After": "1800"}, "times": 1})
    agent().wait_online()


def test_sighup_registers_again_with_the_same_id(agent, master):
    started = agent()
    started.wait_online()
    started.send(signal.SIGHUP)
    second = master.wait_for_requests(2, kind="register")[1]
    assert json.loads(second["body"])["id"] == "A1"
    started.wait_log("reregister")
    started.wait_log("registered", count=2)


def test_a_storm_of_reloads_does_not_starve_the_reports(agent, master):
    """Each SIGHUP asks for another registration behind the one in flight; a report comes between."""
    master.behave({"match": "register", "delay": 0.2})
    started = agent()
    for count in range(1, 5):
        master.wait_for_requests(count, kind="register")
        started.send(signal.SIGHUP)
    kinds = [request["kind"] for request in master.wait_for_requests(8)]
    assert kinds[:8] == ["register", "report"] * 4
