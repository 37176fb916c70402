# SPDX-License-Identifier: MIT
"""Many processes that end with us, and what they cost."""

import contextlib
import os
import signal
import subprocess
import typing

from support.wait import wait_until

# setpriv becomes the program itself: the same pid, and the kernel ends it should we be killed
BOUND = ("/usr/bin/setpriv", "--pdeathsig", "KILL", "--")


def spawn(command, environment, log):
    """Starts one; returns its pid."""
    redirect = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
                (os.POSIX_SPAWN_DUP2, 1, 2)]
    return os.posix_spawn(BOUND[0], [*BOUND, *map(str, command)], environment, file_actions=redirect)


def has_ended(pid):
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:  # reaped before
        return True


def end_all(pids, deadline=30):
    """SIGTERM to each, and SIGKILL to whatever is left after `deadline` seconds. Returns how many had to be killed."""
    left = [pid for pid in pids if not has_ended(pid)]
    for pid in left:
        os.kill(pid, signal.SIGTERM)
    with contextlib.suppress(AssertionError):
        wait_until(lambda: all(map(has_ended, left)), deadline)
    left = [pid for pid in left if not has_ended(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    for pid in left:
        os.waitpid(pid, 0)
    return len(left)


def available_kib():
    with open("/proc/meminfo", encoding="ascii") as meminfo:
        return next(int(line.split()[1]) for line in meminfo if line.startswith("MemAvailable:"))


def refused_connections():
    """Of this network namespace, since it exists."""
    with open("/proc/net/snmp", encoding="ascii") as snmp:
        names, values = [line.split() for line in snmp if line.startswith("Tcp:")]
    return int(values[names.index("AttemptFails")])


def signal_all(pids, number):
    for pid in pids:
        os.kill(pid, number)


class Request(typing.NamedTuple):
    when: float       # CLOCK_MONOTONIC
    kind: str         # report, register, register-with-another-id
    node_id: str      # or its name, if it has none yet
    address: int
    status: int


class LoadMaster:
    """The Master of load_master.py; it can be killed and started again on the same ports."""

    def __init__(self, python, program, folder, addresses=1):
        self._command = [*BOUND, python, program, folder]
        self._folder = folder
        self._ports = ["0"] * addresses
        self.start()

    def start(self):
        ports_file = self._folder / "ports"
        ports_file.unlink(missing_ok=True)
        with open(self._folder / "master.log", "ab") as log:
            self._process = subprocess.Popen([*map(str, self._command), *self._ports],
                                             stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(ports_file.exists, 20, (self._folder / "master.log").read_text)
        self._ports = ports_file.read_text().split()

    def kill(self):
        self._process.kill()
        self._process.wait()

    def overload(self, retry_after):
        """From now on only these addresses respond with 503, each with its Retry-After unless that is empty."""
        for address in range(len(self._ports)):
            place = self._folder / f"overloaded-{address}"
            if address in retry_after:
                place.write_text(retry_after[address])
            else:
                place.unlink(missing_ok=True)

    def urls(self, addresses):
        return ",".join(f"http://127.0.0.1:{port}" for port in self._ports[:addresses])

    @property
    def ids(self):
        path = self._folder / "ids"
        return dict(line.split() for line in path.read_text().splitlines()) if path.exists() else {}

    def requests(self):
        """All requests so far."""
        path = self._folder / "requests"
        lines = path.read_text().splitlines() if path.exists() else []
        return [Request(float(when), kind, node_id, int(address), int(status))
                for when, kind, node_id, address, status in map(str.split, lines)]
