# SPDX-License-Identifier: MIT
"""An upgrade with nobody there to answer: what an administrator decided stays, of settings and of the unit."""

import pytest

from support.machine import UNIT
from packages import SETTINGS, configure, wait_upgraded
from support.installed import settings_text
from test_packages import exists, package  # noqa: F401

TEMPLATE = "/usr/share/argus-agent/agent.env"


def unit_is(machine, active, enabled):
    assert (machine.show("ActiveState"), machine.systemctl("is-enabled", UNIT, check=False).stdout.strip()) == (
        active, enabled)


def fail_once(machine):
    machine.drop_in("[Service]\nExecStart=\nExecStart=/bin/false\nRestart=no\n")
    assert machine.systemctl("restart", UNIT, check=False).returncode != 0
    assert machine.show("ActiveState") == "failed"
    (machine.root / f"etc/systemd/system/{UNIT}.d/test.conf").unlink()


def test_what_was_decided_of_the_unit_stays(package, master, old, new):  # noqa: F811
    machine = package.machine
    package.install(old)
    configure(machine, settings_text())
    machine.systemctl("start", UNIT)
    machine.wait_active()

    machine.systemctl("stop", UNIT)
    package.install(new)
    unit_is(machine, "inactive", "enabled")
    machine.systemctl("disable", UNIT)
    package.install(new)
    unit_is(machine, "inactive", "disabled")
    machine.systemctl("mask", UNIT)
    package.install(new)
    unit_is(machine, "inactive", "masked")
    machine.systemctl("unmask", UNIT)

    fail_once(machine)
    package.install(new)
    unit_is(machine, "failed", "disabled")
    machine.systemctl("enable", UNIT)
    package.install(new)
    unit_is(machine, "active", "enabled")

    pid = machine.main_pid()
    package.install(new)
    wait_upgraded(machine, pid)
    machine.systemctl("disable", UNIT)
    pid = machine.main_pid()
    package.install(new)
    wait_upgraded(machine, pid)
    unit_is(machine, "active", "disabled")
    machine.systemctl("mask", UNIT)
    package.install(new)
    unit_is(machine, "active", "masked")


def test_a_template_that_nobody_edited_is_no_settings(package, old, new):  # noqa: F811
    machine = package.machine
    package.install(old)
    assert exists(machine, SETTINGS)
    package.install(new)
    assert not exists(machine, SETTINGS) and exists(machine, TEMPLATE)
    assert machine.show("ActiveState") == "inactive"

    machine.run(["cp", TEMPLATE, SETTINGS])
    package.install(new)
    assert exists(machine, SETTINGS), "from now on it is the administrator's, whatever is in it"


@pytest.mark.parametrize("package", ["deb"], indirect=True)
def test_a_removal_or_installation_that_fails(package, master, new):  # noqa: F811
    machine = package.machine
    notes = "/var/lib/argus-agent"
    files = "/var/lib/dpkg/info/dash.list"
    machine.run(["sh", "-ec", f"cp -p {files} /root; echo /usr/bin/argusctl >>{files}"])  # another package's file
    assert package.run("dpkg", "--install", package.file(new), check=False).returncode != 0
    assert not exists(machine, notes)
    machine.run(["cp", "-p", "/root/dash.list", files])

    package.install(new)
    configure(machine, settings_text())
    prerm = "/var/lib/dpkg/info/argus-agent.prerm"
    machine.run(["sh", "-c", f"echo exit 1 >>{prerm}"])
    for wanted in "inactive", "active":
        machine.systemctl("start" if wanted == "active" else "stop", UNIT)
        assert package.run("dpkg", "--remove", "argus-agent", check=False).returncode != 0
        unit_is(machine, wanted, "enabled")
        assert not exists(machine, notes + "/installation")


@pytest.mark.parametrize("package", ["deb"], indirect=True)
def test_policy_rc_d_is_heard(package, master, new):  # noqa: F811
    """A system that is being made, in which nothing must start."""
    machine = package.machine
    configure(machine, settings_text())
    machine.write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", mode=0o755)
    package.install(new)
    unit_is(machine, "inactive", "enabled")
