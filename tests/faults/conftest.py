"""Fixtures of the fault tests: those of the integration tests, as they are."""

import os
import random
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path += [str(TESTS), str(TESTS / "integration")]

import conditions  # noqa: E402
from integration.conftest import (  # noqa: E402, F401
    agent, as_root, bus, master, own_mounts, pytest_sessionstart, run_agent, start_master, state_root)
from renaming import RenamingMaster  # noqa: E402


@pytest.fixture
def renaming_master():
    made = RenamingMaster()
    yield made
    made.stop()


def pytest_configure():
    """One seed for all workers, which inherit it. And an agent that is traced cannot look for its leaks."""
    os.environ.setdefault("ARGUS_SEED", str(random.randrange(2**32)))
    os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"


def pytest_terminal_summary(terminalreporter):
    conditions.say_skipped(terminalreporter)
    terminalreporter.write_line(f"ARGUS_SEED={os.environ['ARGUS_SEED']} replays the random instants")
