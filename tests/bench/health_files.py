# SPDX-License-Identifier: MIT
"""Health files of a given size, as a module would write them."""

import os

CHECK = ('{"name": "check-%03d", "state": "passing", "message": "%d.%d %% of the volume in use, below the limit of'
         ' 90 %%", "value": %d.5}')


def health_text(size, salt=0):
    """A JSON text of exactly `size` bytes (64 at least); another `salt` gives another text of that size."""
    head, tail = '{"status": "ok", "checks": [', '], "note": "%s"}'
    checks = []
    room = size - len(head) - len(tail % "")
    while True:
        number = len(checks)
        check = CHECK % (number % 1000, 10 + salt % 80, number % 10, 10 + (salt + number) % 90)
        if room < len(check) + 2:
            break
        checks.append(check)
        room -= len(check) + (2 if len(checks) > 1 else 0)
    return head + ", ".join(checks) + tail % ("-" * room)


class HealthFiles:
    def __init__(self, folder, count=5, size=400):
        folder.mkdir(parents=True, exist_ok=True)
        self.names = [f"metric-module-{number:04}.json" for number in range(count)]
        self.bytes = count * size
        self._folder = folder
        self._size = size
        self._writes = 0
        self.rewrite()

    def rewrite(self):
        """Replaces each by another text, whole at any time."""
        self._writes += 1
        text = health_text(self._size, self._writes)
        for name in self.names:
            new = self._folder / f".{name}"
            new.write_text(text, encoding="ascii")
            os.replace(new, self._folder / name)
