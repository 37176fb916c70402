# SPDX-License-Identifier: MIT
"""What the machine around the agent may do to it: journald and the bus hang, die, and are other programs."""

import os
import time

import pytest

from support.installed import ENVIRONMENT_FILE, as_a_package_would, settings_text
from support.machine import BUS, UNIT, Machine
from support.network import ADDRESS
from support.roots import cached_root, with_broker as with_broker_packages
from support.wait import wait_until

DROPPED = "log lines were dropped"


def wait_on_bus(machine):
    wait_until(lambda: machine.run(["busctl", "--acquired", "list"], check=False)
             .stdout.count(BUS[0]), 15, "its name is on the bus")


def assert_undisturbed(machine, pid):
    assert machine.main_pid() == pid and machine.show("NRestarts") == "0"


def test_a_journald_that_hangs_hangs_nobody(running, master):
    master.wait_node()
    pid = running.main_pid()
    running.systemctl("service-log-level", UNIT, "debug")
    running.systemctl("kill", "--signal=STOP", "systemd-journald")
    try:
        begun = time.monotonic()
        running.run(["sh", "-c", f"for n in $(seq 400); do busctl call {' '.join(BUS)} Report; done"], timeout=60)
        assert time.monotonic() - begun < 40
        master.wait_for_more(2, 15)
    finally:
        running.systemctl("kill", "--signal=CONT", "systemd-journald")
    wait_until(lambda: [entry for entry in running.journal(f"_PID={pid}") if DROPPED in entry["MESSAGE"]], 15,
               "the journal says how many were lost")
    assert_undisturbed(running, pid)


@pytest.mark.parametrize("how", [["restart"], ["kill", "--signal=KILL"]], ids=["restarted", "killed"])
def test_a_journald_that_is_replaced_goes_on_hearing(running, master, how):
    master.wait_node()
    pid = running.main_pid()
    running.systemctl(*how, "systemd-journald")
    master.wait_for_more(2, 15)
    since = len(running.events("report-ok"))
    wait_until(lambda: len(running.events("report-ok")) > since, 15, "the new one has entries")
    assert_undisturbed(running, pid)


def test_a_killed_bus_does_not_disturb(running, master):
    node = master.wait_node()
    pid = running.main_pid()
    running.systemctl("kill", "--signal=KILL", "dbus.service")
    master.wait_for_more(2, 15)
    wait_on_bus(running)
    assert running.bus_property("NodeId") == f's "{node["id"]}"'
    assert_undisturbed(running, pid)
    assert running.events("bus-lost") and running.events("bus-back")


@pytest.fixture
def with_broker(request, network, tree, directory, master):
    suite = os.environ["ARGUS_BOOTED_SUITE"]
    machine = Machine(directory / "broker", [tree, cached_root(suite, with_broker_packages(suite))], network, "broker")
    request.node.machine = machine
    as_a_package_would(machine)
    machine.write(ENVIRONMENT_FILE, settings_text(), mode=0o600)
    alias = machine.root / "etc/systemd/system/dbus.service"
    if not alias.is_symlink():  # some releases leave it to the administrator
        alias.symlink_to("/lib/systemd/system/dbus-broker.service")
    machine.start(ADDRESS)
    machine.wait_active()
    yield machine
    machine.destroy()


@pytest.mark.slow
def test_on_dbus_broker(with_broker, master):
    machine, node = with_broker, master.wait_node()
    assert machine.show("ActiveState", "dbus-broker.service") == "active"
    wait_on_bus(machine)
    machine.run(["useradd", "--no-create-home", "somebody"])
    pid = machine.main_pid()

    def works():
        assert machine.bus_call("Report").stdout == "u 200\n"
        assert machine.bus_call("Reregister").stdout == f's "{node["id"]}"\n'
        assert machine.bus_property("NodeId", user="somebody") == f's "{node["id"]}"'
        machine.assert_refused("somebody", "Report")  # polkit's word
        refused = machine.run(["busctl", "call", "org.freedesktop.DBus", "/org/freedesktop/DBus",
                               "org.freedesktop.DBus", "RequestName", "su", BUS[0], "0"], user="somebody", check=False)
        assert "denied" in refused.stderr.lower() or "not allowed" in refused.stderr.lower(), refused
        assert machine.systemctl("service-log-level", UNIT).stdout == "info\n"

    works()
    for how in ["restart"], ["kill", "--signal=KILL"]:
        lost = len(machine.events("bus-lost"))
        machine.systemctl(*how, "dbus-broker.service")
        wait_until(lambda: len(machine.events("bus-lost")) > lost, 15, "the agent has noticed")
        master.wait_for_more(2, 15)
        wait_until(lambda: len(machine.events("bus-back")) > lost, 15, "the bus is back")
        works()
    assert_undisturbed(machine, pid)
