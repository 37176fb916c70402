"""Fixtures of the fault tests: those of the integration tests, as they are."""

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path += [str(TESTS), str(TESTS / "integration")]

from integration.conftest import (  # noqa: E402, F401
    agent, as_root, bus, master, pytest_sessionstart, run_agent, start_master, state_root)
