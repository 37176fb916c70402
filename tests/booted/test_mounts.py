# SPDX-License-Identifier: MIT
"""A file system of /private that is late, dead, or mounted again: the node reports all the same, and uses what is there.

An NFS server cannot be had here. What stands in for it are real mounts of the same kinds: one of /etc/fstab that fails,
file systems in memory that come and go, and a FUSE whose server is gone (every access is an error, as with a stale NFS).
"""

import os
import re

import pytest

from support.installed import ENVIRONMENT_FILE, settings_text
from support.machine import NAME, STATE, UNIT
from support.network import ADDRESS
from support.wait import wait_until

KEY = "log-from"


def new_file_system(machine, name, below=""):
    """As it will be seen on /private, or on a directory below that; with a health file that names it."""
    state = f"/run/{name}/{'argus/agent'[len(below):].strip('/')}"
    machine.run(["sh", "-ec", f"""
        mkdir /run/{name}
        mount -t tmpfs -o mode=755 {name} /run/{name}
        install -d -m 2750 -o argus-agent -g argus-health {state} {state}/{NAME}
        install -d -m 3770 -o argus-agent -g argus-health {state}/{NAME}/health
        echo '"{name}"' >{state}/{NAME}/health/{KEY}.json"""])
    return f"/run/{name}"


def health_of(report):
    return re.search(rf'"{KEY}": *"(\w+)"', report["body"])


def assert_used(machine, master, name, since):
    """The report that comes next to the one under way has its health, and node.json is in it."""
    def has_come():
        reports = master.requests("report")[since:]
        return len(reports) >= 3 and reports
    reports = wait_until(has_come, 15, "three reports")
    assert (found := health_of(reports[2])) and found[1] == name, reports
    machine.run(["test", "-s", f"{STATE}/node.json"])
    health = int(machine.run(["stat", "-c", "%i", f"{STATE}/health"]).stdout)
    watched = machine.run(["sh", "-c", f"cat /proc/{machine.main_pid()}/fdinfo/* | grep '^inotify'"]).stdout
    assert [int(inode, 16) for inode in re.findall(r"ino:(\w+)", watched)] == [health], "and is watched"


def mount(machine, master, source, target="/private"):
    since = len(master.requests("report"))
    machine.run(["mount", "--bind", source, target])
    assert_used(machine, master, os.path.basename(source), since)


def unmount(machine, master, seen, target="/private"):
    """Lazily, as one unmounts a dead file system."""
    since = len(master.requests("report"))
    machine.run(["umount", "--lazy", target])
    if seen:
        assert_used(machine, master, seen, since)


def wait_status(machine, said, timeout=10):
    return wait_until(lambda: said in (text := machine.show("StatusText")) and text, timeout, f"STATUS= says {said}")


@pytest.fixture
def watching(machine, master):
    machine.write(ENVIRONMENT_FILE, settings_text(REPORT_INTERVAL_SECONDS="1", AGENT_REPORT_ON_CHANGE="yes"), mode=0o600)
    machine.write("/etc/fstab", "/nonexistent /private ext4 loop,nofail 0 0\n")
    machine.start(ADDRESS)
    machine.wait_active()
    assert machine.show("ActiveState", "private.mount") == "failed"
    master.wait_node()
    machine.run(["sh", "-c", f"echo '\"disk\"' >{STATE}/health/{KEY}.json"])
    return machine


def test_file_systems_come_and_go(watching, master):
    machine, node = watching, master.wait_node()
    pid = machine.main_pid()
    first, second, third = (new_file_system(machine, name) for name in ("first", "second", "third"))
    mount(machine, master, first)
    unmount(machine, master, seen="disk")
    mount(machine, master, second)
    mount(machine, master, third)  # over it
    unmount(machine, master, seen="second")
    unmount(machine, master, seen="disk")
    for below in "argus", "argus/agent":
        name = below.replace("/", "")
        mount(machine, master, new_file_system(machine, name, below), f"/private/{below}")
        unmount(machine, master, seen="disk", target=f"/private/{below}")
    assert not machine.events("state-unwritable")

    # Without the file system that was there at the start, the sandbox leaves nothing to write to; it says so.
    machine.run(["mount", "--bind", first, "/private"])
    machine.systemctl("restart", UNIT)
    pid_with_first = machine.main_pid()
    unmount(machine, master, seen="")
    wait_status(machine, "STATE NOT SAVED: Read-only file system")
    master.wait_for_more(2)
    mount(machine, master, second)
    wait_until(lambda: machine.events("state-recovered"), 10, "it says that it saves again")
    assert "NOT SAVED" not in wait_status(machine, "Online")
    assert machine.main_pid() == pid_with_first != pid and machine.show("NRestarts") == "0"
    assert master.wait_node()["id"] == node["id"]


def test_a_directory_that_is_made_later(watching, master):
    machine = watching
    machine.systemctl("stop", UNIT)
    machine.run(["mv", "/private", "/elsewhere"])
    since = len(master.requests("report"))
    machine.systemctl("start", UNIT)
    wait_until(lambda: len(master.requests("report")) > since, 10, "it reports")
    assert "No such directory" in machine.events("state-unwritable")[-1]["MESSAGE"]
    machine.run(["mv", "/elsewhere", "/private"])
    wait_until(lambda: health_of(master.requests("report")[-1]), 10, "its health files are read")
    wait_status(machine, "STATE NOT SAVED: Read-only file system")  # as long as this process lives
    late = new_file_system(machine, "late")
    machine.run(["mount", "--bind", late, "/private"])  # but a file system is seen
    wait_until(lambda: machine.events("state-recovered"), 10, "it says that it saves again")
    machine.run(["umount", "--lazy", "/private"])
    machine.systemctl("restart", UNIT)
    assert "NOT SAVED" not in wait_status(machine, "Online")


@pytest.mark.skipif(not os.path.exists("/dev/fuse"), reason="needs /dev/fuse")
def test_a_file_system_whose_server_is_gone(watching, master):
    machine, node = watching, master.wait_node()
    server = os.open("/dev/fuse", os.O_RDWR)
    machine.run(["mount", "-i", "-t", "fuse", "-o", f"fd={server},rootmode=40000,user_id=0,group_id=0,allow_other",
                 "dead", "/private"], pass_fds=[server])
    os.close(server)
    since, pid = len(master.requests("report")), machine.main_pid()
    wait_until(lambda: len(master.requests("report")) > since + 2, 10, "reports go on")
    wait_until(lambda: [
        entry for entry in machine.journal(f"_PID={pid}") if "Transport endpoint is not connected" in entry["MESSAGE"]],
               10, "it says why they are without health files")
    since = len(master.requests("report"))
    unmount(machine, master, seen="disk")
    assert machine.main_pid() == pid

    # systemd cannot start the agent over such a mount. It tries until it can.
    server = os.open("/dev/fuse", os.O_RDWR)
    machine.run(["mount", "-i", "-t", "fuse", "-o", f"fd={server},rootmode=40000,user_id=0,group_id=0,allow_other",
                 "dead", "/private"], pass_fds=[server])
    os.close(server)
    assert machine.systemctl("restart", UNIT, check=False).returncode != 0
    assert machine.show("ExecMainStatus") == "226"
    machine.run(["umount", "--lazy", "/private"])
    machine.wait_active()
    assert master.wait_node()["id"] == node["id"]
