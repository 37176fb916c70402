# SPDX-License-Identifier: MIT
"""What a test of the matrix gets: the network, the Master and the machine of tests/booted, without an agent in it."""

import os
from pathlib import Path

import pytest

from booted.conftest import *  # noqa: F401, F403


@pytest.fixture(scope="session")
def suite():
    return os.environ["ARGUS_BOOTED_SUITE"]


@pytest.fixture(scope="session")
def new():
    return Path(os.environ["ARGUS_MATRIX_PACKAGES"], "new")


@pytest.fixture(scope="session")
def old():
    return Path(os.environ["ARGUS_MATRIX_PACKAGES"], "old")
