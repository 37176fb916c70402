# SPDX-License-Identifier: MIT
"""The machine's local address changes: what the Master is told, how soon, and how often."""

import signal
import time

import pytest

from lan import ADDRESS, OTHER_ADDRESS, THIRD_ADDRESS
from support.network import MASTER_ADDRESS
from support.wait import stays_true, wait_until

NAME = "master.test"
SETTLED = 1.0  # a change counts when nothing else has changed for this long
INTERVAL = 12
SPREAD = INTERVAL / 6  # the registration comes at a random time within this
NOTICED = SPREAD + 2.5  # the Master knows a settled change by then, even if the machine is loaded
UNSETTLED_MOST = 5.0


def wait_told(master, address, deadline=NOTICED):
    """Waits until this is the last address that the Master was told; returns how long that took."""
    begun = time.monotonic()
    wait_until(lambda: master.ips()[-1] == address, deadline, lambda: f"{address} in {master.ips()}")
    return time.monotonic() - begun


def change_address(node, old, new):
    node.remove_address(old)
    node.add_address(new)


def test_another_address_is_told_within_seconds(agent, node, master):
    started = agent(MASTER_ENDPOINT=master.url, REPORT_INTERVAL_SECONDS=INTERVAL)
    started.wait_online()
    assert master.ips() == [ADDRESS]

    change_address(node, ADDRESS, OTHER_ADDRESS)
    assert SETTLED / 2 < wait_told(master, OTHER_ADDRESS)
    said = started.wait_log("address-changed")
    assert said["MESSAGE"] == f"Local address changed from {ADDRESS} to {OTHER_ADDRESS}."
    assert f"with address {OTHER_ADDRESS}" in started.wait_log("registered", count=2)["MESSAGE"]
    assert not started.entries("register-failed") and not started.entries("report-failed")
    node, = master.nodes()
    assert node["id"] == "A1" and node["meta_data"]["ip"] == OTHER_ADDRESS
    assert len(master.ips()) == 2


def test_a_storm_of_changes_is_one_registration(agent, node, master):
    """Hundreds of other addresses come and go while the machine gets its new one."""
    started = agent(MASTER_ENDPOINT=master.url, REPORT_INTERVAL_SECONDS=INTERVAL)
    started.wait_online()
    storm = [f"addr {what} 172.30.{n // 250}.{n % 250 + 1}/32 dev eth0" for what in ("add", "del") for n in range(500)]
    node.ip_batch(storm[:500])
    change_address(node, ADDRESS, OTHER_ADDRESS)
    node.ip_batch(storm[500:])
    wait_told(master, OTHER_ADDRESS, UNSETTLED_MOST + NOTICED)
    stays_true(lambda: master.ips() == [ADDRESS, OTHER_ADDRESS], 2 * SETTLED, "one registration for the storm")
    assert len(started.entries("address-changed")) == 1


def test_a_storm_that_does_not_end_hides_nothing(agent, node, master):
    """The address is told though the table never comes to rest."""
    started = agent(MASTER_ENDPOINT=master.url, REPORT_INTERVAL_SECONDS=INTERVAL)
    started.wait_online()
    change_address(node, ADDRESS, OTHER_ADDRESS)
    begun = time.monotonic()
    while master.ips()[-1] != OTHER_ADDRESS:
        assert time.monotonic() < begun + UNSETTLED_MOST + NOTICED, "told at the latest by then"
        node.ip_batch(["addr add 172.30.0.1/32 dev eth0", "addr del 172.30.0.1/32 dev eth0"])
    assert time.monotonic() > begun + UNSETTLED_MOST - SETTLED, "the storm was long enough to count as one"


def test_an_address_that_flaps_ends_right(agent, node, master):
    """Two servers that give out addresses, say: none of what lasts for less than a second is told."""
    started = agent(MASTER_ENDPOINT=master.url, REPORT_INTERVAL_SECONDS=INTERVAL)
    started.wait_online()
    end, flaps = time.monotonic() + 3, 0
    while time.monotonic() < end:
        change_address(node, ADDRESS, OTHER_ADDRESS)
        stays_true(lambda: master.ips() == [ADDRESS], 0.3, "still flapping")
        change_address(node, OTHER_ADDRESS, ADDRESS)
        flaps += 1
    assert flaps >= 3
    stays_true(lambda: master.ips() == [ADDRESS], 2 * SETTLED, "what is as before is no news")
    change_address(node, ADDRESS, THIRD_ADDRESS)
    wait_told(master, THIRD_ADDRESS)
    assert master.ips() == [ADDRESS, THIRD_ADDRESS]


def test_bridges_of_containers_are_no_news(agent, node, master):
    """As docker makes them: a bridge with an address, and containers that come and go."""
    started = agent(MASTER_ENDPOINT=master.url, REPORT_INTERVAL_SECONDS=INTERVAL)
    started.wait_online()

    def make_bridge(name, third):
        return [f"link add {name} type bridge", f"addr add 172.{third}.0.1/16 dev {name}", f"link set {name} up",
                f"link add c-{name} type veth peer name p-{name}", f"link set c-{name} master {name} up",
                f"link set p-{name} up"]

    for _ in range(10):
        node.ip_batch(make_bridge("docker0", 17) + make_bridge("br-5f", 18))
        node.ip_batch(["link del c-docker0", "link del docker0", "link del c-br-5f", "link del br-5f"])
    node.ip_batch(make_bridge("docker0", 17))
    stays_true(lambda: master.ips() == [ADDRESS], UNSETTLED_MOST + 2 * SETTLED, "nothing to tell")
    assert not started.entries("address-changed")

    # nor is it what is told where a name has to be looked up first
    change_address(node, ADDRESS, OTHER_ADDRESS)
    wait_told(master, OTHER_ADDRESS)


