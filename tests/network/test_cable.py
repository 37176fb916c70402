# SPDX-License-Identifier: MIT
"""What happens to packets: a pulled cable, silence, resets, a slow and lossy line. The agent fails within its time-out,
says so, and is back by itself, on a new connection."""

import time

import pytest

from lan import ADDRESS, NAME, Firewall
from support.wait import stays_true, wait_until

TIMEOUT = 1
FAST = {"REPORT_INTERVAL_SECONDS": "2", "MASTER_TIMEOUT_SECONDS": str(TIMEOUT)}
ROOM = 1.0  # for a loaded machine
WATCHDOG_USEC = 1_000_000
# the variables as systemd sets them: WATCHDOG_PID is the process itself, which no test knows beforehand
WATCHED = {"wrapper": ["sh", "-c", 'WATCHDOG_PID=$$ exec "$@"', "sh"], "WATCHDOG_USEC": str(WATCHDOG_USEC)}


def ports(master):
    """From which port each request came: another one is another connection."""
    return [int(request["peer"].rpartition(":")[2]) for request in master.requests()]


def assert_failed_in_time(entry, timeout=TIMEOUT):
    assert timeout - 0.05 < int(entry["ARGUS_DURATION_USEC"]) / 1e6 < timeout + ROOM, entry


def assert_watchdog_is_fed(notify, since):
    """Without a gap in which systemd would have killed the agent."""
    fed = [since] + [note.monotonic for note in notify.all("WATCHDOG") if note.monotonic > since] + [time.monotonic()]
    assert len(fed) > 2
    assert max(later - earlier for earlier, later in zip(fed, fed[1:])) < WATCHDOG_USEC / 1e6, fed


def time_to_stop(agent):
    begun = time.monotonic()
    assert agent.stop() == 0
    return time.monotonic() - begun


def test_the_cable_is_pulled_and_comes_back(agent, node, master, notify):
    started = agent(MASTER_ENDPOINT=master.url, NOTIFY_SOCKET=notify.path, **FAST, **WATCHED)
    started.wait_online()
    node.pull_cable()
    pulled = time.monotonic()
    failed = started.wait_log("report-failed")
    assert_failed_in_time(failed)
    assert f"Report failed: PUT {master.url}/api/v1/master/nodes/A1/status: no response within the " \
        "timeout: " in failed["MESSAGE"]
    assert "; retrying in " in failed["MESSAGE"]
    wait_until(lambda: "Retrying" in notify.last("STATUS") and "no response" in notify.last("STATUS"), 5, "the status")
    master_knew = len(master.requests())
    stays_true(lambda: started.is_running, 5, "nothing ends")

    node.plug_cable()
    recovered = started.wait_log("report-recovered", 4)
    assert "Reports are accepted again after" in recovered["MESSAGE"] and int(recovered["ARGUS_ATTEMPT"]) >= 2
    assert_watchdog_is_fed(notify, pulled)
    assert len(master.requests()) <= master_knew + 2, "no burst makes up for the outage"
    assert master.ips() == [ADDRESS], "the same machine at the same address: no registration"
    assert len(started.entries("report-failed")) == 1, "one line for one outage"


@pytest.mark.parametrize("hook, match", [("output", "tcp dport"), ("input", "tcp sport")], ids=["sent", "received"])
def test_an_established_connection_goes_silent(agent, node, master, hook, match):
    """Half-open: a firewall or a balancer forgot this one connection. Others pass, so only a fresh one helps."""
    started = agent(MASTER_ENDPOINT=master.url, **FAST)
    started.wait_online()
    old = ports(master)[-1]
    assert set(ports(master)) == {old}
    own_port = match.replace("dport", "sport") if hook == "output" else match.replace("sport", "dport")
    Firewall(node).set((hook, f"{own_port} {old} drop"))

    failed = started.wait_log("report-failed")
    assert_failed_in_time(failed)
    assert "no response within the timeout" in failed["MESSAGE"]
    recovered = started.wait_log("report-recovered", 2 + ROOM)
    assert int(recovered["ARGUS_ATTEMPT"]) == 1, "the next try was on a fresh connection"
    fresh = ports(master)[-1]
    assert fresh != old
    started.wait_log("report-ok", count=3)
    assert ports(master)[-1] == fresh, "which is kept"


