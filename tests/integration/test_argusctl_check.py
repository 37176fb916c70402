# SPDX-License-Identifier: MIT
"""argusctl check where it cannot do its work. What it does under systemd is in tests/booted/test_check.py."""

import os

import pytest

from support.ctl import USAGE, Ctl

HAS_SYSTEMD = os.path.isdir("/run/systemd/system")


@pytest.fixture
def ctl():
    return Ctl("unix:path=/nowhere/bus")


@pytest.mark.skipif(HAS_SYSTEMD, reason="systemd runs here")
def test_without_systemd(ctl):
    assert "run argus-agent --check in the environment of the agent" in ctl.fail("check")


@pytest.mark.parametrize("option", ["--user", "--json"])
def test_options_of_other_commands(ctl, option):
    assert f"{option} is not for check" in ctl.fail("check", option, status=USAGE)


def test_takes_no_argument(ctl):
    assert 'Unexpected argument "/etc/argus/agent.env"' in ctl.fail("check", "/etc/argus/agent.env", status=USAGE)
