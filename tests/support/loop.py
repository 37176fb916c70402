# SPDX-License-Identifier: MIT
"""An asyncio loop in a thread, for a server or a client that works while the test goes on."""

import asyncio
import threading


class LoopThread:
    def __init__(self):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def _run(self, coroutine, deadline=30.0):
        """Runs it in the thread; returns its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(deadline)

    def _call(self, function, *arguments):
        """Calls it in the thread, some time soon."""
        self._loop.call_soon_threadsafe(function, *arguments)

    def _end_loop(self):
        self._call(self._loop.stop)
        self._thread.join(5)
        self._loop.close()