def test_all_packets_vanish_for_a_while(agent, node, master, notify):
    started = agent(MASTER_ENDPOINT=master.url, NOTIFY_SOCKET=notify.path, **FAST, **WATCHED)
    started.wait_online()
    old, begun = ports(master)[-1], time.monotonic()
    Firewall(node).set(("input", "ip saddr 10.77.0.1 drop"))
    failures = started.wait_log("report-failed")
    assert_failed_in_time(failures)
    stays_true(lambda: started.is_running, 4, "nothing ends")
    assert_watchdog_is_fed(notify, begun)
    Firewall(node).clear()
    recovered = started.wait_log("report-recovered", 4)
    assert 2 <= int(recovered["ARGUS_ATTEMPT"]) <= (time.monotonic() - begun) / 2 + 2, "the regular pace, no more"
    wait_until(lambda: ports(master)[-1] != old, 2, "a new connection")
    assert [node["id"] for node in master.nodes()] == ["A1"]


def test_silence_from_the_start(agent, node, master, notify):
    """And SIGTERM is not late while a connection is tried in vain."""
    Firewall(node).set(("output", f"tcp dport {master.port} drop"))
    started = agent(MASTER_ENDPOINT=master.url, NOTIFY_SOCKET=notify.path, MASTER_TIMEOUT_SECONDS="1", **WATCHED)
    assert_failed_in_time(started.wait_log("register-failed"))
    Firewall(node).clear()
    started.wait_online(5)
    started.stop()

    firewall = Firewall(node)
    firewall.set(("output", f"tcp dport {master.port} counter drop"))
    hanging = agent(MASTER_ENDPOINT=master.url, MASTER_TIMEOUT_SECONDS="10", AGENT_STATE_ROOT=started.folder / "other")
    wait_until(lambda: any(firewall.hits()), 5, "the first packet of a handshake")
    assert time_to_stop(hanging) < 2 + ROOM


def test_a_reset_on_the_old_connection_is_not_even_a_failure(agent, node, master):
    """A balancer that was restarted answers each old connection by a reset: libcurl asks again on a new one."""
    started = agent(MASTER_ENDPOINT=master.url, **FAST)
    started.wait_online()
    old = ports(master)[-1]
    Firewall(node).set(("output", f"tcp sport {old} reject with tcp reset"))
    wait_until(lambda: ports(master)[-1] != old, 2 + ROOM, "a new connection")
    started.wait_log("report-ok", count=2)
    assert not started.entries("report-failed")


def test_resets_of_everything(agent, node, master):
    started = agent(MASTER_ENDPOINT=master.url, **FAST)
    started.wait_online()
    Firewall(node).set(("output", f"tcp dport {master.port} reject with tcp reset"))
    failed = started.wait_log("report-failed")
    assert f"Report failed: PUT {master.url}/api/v1/master/nodes/A1/status: cannot connect: " \
        "Connection refused; retrying in " in failed["MESSAGE"]
    assert int(failed["ARGUS_DURATION_USEC"]) < 0.5e6, "there is nothing to wait for"
    Firewall(node).clear()
    started.wait_log("report-recovered", 2 + ROOM)


@pytest.mark.parametrize("kind", ["register", "report"])
def test_a_reset_while_the_answer_is_awaited(agent, node, master, kind):
    """A new connection that breaks is a failure; on a kept one libcurl asks again at once, as its end may have crossed
    the request."""
    master.behave({"match": kind, "hang": True, "times": 1})
    started = agent(MASTER_ENDPOINT=master.url, **FAST)
    master.wait_for_requests(1, kind=kind)
    own = ports(master)[-1]
    node.run("ss", "--kill", "-tn", "sport", "=", f":{own}")
    if kind == "register":
        failed = started.wait_log("register-failed")
        assert "the connection ended before a whole response came" in failed["MESSAGE"]
        assert int(failed["ARGUS_DURATION_USEC"]) < TIMEOUT * 1e6, "it did not wait for the time-out"
    started.wait_online()
    assert not started.entries("report-failed")
    assert ports(master)[-1] != own
    assert [node["id"] for node in master.nodes()] == ["A1"]


