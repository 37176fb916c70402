# SPDX-License-Identifier: MIT
"""argusctl on a machine with a real polkit: who may, and who may not."""

import pytest

from support.machine import UNIT
from support.network import ADDRESS
from support.wait import wait_until


@pytest.fixture
def running(machine, master):
    """A machine that is online, with an administrator (by sudo's group) and an ordinary user."""
    machine.start(ADDRESS)
    master.wait_node()
    machine.run(["useradd", "--no-create-home", "somebody"])
    machine.run(["useradd", "--no-create-home", "--groups=sudo", "admin"])
    machine.run(["argusctl", "is-online", "--wait=10"])
    return machine


def test_root_may(running, master):
    before = len(master.requests("report"))
    assert running.run(["argusctl", "report"]).stdout == "Report accepted, status 200.\n"
    assert len(master.requests("report")) > before
    assert running.run(["argusctl", "log-level", "debug"]).stdout == ""
    assert running.run(["argusctl", "log-level"], user="somebody").stdout == "debug\n"


@pytest.mark.parametrize("command", [["report"], ["reregister"], ["node"], ["health", "--json"], ["log-level", "info"]])
def test_others_may_not(running, command):
    done = running.run(["argusctl", *command], user="somebody", check=False)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("argusctl: Permission denied")
    assert f"sudo argusctl {' '.join(command)}\n" in done.stderr


def test_others_may_look(running):
    assert "A1" in running.run(["argusctl"], user="somebody").stdout
    looked = running.run(["argusctl", "health"], user="somebody").stdout
    assert looked.splitlines()[0] == "No health files."


def test_an_administrator_is_told_to_use_sudo(running):
    """polkit would ask an administrator for a password; argusctl does not wait for that."""
    for polkit in "running", "masked":
        if polkit == "masked":
            running.systemctl("mask", "--now", "polkit")
        done = running.run(["argusctl", "report"], user="admin", check=False)
        assert done.returncode == 1 and done.stderr.startswith("argusctl: Permission denied"), polkit
        assert "sudo argusctl report\n" in done.stderr, polkit


def test_it_says_how_to_start_the_agent(running):
    running.systemctl("stop", UNIT)
    done = running.run(["argusctl"], user="somebody", check=False)
    assert done.returncode == 1 and "systemctl start argus-agent" in done.stderr
    running.systemctl("start", UNIT)
    wait_until(lambda: running.run(["argusctl"], check=False).returncode == 0, 10, "it is online")
