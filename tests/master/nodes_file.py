# SPDX-License-Identifier: MIT
"""nodes.json: the online nodes, for whatever discovers its targets from a file."""

import json
import os
import threading


class NodesFile:
    def __init__(self, path, store):
        self._path = path
        self._store = store
        self._lock = threading.Lock()
        self._written = None

    def refresh(self):
        """Writes the file if its content would change; a reader never sees half of it."""
        with self._lock:
            text = json.dumps(self._store.online_targets(), indent=2) + "\n"
            if text == self._written:
                return
            temporary = f"{self._path}.tmp"
            with open(temporary, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(temporary, self._path)
            self._written = text

    def keep_fresh(self, period):
        """Going offline is an event that no request brings: look again every period seconds."""
        def loop():
            while True:
                self.refresh()
                stop.wait(period)

        stop = threading.Event()
        threading.Thread(target=loop, daemon=True, name="nodes-file").start()
