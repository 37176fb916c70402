# SPDX-License-Identifier: MIT
"""What a booted test gets: a dev Master and a machine, new for each test (a boot takes half a second)."""

import os
import tempfile
from pathlib import Path

import pytest

from support.installed import ENVIRONMENT_FILE, as_a_package_would, installed_tree, settings_text
from support.machine import Machine
from support.namespaces import mount_scratch
from support.network import ADDRESS, Network, master_of
from support.roots import cached_root

WORK = os.environ.get("ARGUS_BOOTED_WORK")


def pytest_sessionstart(session):
    if session.config.option.collectonly:
        return
    if not WORK:
        pytest.exit("these tests need namespaces of their own: start them by tests/booted/run", 2)
    mount_scratch(WORK, "/run/systemd/nspawn", "/run/netns")  # nspawn and "ip netns" leave things in /run


@pytest.fixture(scope="session")
def network():
    return Network()


@pytest.fixture(scope="session")
def tree():
    return installed_tree(Path(WORK, "tree"))


@pytest.fixture
def directory(request):
    return Path(tempfile.mkdtemp(prefix=request.node.name, dir=WORK))  # two files may have tests of one name


@pytest.fixture
def master(network, directory):
    master = master_of(directory)
    yield master
    master.stop()


@pytest.fixture
def machine(request, network, tree, directory):
    """Installed and configured, not booted yet."""
    root = cached_root(os.environ["ARGUS_BOOTED_SUITE"])
    machine = Machine(directory / "box", [tree, root], network)
    request.node.machine = machine
    as_a_package_would(machine)
    machine.write(ENVIRONMENT_FILE, settings_text(), mode=0o600)
    yield machine
    machine.destroy()


@pytest.fixture
def running(master, machine):
    """The machine after its boot, with the agent active."""
    machine.start(ADDRESS)
    machine.wait_active()
    return machine


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    if report.failed and hasattr(item, "machine"):
        report.sections.append(("the machine", item.machine.what_happened()))
