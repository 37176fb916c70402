#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What tests need of the machine, beyond packages. A condition is tried, not guessed. What misses one is skipped, with one
line that names the condition and the remedy: conditions.py NAME… prints it, and ends with 77, the status of a skip."""

import functools
import os
import socket
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent
CONTAINER = "in a container, start that with --privileged"


def works(*command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0


def in_own_network(script):
    return works("unshare", "--net", "sh", "-ec", "ip link set lo up; " + script)


def has_overlay():
    return works("unshare", "--mount", "sh", "-ec", "cd /mnt; mount -t tmpfs none .; cd /mnt; mkdir upper work root; "
                 "mount -t overlay none root -o lowerdir=/etc,upperdir=upper,workdir=work")


def has_ipv6_loopback():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def has_control_group():
    """One below our own, as a booted system gets."""
    from support import cgroups
    try:
        made = cgroups.create(f"argus-condition-{os.getpid()}")
    except OSError:
        return False
    cgroups.remove(made)
    return bool(made)


def program():
    """What another user must be able to run."""
    return Path(os.environ.get("ARGUS_AGENT") or __file__).absolute()


def opening():
    """The command that lets other users in, also after a clone and a build under umask 077."""
    closed = [str(place) for place in reversed(program().parents) if not place.stat().st_mode & 0o001]
    return f"chmod o+x {' '.join(closed)}" if closed else f"chmod -R o+rX {TESTS.parent}"


CONDITIONS = {
    "root": (lambda: os.geteuid() == 0, "root", "run it with sudo"),
    "mounts": (lambda: works("unshare", "--mount", "true"), "mount namespaces (CAP_SYS_ADMIN)", CONTAINER),
    "network": (lambda: in_own_network("true"), "network namespaces (CAP_SYS_ADMIN, CAP_NET_ADMIN)", CONTAINER),
    "network-ipv6": (lambda: in_own_network("ip -6 address show dev lo | grep -q ::1"), "IPv6 in network namespaces",
                     "boot without ipv6.disable, and set the sysctl net.ipv6.conf.default.disable_ipv6=0"),
    "ipv6": (has_ipv6_loopback, "the address ::1", "set the sysctl net.ipv6.conf.lo.disable_ipv6=0"),
    "hosts": (lambda: os.path.isfile("/etc/hosts"), "a file /etc/hosts (the tests mount theirs on it)",
              "echo 127.0.0.1 localhost >/etc/hosts"),
    "overlay": (has_overlay, "overlayfs", "modprobe overlay; " + CONTAINER),
    "control-group": (has_control_group, "a control group that may be changed", CONTAINER),
    "other-users": (lambda: works("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "test", "-x",
                                  str(program())), "a clone that other users may enter", opening() + ", or clone elsewhere"),
}


@functools.cache
def lacks(name):
    """None, or what is missing and what to do."""
    holds, condition, remedy = CONDITIONS[name]
    return None if holds() else f"needs {condition}: {remedy}"


def missing(*names):
    """The first of them that is missing, in words; others may follow from it."""
    return next(filter(None, map(lacks, names)), None)


def require(*names):
    """Ends the program as skipped if one is missing."""
    if words := missing(*names):
        print(f"SKIP: {words}")
        sys.exit(77)


def skip_without(*names):
    """The same for the test that calls it."""
    if words := missing(*names):
        import pytest
        pytest.skip(words)


def say_skipped(terminalreporter):
    """One line for each condition that tests of this run lacked."""
    reasons = [report.longrepr[2].removeprefix("Skipped: ") for report in terminalreporter.stats.get("skipped", [])]
    for words in sorted({reason for reason in reasons if reason.startswith("needs ")}):
        count = reasons.count(words)
        terminalreporter.write_line(f"SKIP: {count} test{'s'[count == 1:]}: {words}")


if __name__ == "__main__":
    require(*sys.argv[1:])
