# SPDX-License-Identifier: MIT
"""Fixtures of all suites; a suite's own conftest.py changes what stands elsewhere in it, the Master or the agent say.
Each test has its own Master, bus, folders and ports: they run in parallel."""

import os
import shutil
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

import conditions
from support.agent import Agent
from support.bus import Bus
from support.certificates import Authority
from support.client import BusClient
from support.master import Master
from support.notify import NotifySocket


def pytest_terminal_summary(terminalreporter):
    conditions.say_skipped(terminalreporter)


@pytest.fixture
def state_root(tmp_path):
    folder = tmp_path / "state"
    folder.mkdir()
    return folder


@pytest.fixture
def start_master(tmp_path_factory):
    """Starts a dev Master with more arguments."""
    with ExitStack() as masters:
        def start(*arguments, **options):
            masters.callback((made := Master(tmp_path_factory.mktemp("master"), *arguments, **options)).stop)
            return made
        yield start


@pytest.fixture
def master(start_master):
    return start_master()


@pytest.fixture
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def bus():
    private = Bus()
    yield private
    private.remove()


@pytest.fixture
def policy_bus():
    """A bus with the rules of a system bus and the project's policy file."""
    private = Bus(with_project_policy=True)
    yield private
    private.remove()


@pytest.fixture
def notify():
    """A service manager's socket."""
    folder = tempfile.mkdtemp(prefix="argus-notify-", dir="/tmp")  # a socket's path is short
    manager = NotifySocket(Path(folder) / "notify")
    yield manager
    manager.close()
    shutil.rmtree(folder)


@pytest.fixture
def connect():
    """Connects a D-Bus client that lasts until the test's end."""
    with ExitStack() as clients:
        def connect_to(address):
            clients.callback((made := BusClient(address)).close)
            return made
        yield connect_to


@pytest.fixture
def agent_anywhere(request, state_root):
    """Starts an agent: agent(*arguments, VARIABLE=value, …). It reports to `master` and sits on `bus` if the test has
    them. Afterwards each agent must end well on SIGTERM, whatever the test did to it, and free of sanitizer reports."""
    agents = []
    # asked for here, so that they end after the agents
    around = {name: request.getfixturevalue(name) for name in ("master", "start_master", "bus", "policy_bus")
              if name in request.fixturenames}
    private = around.get("bus") or around.get("policy_bus")
    # on a system bus only root may call; another user's tests have it as that user's own bus
    kind, address = ("system", "DBUS_SYSTEM_BUS_ADDRESS") if os.geteuid() == 0 else ("user", "DBUS_SESSION_BUS_ADDRESS")

    def start(*arguments, wrapper=(), user=None, open_stdin=False, **variables):
        if "master" in around:
            variables = {"MASTER_ENDPOINT": around["master"].url} | variables
        if private:
            variables = {"AGENT_BUS": kind, address: private.address} | variables
        options = {"user": user} if user else {}
        if open_stdin:  # one that nobody writes to, and no terminal
            options |= {"stdin": subprocess.PIPE, "start_new_session": True}
        agents.append(Agent(state_root, variables, arguments, wrapper, **options))
        return agents[-1]

    yield start
    ended_badly = []
    for started in agents:
        if started.is_running and started.stop() != 0:
            ended_badly.append(started.output())
        started.check_sanitizers()
    assert not ended_badly, "\n".join(ended_badly)


@pytest.fixture
def agent(agent_anywhere):
    """Where the suite has it stand."""
    return agent_anywhere


@pytest.fixture
def run_agent(agent):
    """Runs an agent to its end: (exit status, all output)."""
    def run(*arguments, deadline=20.0, **variables):
        started = agent(*arguments, **variables)
        status = started.wait_exit(deadline)
        return status, started.output()

    return run


@pytest.fixture
def as_root():
    conditions.skip_without("root")


@pytest.fixture
def own_mounts():
    conditions.skip_without("root", "mounts")


@pytest.fixture
def as_nobody():
    """Programs of the build run as another user."""
    conditions.skip_without("root", "other-users")
