# SPDX-License-Identifier: MIT
"""What the fault tests have beyond the fixtures of all suites: random instants that a seed replays."""

import os
import random

import pytest

from renaming import RenamingMaster
from support.agent import pytest_sessionstart  # noqa: F401


@pytest.fixture
def renaming_master():
    made = RenamingMaster()
    yield made
    made.stop()


def pytest_configure():
    """One seed for all workers, which inherit it. And an agent that is traced cannot look for its leaks."""
    os.environ.setdefault("ARGUS_SEED", str(random.randrange(2**32)))
    os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"


def pytest_collection_modifyitems(items):
    """The kills take a minute, and several on a busy machine."""
    for item in items:
        item.add_marker(pytest.mark.timeout(600))


def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(f"ARGUS_SEED={os.environ['ARGUS_SEED']} replays the random instants")
