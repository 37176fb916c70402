# SPDX-License-Identifier: MIT
"""Every request that the dev Master received, exactly as it came, for tests to look at."""

import threading
import time


class Journal:
    def __init__(self):
        self._lock = threading.Lock()
        self._entries = []

    def add(self, kind, method, path, headers, body, peer):
        """Returns the entry; the server fills in what it answered, so a request in flight has no `answered`."""
        entry = {"kind": kind,
                 "method": method,
                 "path": path,
                 "headers": headers,
                 # bytes that are no UTF-8 survive as lone surrogates
                 "body": body.decode("utf-8", "surrogateescape"),
                 "peer": peer,
                 "monotonic": time.monotonic(),
                 "wall": time.time(),
                 "answered": None,
                 "status": None}
        with self._lock:
            self._entries.append(entry)
        return entry

    def entries(self, kind=None):
        with self._lock:
            return [entry for entry in self._entries if kind in (None, entry["kind"])]

    def clear(self):
        with self._lock:
            self._entries.clear()
