# SPDX-License-Identifier: MIT
"""The size of the programs, and the memory of the portable one."""

import os
import subprocess
from pathlib import Path

import pytest

import budgets
from subjects import weigh_agent
from support.agent import BINARY

PORTABLE = Path(os.environ.get("ARGUS_PORTABLE") or Path(__file__).parents[2] / "dist/argus-agent").absolute()


def test_the_stripped_daemon(tmp_path):
    stripped = tmp_path / "argus-agent"
    subprocess.run(["strip", "-o", stripped, BINARY], check=True)
    assert stripped.stat().st_size <= budgets.STRIPPED_BYTES_NOW


def test_the_portable_program(around):
    if not PORTABLE.exists() or b"libcurl.so" in PORTABLE.read_bytes():
        pytest.skip("there is no portable program: ./dev package portable builds it")
    assert PORTABLE.stat().st_size <= budgets.PORTABLE_FILE_BYTES
    weight = weigh_agent(around, binary=PORTABLE)
    assert weight["Rss"] <= budgets.PORTABLE_RSS_KB and weight["Anonymous"] <= budgets.PORTABLE_ANONYMOUS_KB_NOW, weight
