# SPDX-License-Identifier: MIT
"""Fixtures of the network tests: a node at the end of a cable, and what answers it."""

from contextlib import ExitStack

import pytest

from support.dns import Dnsmasq
from lan import LAN_ADDRESSES, LanMaster, Node
from support.agent import pytest_sessionstart  # noqa: F401
from support.namespaces import mount_scratch
from support.network import BRIDGE, MASTER_ADDRESS, Network, ip
from web import FAST, HTTPS, NAME, Nginx, Tinyproxy


def pytest_collection_modifyitems(items):
    """What takes longest begins first: the others run beside it."""
    items.sort(key=lambda item: not item.get_closest_marker("long"))


@pytest.fixture(scope="session")
def network():
    """The bridge and its addresses, in the network namespace of this worker."""
    mount_scratch("/run/netns")
    made = Network()
    for address in LAN_ADDRESSES:
        ip("addr", "add", address, "dev", BRIDGE, *(["nodad"] if ":" in address else []))
    return made


@pytest.fixture
def make_node(network, tmp_path):
    with ExitStack() as nodes:
        def make(**options):
            nodes.callback((made := Node(network, tmp_path, **options)).remove)
            return made
        yield make


@pytest.fixture
def node(make_node):
    """A machine on the LAN: a network namespace, and the files of /etc that name things."""
    return make_node()


@pytest.fixture
def servers():
    """Starts a server of the test, which ends after the agent: servers(Nginx, …)."""
    with ExitStack() as started:
        def start(kind, *arguments, **options):
            started.callback((made := kind(*arguments, **options)).kill)
            return made
        yield start


@pytest.fixture
def master(network, servers, tmp_path_factory):
    return servers(LanMaster, tmp_path_factory.mktemp("master"))


@pytest.fixture
def dns(network, servers, tmp_path_factory):
    return servers(Dnsmasq, tmp_path_factory.mktemp("dns"))


@pytest.fixture
def agent(node, servers, agent_anywhere):
    """The agent on that machine."""
    def start(*arguments, wrapper=(), **variables):
        return agent_anywhere(*arguments, wrapper=[*node.wrapper, *wrapper], **variables)

    return start


@pytest.fixture
def nginx(master, dns, authority, servers, tmp_path_factory):
    """Starts nginx as master.test, in front of the Master."""
    dns.answer(NAME, MASTER_ADDRESS)

    def start(pair=None, **options):
        pair = pair or authority.issue("server", f"DNS:{NAME}")
        return servers(Nginx, tmp_path_factory.mktemp("nginx"), master, pair, **options)

    return start


@pytest.fixture
def https_agent(agent, authority):
    def start(**variables):
        return agent(**{"MASTER_ENDPOINT": HTTPS, "MASTER_CA_FILE": authority.file} | FAST | variables)

    return start


@pytest.fixture
def proxy(network, servers, tmp_path_factory):
    return servers(Tinyproxy, tmp_path_factory.mktemp("proxy"))
