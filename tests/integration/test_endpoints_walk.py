"""Several addresses of one Master, and none of them answers: whose words count, and whose wish to be left alone."""

import socket

import pytest

from support.wait import stays_true

KINDS = ("register", "report")


@pytest.fixture
def closed():
    """An address of this machine that refuses connections."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{reserved.getsockname()[1]}"


def busy(kind, seconds, words=""):
    return {"match": kind, "status": 503, "headers": {"Retry-After": str(seconds)}, "body": words}


@pytest.mark.parametrize("kind", KINDS)
def test_a_busy_one_is_left_alone_though_the_next_is_away(agent, start_master, closed, kind):
    master = start_master()
    master.behave(busy(kind, 600))
    started = agent(MASTER_ENDPOINT=f"{master.url},{closed}", REPORT_INTERVAL_SECONDS="1")
    entry = started.wait_log(f"{kind}-failed")
    assert int(entry["ARGUS_RETRY_USEC"]) > 590e6
    stays_true(lambda: len(master.requests(kind)) == 1, 2.5, "the Master that is busy is left alone")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_busy_first", [True, False], ids=["busy-first", "busy-last"])
def test_the_address_is_that_of_the_error(agent, start_master, closed, bus, kind, is_busy_first):
    """An answer says more than a connection that was refused."""
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
@pytest.mark.parametrize("seconds", [(600, 2), (2, 600)])
def test_the_longest_wish_counts(agent, start_master, kind, seconds):
    masters = [start_master(), start_master()]
    for number, (master, wish) in enumerate(zip(masters, seconds)):
        master.behave(busy(kind, wish, f"words of {number}"))
    entry = agent(MASTER_ENDPOINT=",".join(master.url for master in masters)).wait_log(f"{kind}-failed")
    assert int(entry["ARGUS_RETRY_USEC"]) > 590e6
    assert [len(master.requests(kind)) for master in masters] == [1, 1]
    named = [master.url for master in masters].index(entry["ARGUS_ENDPOINT"])
    assert f"words of {named}" in entry["MESSAGE"] and masters[named].url in entry["MESSAGE"]


def test_the_status_names_the_address_of_the_error(agent, start_master, notify):
    master = start_master()
    master.behave({"match": "any", "status": 503, "body": "busy"})
    agent(MASTER_ENDPOINT=f"http://127.0.0.1:1,{master.url}", NOTIFY_SOCKET=notify.path).wait_log("register-failed")
    stays_true(lambda: "busy" not in notify.last("STATUS") or master.url in notify.last("STATUS"), 0.5,
               notify.last("STATUS"))
