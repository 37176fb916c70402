# SPDX-License-Identifier: MIT
"""A host name that comes late, as from cloud-init or DHCP: the start fails and says why, and systemd tries again."""

import time

import pytest

from support.machine import UNIT
from support.network import ADDRESS
from support.wait import wait_until

NAME, LATE_NAME = "localhost", "dev-alice-web01"


def refusals(machine):
    return machine.events("config-invalid")


def start_by_hand(machine):
    """A person who starts the service learns at once that it does not start, and why."""
    begun = time.monotonic()
    assert machine.systemctl("start", UNIT, check=False).returncode != 0
    assert time.monotonic() - begun < 5
    assert machine.show("ExecMainStatus") == "75"
    wait_until(lambda: f'"{NAME}"' in machine.status(), 10, "the status says why")


def wait_waiting(machine):
    wait_until(lambda: machine.show("SubState") == "start" and machine.main_pid(), 10, "the next start waits")


@pytest.mark.slow
def test_the_name_comes_late(machine, master):
    machine.write("/etc/hostname", NAME + "\n")
    machine.start(ADDRESS)
    assert machine.run(["uname", "-n"]).stdout.strip() == NAME
    wait_waiting(machine)

    begun = time.monotonic()
    machine.systemctl("stop", UNIT)
    assert time.monotonic() - begun < 5, "a stop ends the wait"
    assert machine.show("ActiveState") == "inactive" and machine.show("Result") == "success"

    before = len(refusals(machine))
    start_by_hand(machine)
    begun = time.monotonic()
    wait_waiting(machine)
    pid = machine.main_pid()
    assert NAME not in machine.show("StatusText") and "no identity" in machine.show("StatusText")
    wait_until(lambda: machine.main_pid() not in (0, pid), 40, "that one ends too")
    assert 25 < time.monotonic() - begun < 35, "one line of ours in half a minute"
    wait_until(lambda: len(refusals(machine)) - before == 3, 10, "the third is said")  # by hand, 2 s later, 27 s later

    machine.run(["hostname", LATE_NAME])
    node = master.wait_node(40)
    assert node["name"] == LATE_NAME and node["meta_data"]["instance"] == "web01"
    machine.wait_active()
    assert len(refusals(machine)) - before == 3

    machine.run(["hostname", NAME])
    machine.systemctl("stop", UNIT)
    start_by_hand(machine)
