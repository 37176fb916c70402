# SPDX-License-Identifier: MIT
"""A machine with IPv6 only, one without IPv6, and one that has both."""

import json
import subprocess

import pytest

from support.dns import Dnsmasq
from lan import ADDRESS, ADDRESS6, MASTER_ADDRESS6, OTHER_ADDRESS6, THIRD_ADDRESS
from support.network import MASTER_ADDRESS
from support.wait import wait_until
from test_addresses import INTERVAL, NOTICED, change_address, wait_told

NAME = "master.test"


@pytest.fixture
def node6(node):
    """No IPv4 at all, but loopback."""
    node.ip("-4", "addr", "flush", "dev", "eth0")
    assert "10.77." not in node.run("ip", "addr") and not node.run("ip", "-4", "route")
    return node


def test_ipv6_only(agent, node6, master):
    """The address that is told is the unique local one (fd00::/8): nearly every network without IPv4 has such."""
    started = agent(MASTER_ENDPOINT=master.url6, REPORT_INTERVAL_SECONDS=INTERVAL)
    started.wait_online()
    assert master.ips() == [ADDRESS6]
    assert f"Registered as A1 at {master.url6} with address {ADDRESS6}." == started.entries("registered")[0]["MESSAGE"]
    assert not started.entries("register-failed")

    change_address(node6, ADDRESS6, OTHER_ADDRESS6)
    wait_told(master, OTHER_ADDRESS6)
    assert master.ips() == [ADDRESS6, OTHER_ADDRESS6]


def link_local_of(device):
    shown = subprocess.run(["ip", "-6", "-j", "addr", "show", "dev", device, "scope", "link", "-tentative"], check=True,
                           capture_output=True, text=True).stdout
    return [info["local"] for link in json.loads(shown) for info in link.get("addr_info", []) if "local" in info]


def test_a_master_on_the_link_only(agent, node6, master):
    """Its address says nothing without the interface that leads to it (RFC 6874)."""
    wait_until(lambda: link_local_of("lan0"), 10, "the Master's side has a link-local address")
    wait_until(lambda: "fe80::" in node6.run("ip", "-6", "addr", "show", "dev", "eth0", "-tentative"), 10, "the node too")
    url = f"http://[{link_local_of('lan0')[0]}%25eth0]:{master.port}"
    started = agent(MASTER_ENDPOINT=url)
    started.wait_online()
    assert started.entries("registered")[0]["ARGUS_ENDPOINT"] == url
    assert not started.entries("register-failed")


def test_ipv6_only_and_a_name(agent, node6, master, servers, tmp_path_factory):
    """The name server's address is an IPv6 one too, and the name has an IPv4 address that cannot be reached."""
    dns = servers(Dnsmasq, tmp_path_factory.mktemp("dns6"), f"listen-address={MASTER_ADDRESS6}\n")
    node6.write_etc("resolv.conf", f"nameserver {MASTER_ADDRESS6}\n")
    dns.answer(NAME, MASTER_ADDRESS, MASTER_ADDRESS6)
    started = agent(MASTER_ENDPOINT=master.url_of(NAME), REPORT_INTERVAL_SECONDS=INTERVAL)
    started.wait_online()
    assert master.ips() == [ADDRESS6]
    assert not started.entries("register-failed")


def test_ipv6_off(agent, node, dns, master):
    """Off by sysctl; the name still has an IPv6 address, as names do."""
    node.sysctl("ipv6/conf/all/disable_ipv6", 1)
    assert "inet6" not in node.run("ip", "addr")
    dns.answer(NAME, MASTER_ADDRESS6, MASTER_ADDRESS)
    started = agent(MASTER_ENDPOINT=master.url_of(NAME), REPORT_INTERVAL_SECONDS=INTERVAL)
    started.wait_online()
    assert master.ips() == [ADDRESS] and not started.entries("register-failed")
    change_address(node, ADDRESS, THIRD_ADDRESS)
    wait_told(master, THIRD_ADDRESS)


def test_ipv6_off_and_a_master_that_has_nothing_else(agent, node, master):
    node.sysctl("ipv6/conf/all/disable_ipv6", 1)
    started = agent(MASTER_ENDPOINT=master.url6, REPORT_INTERVAL_SECONDS=INTERVAL)
    failed = started.wait_log("register-failed")
    assert f"Registration failed: POST {master.url6}/api/v1/master/nodes: cannot connect: " in failed["MESSAGE"]
    assert "address" in failed["MESSAGE"].lower() or "unreachable" in failed["MESSAGE"], failed["MESSAGE"]

    node.sysctl("ipv6/conf/all/disable_ipv6", 0)
    node.ip("addr", "replace", ADDRESS6 + "/64", "dev", "eth0", "nodad")
    started.wait_online(5)
    wait_until(lambda: master.ips()[-1] == ADDRESS6, NOTICED, lambda: master.ips())


def test_ipv6_that_comes_and_goes(agent, node, master):
    """A Master on IPv4: the other family is no news."""
    started = agent(MASTER_ENDPOINT=master.url, REPORT_INTERVAL_SECONDS=INTERVAL)
    started.wait_online()
    node.remove_address(ADDRESS6)
    node.add_address(OTHER_ADDRESS6)
    change_address(node, ADDRESS, THIRD_ADDRESS)
    wait_told(master, THIRD_ADDRESS)
    assert master.ips() == [ADDRESS, THIRD_ADDRESS]


def test_both_families_and_a_master_on_either(agent, node, master):
    started = agent(MASTER_ENDPOINT=f"{master.url6},{master.url}", REPORT_INTERVAL_SECONDS="2")
    started.wait_online()
    assert master.ips() == [ADDRESS6]
    node.ip("-6", "addr", "flush", "dev", "eth0")
    wait_until(lambda: master.ips()[-1] == ADDRESS, 8, lambda: f"the IPv4 address in {master.ips()}")
    assert started.wait_log("endpoint-changed")["ARGUS_ENDPOINT"] == master.url
    assert [node["id"] for node in master.nodes()] == ["A1"]


def test_an_address_that_is_still_looked_at_for_duplicates(agent, node6, master):
    """Tentative addresses cannot be used: the node is there when the kernel has made up its mind."""
    node6.remove_address(ADDRESS6)
    started = agent(MASTER_ENDPOINT=master.url6, REPORT_INTERVAL_SECONDS=INTERVAL)
    started.wait_log("register-failed")
    node6.sysctl("ipv6/conf/eth0/accept_dad", 1)
    node6.sysctl("ipv6/conf/eth0/dad_transmits", 4)  # seconds
    node6.ip("addr", "add", ADDRESS6 + "/64", "dev", "eth0")
    assert "tentative" in node6.run("ip", "-6", "addr", "show", "dev", "eth0")
    wait_until(lambda: ADDRESS6 in master.ips(), 12, lambda: f"{ADDRESS6} in {master.ips()}")
    assert set(master.ips()) == {ADDRESS6}, "not the link-local one, which the first connection has"