def test_no_address_at_the_start_and_a_network_that_comes_later(agent, node, master):
    """The network ends the wait for the next try, which is 4 s at least by then."""
    node.ip("addr", "flush", "dev", "eth0")
    started = agent(MASTER_ENDPOINT=master.url, REPORT_INTERVAL_SECONDS=INTERVAL, AGENT_LOG_LEVEL="debug")
    failed = started.wait_log("register-failed", count=3, deadline=12)
    assert f"Registration failed: POST {master.url}/api/v1/master/nodes: cannot connect: " \
        "Network is unreachable; retrying in " \
        in failed["MESSAGE"]
    assert master.requests() == []

    node.add_address(ADDRESS)
    wait_until(lambda: master.ips() == [ADDRESS], NOTICED, "the first registration")
    assert started.wait_log("address-changed")["MESSAGE"] == f"Local address changed from none to {ADDRESS}."
    started.wait_online()


def test_an_address_that_is_gone_for_a_while(agent, node, master):
    """A lease that is renewed too late: reports fail meanwhile, and the node comes back by itself, with its id."""
    started = agent(MASTER_ENDPOINT=master.url, REPORT_INTERVAL_SECONDS="2", MASTER_TIMEOUT_SECONDS="1")
    started.wait_online()
    node.remove_address(ADDRESS)
    node.ip("-6", "addr", "flush", "dev", "eth0")
    started.wait_log("report-failed")
    node.add_address(OTHER_ADDRESS)
    wait_told(master, OTHER_ADDRESS)
    started.wait_log("report-recovered")
    assert [node["id"] for node in master.nodes()] == ["A1"]


@pytest.mark.parametrize("lost", ["route", "all routes"])
def test_no_default_route(agent, node, master, lost):
    """A Master on the own link needs none; without any the reason is said, and the route's return is noticed."""
    node.ip("route", "del", "default")
    started = agent(MASTER_ENDPOINT=master.url, REPORT_INTERVAL_SECONDS="2", MASTER_TIMEOUT_SECONDS="1")
    started.wait_online()
    assert master.ips() == [ADDRESS]
    if lost == "all routes":
        node.ip("route", "del", "10.77.0.0/24", "dev", "eth0")
        node.ip("route", "flush", "cache")
        said = started.wait_log("report-failed")["MESSAGE"]
        assert "unreachable" in said or "no response within the timeout" in said
        node.ip("route", "add", "10.77.0.0/24", "dev", "eth0")
        started.wait_log("report-recovered")
    assert [node["id"] for node in master.nodes()] == ["A1"]


def test_a_change_that_has_to_wait_is_logged_when_it_is_told(agent, node, master):
    """The Master has asked to be left alone; each noise of the network finds the change again."""
    started = agent(MASTER_ENDPOINT=master.url, REPORT_INTERVAL_SECONDS=INTERVAL, AGENT_LOG_LEVEL="debug")
    started.wait_online()
    master.behave({"match": "register", "status": 503, "headers": {"Retry-After": "600"}, "times": 1})
    started.send(signal.SIGHUP)
    started.wait_log("register-failed")

    def noticed():
        return len([line for line in started.entries() if line["MESSAGE"].startswith("Event ADDRESS_CHANGED: ")])

    change_address(node, ADDRESS, OTHER_ADDRESS)
    for count in range(1, 4):
        wait_until(lambda: noticed() == count, UNSETTLED_MOST, lambda: f"change {count} in {started.output()}")
        node.add_address(f"172.30.0.{count}")
    assert not started.entries("address-changed") and len(master.ips()) == 2

    started.send(signal.SIGHUP)  # a person does not wait
    wait_told(master, OTHER_ADDRESS)
    assert [entry["MESSAGE"] for entry in started.entries("address-changed")] \
        == [f"Local address changed from {ADDRESS} to {OTHER_ADDRESS}."]


def test_a_restless_address_does_not_set_the_pace(agent, node, master):
    """The address never settles, and responses take longer than it stays: reports get their responses, there are at
    most three times the usual requests, and in the end the Master knows the last address."""
    interval, rounds = 6, 5
    started = agent(MASTER_ENDPOINT=master.url, REPORT_INTERVAL_SECONDS=interval)
    started.wait_online()
    master.behave({"match": "any", "delay": 1.6})
    before, end = len(master.requests()), time.monotonic() + rounds * interval
    old, new = ADDRESS, OTHER_ADDRESS
    while time.monotonic() < end:
        change_address(node, old, new)
        old, new = new, old
        time.sleep(1.3)  # just long enough to settle: the next change is a new one
    asked = len(master.requests()) - before
    assert asked <= 3 * rounds + 2, master.requests()[before:]
    assert len(started.entries("report-ok")) >= rounds / 2
    assert len(started.entries("address-changed")) <= rounds + 2
    master.behave()
    wait_until(lambda: master.ips()[-1] == old, 2 * interval + NOTICED, lambda: f"{old} in {master.ips()}")


def test_once_corrects_the_address(agent, node, dns, master):
    """Where the name is not known yet the default route's address is told; the connection shows another."""
    dns.answer(NAME, MASTER_ADDRESS)
    node.add_address(OTHER_ADDRESS)
    node.ip("route", "replace", "default", "via", MASTER_ADDRESS, "src", OTHER_ADDRESS)
    started = agent("--once", MASTER_ENDPOINT=master.url_of(NAME))
    assert started.wait_exit() == 0, started.output()
    assert master.ips() == [OTHER_ADDRESS, ADDRESS]
    assert [request["kind"] for request in master.requests()][-1] == "report"
