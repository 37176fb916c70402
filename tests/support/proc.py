# SPDX-License-Identifier: MIT
"""What the kernel says of a process, from /proc."""

import os
import re
from pathlib import Path

PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")


def read(pid, name):
    return Path(f"/proc/{pid}/{name}").read_text(encoding="utf-8")


def status(pid, name):
    """A number of /proc/PID/status: VmHWM, TracerPid, voluntary_ctxt_switches, …"""
    return int(re.search(rf"^{name}:\s+(\d+)", read(pid, "status"), re.MULTILINE)[1])


def state(pid):
    """R, S, T, …"""
    return read(pid, "stat").rpartition(")")[2].split()[0]


def cpu_seconds(pid):
    """User and system time of all threads, to the nanosecond: utime and stime are too coarse for a report."""
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def rss(pid):
    """Resident memory in bytes."""
    return int(read(pid, "statm").split()[1]) * PAGE_SIZE


def memory(pid):
    """Rss, Pss, Anonymous and more, in KiB."""
    return {name: int(size) for name, size in re.findall(r"^(\w+):\s+(\d+) kB", read(pid, "smaps_rollup"), re.MULTILINE)}


def open_files(pid):
    """The numbers of its descriptors."""
    return sorted(map(int, os.listdir(f"/proc/{pid}/fd")))


def children(pid):
    return [int(child) for child in read(pid, f"task/{pid}/children").split()]
