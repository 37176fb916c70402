# SPDX-License-Identifier: MIT
"""What a purge of the deb takes, and what it leaves: the situations share a machine, since each is a second."""

import pytest

from support.machine import UNIT
from packages import SETTINGS, configure
from support.installed import settings_text
from support.wait import wait_until
from test_packages import NAME, STATE, exists, package, stat  # noqa: F401

pytestmark = pytest.mark.parametrize("package", ["deb"], indirect=True)
FOREIGN = "/precious"


def make_state(machine, root):
    """As a running agent has it, with a health file of a module's, and nothing else."""
    machine.run(["sh", "-ec", f"""
        mkdir -p {root}/{NAME}/health
        chown argus-agent: {root} {root}/{NAME} {root}/{NAME}/health
        echo '{{}}' | tee {root}/{NAME}/node.json >{root}/{NAME}/health/log-a.json
        touch {root}/{NAME}/.lock {root}/{NAME}/node.json.corrupt-20261130T120000Z"""])


def files(machine, path):
    return sorted(machine.run(["find", "-L", path, "!", "-type", "d"]).stdout.split())


def nothing_else_left(machine):
    for path in SETTINGS, "/etc/argus", "/var/lib/argus-agent":
        assert not exists(machine, path), path


def test_a_purge_takes_only_what_is_ours(package, old, new):  # noqa: F811
    machine = package.machine

    # nothing was there before
    package.install(new)
    make_state(machine, "/private/argus/agent")
    configure(machine, "AGENT_BUS=none\n")
    machine.write(SETTINGS + ".d/1.env", "")
    package.purge()
    nothing_else_left(machine)
    assert not exists(machine, "/private")

    # root's own directory of the same name
    machine.write(f"/data/{NAME}{FOREIGN}", "data")
    package.install(old)
    configure(machine, "AGENT_STATE_ROOT=/data\n")
    before = stat(machine, f"/data/{NAME}", f"/data/{NAME}{FOREIGN}")
    package.install(new)
    assert stat(machine, f"/data/{NAME}", f"/data/{NAME}{FOREIGN}") == before
    package.purge()
    assert stat(machine, f"/data/{NAME}", f"/data/{NAME}{FOREIGN}") == before
    nothing_else_left(machine)

    # another root, that another one's data is in
    package.install(new)
    machine.write(SETTINGS + ".d/root.env", "AGENT_STATE_ROOT=/srv/argus\n")
    make_state(machine, "/srv/argus")
    machine.write(f"/srv/argus/{NAME}{FOREIGN}", "data")
    package.purge()
    assert files(machine, "/srv") == [f"/srv/argus/{NAME}{FOREIGN}"]
    nothing_else_left(machine)

    # the same without it
    machine.run(["rm", f"/srv/argus/{NAME}{FOREIGN}"])
    package.install(new)
    configure(machine, "AGENT_STATE_ROOT=/srv/argus\n")
    make_state(machine, "/srv/argus")
    package.purge()
    assert not exists(machine, f"/srv/argus/{NAME}") and exists(machine, "/srv/argus")

    # what was there before stays, as do others' files
    machine.run(["sh", "-ec", "rm -rf /private; mkdir -p /private/argus"])
    machine.write("/etc/argus/token", "secret")
    package.install(new)
    make_state(machine, "/private/argus/agent")
    package.purge()
    assert not exists(machine, "/private/argus/agent") and exists(machine, "/private/argus")
    assert exists(machine, "/etc/argus/token") and not exists(machine, SETTINGS + ".d")


def test_a_purge_of_links_and_mounts_ends_well(package, new):  # noqa: F811
    machine = package.machine

    machine.run(["sh", "-ec", "rm -rf /private; mkdir /disk; ln -s disk /private"])
    package.install(new)
    make_state(machine, "/private/argus/agent")
    package.purge()
    assert machine.run(["readlink", "/private"]).stdout == "disk\n" and not files(machine, "/disk")

    machine.run(["sh", "-ec", "rm /private; mkdir -p /private/argus/agent; mount -t tmpfs tmpfs /private/argus/agent"])
    package.install(new)
    make_state(machine, "/private/argus/agent")
    package.purge()
    machine.run(["mountpoint", "/private/argus/agent"])
    assert not files(machine, "/private")
    machine.run(["umount", "/private/argus/agent"])

    package.install(new)
    make_state(machine, "/private/argus/agent")
    machine.run(["mount", "-t", "tmpfs", "tmpfs", STATE + "/health"])
    machine.write(FOREIGN, "data")
    machine.run(["ln", "-s", FOREIGN, STATE + "/health/log-b.json"])
    package.purge()
    machine.run(["mountpoint", STATE + "/health"])
    assert exists(machine, FOREIGN) and files(machine, STATE) == [STATE + "/health/log-b.json"]


MAKE_TARGET = """
    mkdir -p /target/var/lib/dpkg/info /target/var/lib/dpkg/updates /target/etc /target/usr/bin
    touch /target/var/lib/dpkg/status /target/var/lib/dpkg/available
    cp /etc/passwd /etc/group /etc/os-release /target/etc/
    sed -i '/^argus-/d' /target/etc/passwd /target/etc/group
    echo other-host >/target/etc/hostname
    echo argus-health:x:64900: >>/target/etc/group
    mkdir -p /target/private/argus/agent/other-host/health
    echo '{}' >/target/private/argus/agent/other-host/node.json"""


def test_another_root(package, master, new):  # noqa: F811
    """dpkg --root, as image builders use it: the running system is no part of it."""
    machine = package.machine
    package.install(new)
    configure(machine, settings_text())
    machine.systemctl("start", UNIT)
    wait_until(lambda: exists(machine, STATE + "/node.json"), 10, "it has an id")
    machine.run(["sh", "-ec", MAKE_TARGET])
    before = machine.main_pid(), stat(machine, STATE, STATE + "/node.json", SETTINGS, "/etc/passwd")
    dpkg = ["dpkg", "--root=/target", "--force-script-chrootless", "--force-depends"]

    machine.run([*dpkg, "--install", package.file(new)], timeout=120)
    state = "/target/private/argus/agent/other-host"
    assert machine.run(["stat", "-c", "%g", state]).stdout == "64900\n"
    user = machine.run(["sh", "-c", "grep ^argus-agent: /target/etc/passwd | cut -d: -f3"]).stdout
    assert user and machine.run(["stat", "-c", "%u", state + "/node.json"]).stdout == user
    wants = f"/target/etc/systemd/system/multi-user.target.wants/{UNIT}"
    assert machine.run(["test", "-L", wants], check=False).returncode == 0, "it is enabled there"
    machine.run(["systemctl", "--root=/target", "disable", UNIT])
    machine.run([*dpkg, "--install", package.file(new)], timeout=120)
    assert machine.run(["test", "-L", wants], check=False).returncode != 0, "it stays disabled"

    machine.write("/target" + SETTINGS, "AGENT_HOSTNAME=other-host\n")
    machine.run([*dpkg, "--purge", "argus-agent"], timeout=120)
    assert not exists(machine, state) and not exists(machine, "/target/etc/argus")
    assert not exists(machine, "/target/var/lib/argus-agent") and exists(machine, "/target/private/argus")
    assert (machine.main_pid(), stat(machine, STATE, STATE + "/node.json", SETTINGS, "/etc/passwd")) == before
    assert exists(machine, "/var/lib/argus-agent/made-directories")
