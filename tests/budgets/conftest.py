# SPDX-License-Identifier: MIT
"""The budgets: what may be counted or weighed on any machine, however busy, of the release build. See
docs/performance.md."""

import pytest

from subjects import FLOOR, SKIP_TIME, Surroundings
from support.agent import BINARY


def pytest_sessionstart():
    for needed in BINARY, FLOOR, SKIP_TIME:
        if not needed.exists():
            pytest.exit(f"there is no {needed}: run ./dev test full budgets", returncode=2)


def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.timeout(170))


@pytest.fixture
def around():
    surroundings = Surroundings()
    yield surroundings
    surroundings.close()
