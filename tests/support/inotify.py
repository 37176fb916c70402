# SPDX-License-Identifier: MIT
"""One thing of inotify(7): waiting until somebody has read a file."""

import ctypes
import os
import select

IN_CLOSE_NOWRITE = 0x10


class ReadWatch:
    def __init__(self, path):
        libc = ctypes.CDLL(None, use_errno=True)
        self._fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        assert self._fd >= 0 and libc.inotify_add_watch(self._fd, os.fsencode(path), IN_CLOSE_NOWRITE) >= 0

    def wait(self, deadline):
        """Returns as soon as the file was opened for reading and closed again."""
        readable, _, _ = select.select([self._fd], [], [], deadline)
        assert readable, f"nobody read the file within {deadline} s"
        os.read(self._fd, 4096)

    def close(self):
        os.close(self._fd)
