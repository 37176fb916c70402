"""What a test of the matrix gets: the network, the Master and the machine of tests/booted, without an agent in it."""

import importlib.util
import os
from pathlib import Path

import pytest

BOOTED = Path(__file__).resolve().parents[1] / "booted"


def _booted_conftest():
    """Two files named conftest.py cannot be imported by name."""
    specification = importlib.util.spec_from_file_location("booted_conftest", BOOTED / "conftest.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return {name: value for name, value in vars(module).items() if not name.startswith("_")}


globals().update(_booted_conftest())  # its fixtures and hooks


@pytest.fixture(scope="session")
def suite():
    return os.environ["ARGUS_BOOTED_SUITE"]


@pytest.fixture(scope="session")
def new():
    return Path(os.environ["ARGUS_MATRIX_PACKAGES"], "new")


@pytest.fixture(scope="session")
def old():
    return Path(os.environ["ARGUS_MATRIX_PACKAGES"], "old")
