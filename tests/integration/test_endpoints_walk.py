# SPDX-License-Identifier: MIT
"""Several addresses of one Master, and none accepts: which failure is shown, and which address a Retry-After binds."""

import socket

import pytest

from support.wait import stays_true

KINDS = ("register", "report")
EARLY = 0.15  # by another clock a timer may be this early


@pytest.fixture
def closed():
    """An address of this machine that refuses connections."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{reserved.getsockname()[1]}"


def busy(kind, seconds, words=""):
    return {"match": kind, "status": 503, "headers": {"Retry-After": str(seconds)}, "body": words}


@pytest.fixture
def pair(start_master):
    return [start_master(), start_master()]


def endpoints(masters):
    return ",".join(master.url for master in masters)


@pytest.mark.parametrize("kind", KINDS)
def test_a_busy_one_is_left_alone_and_does_not_hold_the_node(agent, pair, kind):
    """The other is away at first."""
    busy_one, other = pair
    busy_one.behave(busy(kind, 600))
    other.stop()
    started = agent(MASTER_ENDPOINT=endpoints(pair), REPORT_INTERVAL_SECONDS="1")
    entry = started.wait_log(f"{kind}-failed")
    assert int(entry["ARGUS_RETRY_USEC"]) < 5e6
    stays_true(lambda: len(busy_one.requests(kind)) == 1, 2.5, "the busy Master gets no more requests")
    other.start()
    started.wait_online(15)
    assert len(busy_one.requests(kind)) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_busy_first", [True, False], ids=["busy-first", "busy-last"])
def test_the_address_is_that_of_the_error(agent, start_master, closed, bus, kind, is_busy_first):
    """A response says more than a refused connection."""
    master = start_master()
    master.behave(busy(kind, 1, "come back later"))
    addresses = [master.url, closed] if is_busy_first else [closed, master.url]
    entry = agent(MASTER_ENDPOINT=",".join(addresses)).wait_log(f"{kind}-failed")
    assert entry["ARGUS_ENDPOINT"] == master.url
    assert str(entry["ARGUS_HTTP_STATUS"]) == "503"
    assert master.url in entry["MESSAGE"] and "come back later" in entry["MESSAGE"]
    assert closed not in entry["MESSAGE"] and "refused" not in entry["MESSAGE"].lower()
    bus.wait_property("LastReportError", lambda words: "come back later" in words)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seconds", [(600, 4), (4, 600)], ids=["4-last", "4-first"])
def test_the_node_waits_for_the_first_that_is_free(agent, pair, kind, seconds):
    for master, wish in zip(pair, seconds):
        master.behave(busy(kind, wish))
    agent(MASTER_ENDPOINT=endpoints(pair), REPORT_INTERVAL_SECONDS="1")
    patient, other = pair[seconds.index(4)], pair[seconds.index(600)]
    first, second = patient.wait_for_requests(2, 20, kind=kind)[:2]
    assert second["monotonic"] - first["answered"] > 4 - EARLY
    assert len(other.requests(kind)) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_node_waits_if_all_are_busy(agent, pair, kind):
    for master in pair:
        master.behave(busy(kind, 600))
    started = agent(MASTER_ENDPOINT=endpoints(pair), REPORT_INTERVAL_SECONDS="1", AGENT_LOG_LEVEL="debug")
    bound = started.wait_log(f"{kind}-failed", count=2)
    assert int(bound["ARGUS_RETRY_USEC"]) > 590e6
    assert bound["MESSAGE"].endswith(" (Retry-After).") and "Retry-After" not in started.entries(f"{kind}-failed")[0]["MESSAGE"]
    stays_true(lambda: [len(master.requests(kind)) for master in pair] == [1, 1], 2.5, "both are left alone")


@pytest.mark.parametrize("method,kind", [("Report", "report"), ("Reregister", "register")])
def test_a_person_is_served_though_all_are_busy(agent, pair, bus, method, kind):
    """By the one that is free first."""
    for master, wish in zip(pair, (600, 300)):
        master.behave(busy("report", wish))
    started = agent(MASTER_ENDPOINT=endpoints(pair), REPORT_INTERVAL_SECONDS="1", AGENT_LOG_LEVEL="debug")
    started.wait_log("report-failed", count=2)
    for master in pair:
        master.clear_requests()
        master.behave({"match": "any", "raw": b'{"id": "A1", "name": "dev-alice-web01"}'})
    bus.call(method)
    assert pair[1].requests(kind)
    assert pair[0].requests() == []


def test_the_status_names_the_address_of_the_error(agent, start_master, notify):
    master = start_master()
    master.behave({"match": "any", "status": 503, "body": "busy"})
    agent(MASTER_ENDPOINT=f"http://127.0.0.1:1,{master.url}", NOTIFY_SOCKET=notify.path).wait_log("register-failed")
    stays_true(lambda: "busy" not in notify.last("STATUS") or master.url in notify.last("STATUS"), 0.5,
               notify.last("STATUS"))
