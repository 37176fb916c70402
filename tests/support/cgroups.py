# SPDX-License-Identifier: MIT
"""A control group of its own for each booted system, so that two of them (or two runs) never share one."""

import contextlib
import os
import re
import time
from pathlib import Path


def _systemd_hierarchies():
    """Our own directories in the hierarchies that systemd manages: the unified one, and the named one of old."""
    ours = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        ours[controllers] = path
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        mount, kind = line.split(" - ")
        point, (fstype, _, options) = mount.split()[4], kind.split(" ", 2)
        if fstype == "cgroup2" and "" in ours:
            yield Path(point + ours[""])
        elif fstype == "cgroup" and re.search(r"\bname=systemd\b", options) and "name=systemd" in ours:
            yield Path(point + ours["name=systemd"])


def create(name):
    made = [directory / name for directory in _systemd_hierarchies()]
    for directory in made:
        directory.mkdir(exist_ok=True)
    return made


def enter(directories):
    for directory in directories:
        (directory / "cgroup.procs").write_text("0")


def remove_all(prefix):
    """For what a run that was ended left behind."""
    for directory in _systemd_hierarchies():
        remove(directory.glob(prefix + "*"))


def remove(directories, timeout=5.0):
    """Removes them with all below, as soon as the last killed process has left them."""
    deadline = time.monotonic() + timeout
    for directory in directories:
        while directory.exists() and time.monotonic() < deadline:
            for below, _, _ in os.walk(directory, topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(below)
            if directory.exists():
                time.sleep(0.05)
