# SPDX-License-Identifier: MIT
"""What several integration tests begin with, beyond the fixtures of all suites."""

import pytest

from support.agent import health_folder, pytest_sessionstart  # noqa: F401
from support.ctl import Ctl


@pytest.fixture
def health(state_root):
    """The folder of the health files; a file that is there before the agent is in its first report."""
    return health_folder(state_root)


@pytest.fixture
def ctl(bus):
    return Ctl(bus.address)


@pytest.fixture
def online(agent, master, bus):
    """An agent on the bus that has nothing to do for the next seconds."""
    started = agent(REPORT_INTERVAL_SECONDS="600")
    started.wait_online()
    bus.wait_property("LastReportStatus", "success")
    return started
