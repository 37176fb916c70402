"""A control group of its own for each booted system, so that two of them (or two runs) never share one."""

import os
import re
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


def remove(directories):
    """Removes them with all below; they are empty of processes by now."""
    for directory in directories:
        for below, _, _ in os.walk(directory, topdown=False):
            try:
                os.rmdir(below)
            except OSError:
                pass