@pytest.mark.parametrize("how", ["route", "firewall"])
def test_what_is_said_to_be_unreachable_is_not_waited_for(agent, node, master, how):
    if how == "route":
        node.ip("route", "add", "unreachable", "10.77.0.1/32")
    else:
        Firewall(node).set(("output", f"tcp dport {master.port} reject with icmp host-unreachable"))
    failed = agent(MASTER_ENDPOINT=master.url).wait_log("register-failed")
    assert f"Registration failed: POST {master.url}/api/v1/master/nodes: cannot connect: " \
        "No route to host; retrying in " in failed["MESSAGE"]
    assert int(failed["ARGUS_DURATION_USEC"]) < ROOM * 1e6


# ---- a line of 500 ms, and one that loses packets ----

@pytest.fixture
def slow_agent(make_node, agent_anywhere, master):
    """An agent behind a cable of (ms of a round trip, % lost in each direction)."""
    def start(cable, **variables):
        node = make_node(slow=cable)
        variables = {"MASTER_ENDPOINT": master.url} | variables
        return agent_anywhere(wrapper=[*node.wrapper, *variables.pop("wrapper", ())], **variables)

    return start


def test_a_latency_of_half_a_second(slow_agent, master):
    started = slow_agent((500, 0), REPORT_INTERVAL_SECONDS="4", MASTER_TIMEOUT_SECONDS="4")
    started.wait_online()
    registered = int(started.entries("registered")[0]["ARGUS_DURATION_USEC"]) / 1e6
    reported = int(started.wait_log("report-ok", count=2)["ARGUS_DURATION_USEC"]) / 1e6
    assert registered > 1.0, "a handshake and a request are two round trips"
    assert 0.5 <= reported < 0.5 + ROOM / 2, "one round trip: the connection is kept"
    assert len(set(ports(master))) == 1
    assert not started.entries("register-failed") and not started.entries("report-failed")
    assert time_to_stop(started) < 2 + ROOM


def test_a_latency_above_the_time_out(slow_agent, master, notify):
    """It cannot work; it is said, tried at its pace, and holds up nothing."""
    begun = time.monotonic()
    started = slow_agent((2600, 0), MASTER_TIMEOUT_SECONDS="1", NOTIFY_SOCKET=notify.path, **WATCHED)
    failed = started.wait_log("register-failed")
    assert_failed_in_time(failed)
    assert "no response within the timeout" in failed["MESSAGE"]
    notify.wait("READY")
    stays_true(lambda: started.is_running, 2, "nothing ends")
    assert_watchdog_is_fed(notify, max(begun, notify.all("WATCHDOG")[0].monotonic - 0.1))
    assert time_to_stop(started) < 2 + ROOM


@pytest.mark.parametrize("loss", [20, 30])
def test_a_line_that_loses_packets(slow_agent, master, notify, loss):
    """A third of all packets may be lost: each try works or fails within its time-out, and the node is the same."""
    started = slow_agent((20, loss), REPORT_INTERVAL_SECONDS="3", MASTER_TIMEOUT_SECONDS="3", AGENT_LOG_LEVEL="debug",
                         NOTIFY_SOCKET=notify.path, **WATCHED)
    wait_until(lambda: len(started.entries("report-ok") + started.entries("report-recovered")) >= 4, 60,
               lambda: f"four reports through it:\n{started.output()}")
    tries = [entry for event in ("registered", "register-failed", "report-ok", "report-failed")
             for entry in started.entries(event)]
    assert all(int(entry["ARGUS_DURATION_USEC"]) < (3 + ROOM) * 1e6 for entry in tries), tries
    assert {node["name"] for node in master.nodes()} == {"dev-alice-" + NAME} and len(master.nodes()) == 1
    assert_watchdog_is_fed(notify, notify.all("WATCHDOG")[0].monotonic)
    assert time_to_stop(started) < 2 + ROOM
