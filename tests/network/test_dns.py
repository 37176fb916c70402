# SPDX-License-Identifier: MIT
"""Names: a real DNS server that hangs, refuses, lies, changes its mind. A name that cannot be found is a failed try like
any other: it is said in plain words, the loop goes on, and a SIGTERM is not late."""

import pytest

from support.dns import CHECKS_SIGNATURES, KNOWS_BROKEN, NO_SUCH_NAME, SERVER_FAILED, Dnsmasq, result_code
from lan import ADDRESS, DEAD_ADDRESS, MASTER_ADDRESS6, NEAR_ADDRESSES, SECOND_MASTER_ADDRESS, Firewall
from support.network import MASTER_ADDRESS
from support.wait import stays_true, wait_until
from test_cable import WATCHED, assert_failed_in_time, assert_watchdog_is_fed, time_to_stop

NAME = "master.test"
ROOM = 1.0
FAST = {"REPORT_INTERVAL_SECONDS": "2", "MASTER_TIMEOUT_SECONDS": "1"}


def test_a_name_is_found(agent, dns, master):
    dns.answer(NAME, MASTER_ADDRESS)
    started = agent(MASTER_ENDPOINT=master.url_of(NAME), **FAST)
    started.wait_log("report-ok", count=3)
    assert master.ips() == [ADDRESS]
    registered, = started.entries("registered")
    assert f"Registered as A1 at {master.url_of(NAME)} with address {ADDRESS}" in registered["MESSAGE"]
    assert len(dns.queries(NAME)) <= 2, "one look-up (A and AAAA), as the connection is kept"


def hang_process(dns, node):
    dns.pause()


def hang_by_firewall(dns, node):
    Firewall(node).set(("input", "udp sport 53 drop"))


@pytest.mark.parametrize("hang", [hang_process, hang_by_firewall])
def test_a_server_that_hangs(agent, node, dns, master, notify, hang):
    """The C library would wait for it for many seconds."""
    dns.answer(NAME, MASTER_ADDRESS)
    hang(dns, node)
    started = agent(MASTER_ENDPOINT=master.url_of(NAME), NOTIFY_SOCKET=notify.path, MASTER_TIMEOUT_SECONDS="1",
                    **WATCHED)
    failed = started.wait_log("register-failed")
    assert_failed_in_time(failed)
    assert "Resolving timed out" in failed["MESSAGE"], "the word that leads to the name server"
    notify.wait("READY")
    fed_since = notify.wait("WATCHDOG").monotonic
    stays_true(lambda: started.is_running, 3, "nothing ends")
    assert_watchdog_is_fed(notify, fed_since)

    dns.resume()
    Firewall(node).clear()
    started.wait_online(10)


def test_a_stop_while_the_server_hangs(agent, node, dns, master):
    firewall = Firewall(node)
    firewall.set(("output", "udp dport 53 counter accept"))
    dns.answer(NAME, MASTER_ADDRESS)
    dns.pause()
    started = agent(MASTER_ENDPOINT=master.url_of(NAME))
    wait_until(lambda: any(firewall.hits()), 5, "a query")
    assert time_to_stop(started) < 2 + ROOM


def test_a_server_that_hangs_later_is_not_even_noticed(agent, dns, master):
    dns.answer(NAME, MASTER_ADDRESS)
    started = agent(MASTER_ENDPOINT=master.url_of(NAME), **FAST)
    started.wait_online()
    dns.pause()
    started.wait_log("report-ok", count=4)
    assert not started.entries("report-failed")


def test_a_name_that_does_not_exist_until_it_does(agent, dns, master):
    assert result_code(NAME) == NO_SUCH_NAME
    started = agent(MASTER_ENDPOINT=master.url_of(NAME))
    failed = started.wait_log("register-failed")
    assert f"Registration failed: POST {master.url_of(NAME)}/api/v1/master/nodes: cannot resolve the name: " \
        f"Could not resolve host: {NAME}; retrying in " in failed["MESSAGE"]
    assert int(failed["ARGUS_DURATION_USEC"]) < ROOM * 1e6
    assert dns.queries(NAME)
    dns.answer(NAME, MASTER_ADDRESS)
    started.wait_online(10)


def test_a_server_that_fails_until_it_does_not(agent, servers, master, tmp_path_factory):
    """SERVFAIL, here of a server that finds the zone's signatures missing."""
    servers(Dnsmasq, tmp_path_factory.mktemp("zone"), KNOWS_BROKEN, port=54)
    checking = servers(Dnsmasq, tmp_path_factory.mktemp("checking"), CHECKS_SIGNATURES)
    assert result_code("master.broken") == SERVER_FAILED
    started = agent(MASTER_ENDPOINT=master.url_of("master.broken"))
    assert "cannot resolve the name: Could not resolve host: master.broken" \
        in started.wait_log("register-failed")["MESSAGE"]
    checking.answer("master.broken", MASTER_ADDRESS)
    started.wait_online(10)


