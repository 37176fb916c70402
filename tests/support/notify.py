# SPDX-License-Identifier: MIT
"""The other end of NOTIFY_SOCKET, as systemd would be."""

import os
import select
import socket
import threading
import time
from dataclasses import dataclass

from support.wait import wait_until


@dataclass
class Notification:
    monotonic: float
    fields: dict


class NotifySocket:
    def __init__(self, path):
        self.path = str(path)
        self.received = []
        self._collecting = threading.Lock()
        self._closed = False
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        os.chmod(self.path, 0o666)  # for an agent of another user
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._thread.start()

    def _receive(self):
        while not self._closed:
            select.select([self._socket], [], [])
            self._collect()

    def _collect(self):
        with self._collecting:
            while True:
                try:
                    data = self._socket.recv(65536, socket.MSG_DONTWAIT)
                except OSError:
                    return
                fields = dict(line.split("=", 1) for line in data.decode().splitlines() if "=" in line)
                self.received.append(Notification(time.monotonic(), fields))

    def all(self, name):
        """All that were sent until now, even those that the thread has not come to yet."""
        self._collect()
        return [note for note in list(self.received) if name in note.fields]

    def last(self, name):
        found = self.all(name)
        return found[-1].fields[name] if found else None

    def wait(self, name, deadline=10.0, count=1):
        return wait_until(lambda: len(self.all(name)) >= count and self.all(name)[count - 1], deadline,
                          lambda: f"notification {count} of {name} in {self.received}")

    def close(self):
        self._closed = True
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._socket.close()
