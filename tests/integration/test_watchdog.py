# SPDX-License-Identifier: MIT
"""The service manager's watchdog while the manager itself is too busy to read."""

import select
import shutil
import signal
import socket
import tempfile
import time
from pathlib import Path

import pytest

WATCHDOG_USEC = 2_000_000
# the variables as systemd sets them: WATCHDOG_PID is the process itself, which no test knows beforehand
AS_SERVICE = {"wrapper": ["sh", "-c", 'WATCHDOG_PID=$$ exec "$@"', "sh"], "WATCHDOG_USEC": str(WATCHDOG_USEC),
              "REPORT_INTERVAL_SECONDS": "1"}


class BusyManager:
    """The other end of NOTIFY_SOCKET, which reads only when it is told to."""

    def __init__(self, folder):
        self.path = str(Path(folder) / "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)

    def fill(self):
        """Leaves no room in the queue."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            with pytest.raises(BlockingIOError):
                while True:
                    sender.sendto(b"X_FILLER=1", self.path)

    def listen(self, seconds):
        """Reads for so long: [(when, line)]. What waits in the queue comes first."""
        heard = []
        end = time.monotonic() + seconds
        while select.select([self._socket], [], [], max(0, end - time.monotonic()))[0]:
            lines = self._socket.recv(65536).decode().splitlines()
            heard += [(time.monotonic(), line) for line in lines]
        return heard

    def listen_for_watchdog(self, seconds):
        return [when for when, line in self.listen(seconds) if line == "WATCHDOG=1"]

    def close(self):
        self._socket.close()


@pytest.fixture
def manager():
    folder = tempfile.mkdtemp(prefix="argus-watchdog-", dir="/tmp")  # a socket's path is short
    busy = BusyManager(folder)
    yield busy
    busy.close()
    shutil.rmtree(folder)


def wait_more_reports(started, count):
    started.wait_log("report-ok", count=len(started.entries("report-ok")) + count, deadline=count + 5)


def test_a_manager_that_stops_reading_stops_nothing(agent, master, manager):
    started = agent(NOTIFY_SOCKET=manager.path, **AS_SERVICE)
    started.wait_online()
    manager.fill()
    wait_more_reports(started, 4)
    started.send(signal.SIGTERM)
    assert started.wait_exit(3) == 0


def test_a_manager_that_has_not_read_since_the_start_hears_it_later(agent, master, manager):
    manager.fill()
    started = agent(NOTIFY_SOCKET=manager.path, **AS_SERVICE)
    wait_more_reports(started, 3)
    assert "READY=1" in [line for _, line in manager.listen(2.5)]
    assert started.stop() == 0


def test_the_watchdog_is_fed_again_at_its_pace(agent, master, manager):
    started = agent(NOTIFY_SOCKET=manager.path, **AS_SERVICE)
    started.wait_online()
    manager.fill()
    wait_more_reports(started, 3)
    manager.listen(0)
    fed = manager.listen_for_watchdog(4.5)
    assert len(fed) >= 2
    for earlier, later in zip(fed, fed[1:]):
        assert WATCHDOG_USEC / 4 < (later - earlier) * 1e6 < WATCHDOG_USEC

    started.pause()
    manager.listen(0.1)
    assert manager.listen_for_watchdog(2.5) == [], "a stopped process feeds no watchdog"
    started.resume()
    fed = manager.listen_for_watchdog(2)
    assert 1 <= len(fed) <= 2, "it goes on, and does not make up for what it missed"
