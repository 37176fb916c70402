# SPDX-License-Identifier: MIT
"""System calls of a program that runs: made to fail by strace, and written down."""

from support import proc
from support.program import Program
from support.wait import wait_until


def tracer_of(pid):
    """0: none, or the process has ended."""
    try:
        return proc.status(pid, "TracerPid")
    except FileNotFoundError:
        return 0


class FailingCalls:
    """While this lasts, the calls fail: calls are of strace's form ("fsync:error=EIO"), and only those count that name
    one of the paths, be it as a descriptor, as an argument, or as the directory of one."""

    def __init__(self, pid, calls, paths):
        self._pid = pid
        names = ",".join(call.split(":")[0] for call in calls)
        self._strace = Program(["strace", "-f", "-p", pid, "-e", f"trace={names}", "-o", "/dev/null",
                                *[f"--inject={call}" for call in calls], *[f"--trace-path={path}" for path in paths]])
        wait_until(lambda: tracer_of(pid) or not self._strace.is_running, 10, "strace has attached itself")
        assert tracer_of(pid), self._strace.output()

    def end(self):
        self._strace.stop()
        assert tracer_of(self._pid) == 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()