def test_no_server_at_all(agent, node, master):
    """Nobody listens on port 53."""
    started = agent(MASTER_ENDPOINT=master.url_of(NAME))
    assert "cannot resolve the name" in started.wait_log("register-failed")["MESSAGE"]
    assert time_to_stop(started) < ROOM


def test_a_dead_server_before_a_good_one(agent, node, dns, master):
    """The C library asks the second one after its own patience with the first: within the agent's time-out."""
    node.write_etc("resolv.conf", f"nameserver {DEAD_ADDRESS}\nnameserver {MASTER_ADDRESS}\noptions timeout:1\n")
    dns.answer(NAME, MASTER_ADDRESS)
    agent(MASTER_ENDPOINT=master.url_of(NAME), MASTER_TIMEOUT_SECONDS="5").wait_online()


@pytest.mark.parametrize("old_answers", ["refused", "silence"])
def test_the_master_moves_and_its_name_with_it(agent, node, dns, master, old_answers):
    """Whether the old address refuses or is silent: the new one is found with the next tries, not when a cache ends."""
    dns.answer(NAME, MASTER_ADDRESS)
    started = agent(MASTER_ENDPOINT=master.url_of(NAME), **FAST)
    started.wait_online()
    dns.answer(NAME, SECOND_MASTER_ADDRESS)
    how = "reject with tcp reset" if old_answers == "refused" else "drop"
    Firewall(node).set(("output", f"ip daddr {MASTER_ADDRESS} tcp dport {master.port} {how}"))
    started.wait_log("report-failed")
    started.wait_log("report-recovered", 5)
    started.wait_log("report-ok", count=len(started.entries("report-ok")) + 1)
    assert [node["id"] for node in master.nodes()] == ["A1"]


@pytest.mark.parametrize("how", ["meta l4proto tcp counter reject with tcp reset", "counter drop"],
                         ids=["refuse", "are-silent"])
@pytest.mark.parametrize("n_dead", [1, 3])
def test_several_addresses_the_first_of_them_dead(agent, node, dns, master, how, n_dead):
    """All addresses of a name are tried within one time-out."""
    dead = NEAR_ADDRESSES[:n_dead]
    dns.answer(NAME, *dead, SECOND_MASTER_ADDRESS)
    firewall = Firewall(node)
    for address in dead:
        node.ip("neigh", "add", address, "lladdr", "02:00:00:00:00:01", "dev", "eth0")
    firewall.set(*(("output", f"ip daddr {address} {how}") for address in dead))
    started = agent(MASTER_ENDPOINT=master.url_of(NAME), MASTER_TIMEOUT_SECONDS="6")
    started.wait_online()
    assert all(firewall.hits()), "each of the dead ones was tried"
    assert not started.entries("register-failed")
    took = int(started.entries("registered")[0]["ARGUS_DURATION_USEC"]) / 1e6
    assert took < (ROOM if "reject" in how else 6)


def test_a_name_with_an_ipv6_address_only(agent, dns, master):
    dns.answer(NAME, MASTER_ADDRESS6)
    started = agent(MASTER_ENDPOINT=master.url_of(NAME), **FAST)
    started.wait_online()
    wait_until(lambda: master.ips()[-1] == "fd77::2", 5, lambda: f"the address towards the Master in {master.ips()}")


def test_a_name_of_both_kinds(agent, dns, master):
    dns.answer(NAME, MASTER_ADDRESS, MASTER_ADDRESS6)
    started = agent(MASTER_ENDPOINT=master.url_of(NAME), **FAST)
    started.wait_log("report-ok", count=3)
    assert len(master.ips()) <= 2, "one correction at most, when the connection has shown the address"


@pytest.mark.parametrize("broken, nft", [("IPv6", f"ip6 daddr {MASTER_ADDRESS6}"),
                                         ("IPv4", f"ip daddr {MASTER_ADDRESS}")])
def test_happy_eyeballs(agent, node, dns, master, broken, nft):
    """One of the two ways is silent: the other is tried after a moment, not after a time-out."""
    dns.answer(NAME, MASTER_ADDRESS, MASTER_ADDRESS6)
    firewall = Firewall(node)
    firewall.set(("output", f"{nft} tcp dport {master.port} counter drop"))
    started = agent(MASTER_ENDPOINT=master.url_of(NAME), MASTER_TIMEOUT_SECONDS="10")
    started.wait_online()
    if broken == "IPv6":  # which the C library puts first
        assert any(firewall.hits())
    assert int(started.entries("registered")[0]["ARGUS_DURATION_USEC"]) < 1e6 + ROOM * 1e6
    expected = ADDRESS if broken == "IPv6" else "fd77::2"
    wait_until(lambda: master.ips()[-1] == expected, 5, lambda: f"{expected} in {master.ips()}")
