"""Fixtures of the network tests: a node at the end of a cable, and what answers it. Those of the integration tests
(the agent, the Master, the service manager's socket) are used as they are; only where they stand is another place."""

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
for folder in HERE.parent, HERE.parent / "booted", HERE.parent / "integration":
    sys.path.append(str(folder))

from integration.conftest import (  # noqa: E402, F401
    agent as agent_anywhere, notify, pytest_sessionstart, state_root)
from dns import Dnsmasq  # noqa: E402
from lan import LAN_ADDRESSES, LanMaster, Node  # noqa: E402
from network import BRIDGE, MASTER_ADDRESS, Network, ip  # noqa: E402
from support.certificates import Authority  # noqa: E402
from web import FAST, HTTPS, NAME, Nginx, Tinyproxy  # noqa: E402


def pytest_collection_modifyitems(items):
    """What takes longest begins first: the others run beside it."""
    items.sort(key=lambda item: not item.get_closest_marker("long"))


@pytest.fixture(scope="session")
def network():
    """The bridge and its addresses, in the network namespace of this worker."""
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run/netns"], check=True)  # gone with the worker
    made = Network()
    for address in LAN_ADDRESSES:
        ip("addr", "add", address, "dev", BRIDGE, *(["nodad"] if ":" in address else []))
    return made


@pytest.fixture
def make_node(network, tmp_path):
    nodes = []

    def make(**options):
        nodes.append(Node(network, tmp_path, **options))
        return nodes[-1]

    yield make
    for made in nodes:
        made.remove()


@pytest.fixture
def node(make_node):
    """A machine on the LAN: a network namespace, and the files of /etc that name things."""
    return make_node()


@pytest.fixture
def servers():
    """Starts a server of the test, which ends after the agent: servers(Nginx, …)."""
    started = []

    def start(kind, *arguments, **options):
        started.append(kind(*arguments, **options))
        return started[-1]

    yield start
    for server in started:
        server.end()


@pytest.fixture
def master(network, servers, tmp_path_factory):
    return servers(LanMaster, tmp_path_factory.mktemp("master"))


@pytest.fixture
def dns(network, servers, tmp_path_factory):
    return servers(Dnsmasq, tmp_path_factory.mktemp("dns"))


@pytest.fixture
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


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
