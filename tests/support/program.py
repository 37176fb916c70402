# SPDX-License-Identifier: MIT
"""A child process whose output is collected line by line, and which never outlives the test."""

import array
import fcntl
import os
import select
import signal
import subprocess
import termios
import threading
import time

from support import proc
from support.wait import wait_until


class Line(str):
    """A line of output that knows when it came."""

    def __new__(cls, text, stream):
        line = super().__new__(cls, text)
        line.stream = stream
        line.monotonic = time.monotonic()
        return line


class Pipe:
    """The reading end of one stream; its caller holds the lock."""

    def __init__(self, stream, name):
        self.stream = stream
        self.is_at_end = False
        self._name = name
        self._rest = b""
        os.set_blocking(stream.fileno(), False)

    def has_more(self):
        if self.is_at_end:
            return False
        unread = array.array("i", [0])
        fcntl.ioctl(self.stream.fileno(), termios.FIONREAD, unread)
        return unread[0] > 0

    def read(self):
        """The lines that became whole."""
        try:
            chunk = os.read(self.stream.fileno(), 1 << 20)
        except BlockingIOError:
            return []
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if not chunk:
            self.is_at_end = True
            self.stream.close()
            lines = [self._rest] if self._rest else []
        return [Line(line.decode("utf-8", "backslashreplace"), self._name) for line in lines]


class Program:
    def __init__(self, command, environment=None, stdin=subprocess.DEVNULL, **options):
        # setpriv becomes the program itself: the same pid, killed by the kernel should the tests be killed
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", *map(str, command)], env=environment,
            stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
        self.started = time.monotonic()
        self._lines = []
        self._pipes = [Pipe(self._process.stdout, "stdout"), Pipe(self._process.stderr, "stderr")]
        self._collecting = threading.Lock()
        self._readers = [threading.Thread(target=self._collect, args=(pipe,), daemon=True) for pipe in self._pipes]
        for reader in self._readers:
            reader.start()

    def _collect(self, pipe):
        while not pipe.is_at_end:
            select.select([pipe.stream], [], [])
            with self._collecting:
                self._lines += pipe.read()

    @property
    def lines(self):
        """All that the program has written until now, even what the readers have not come to yet."""
        with self._collecting:
            for pipe in self._pipes:
                if pipe.has_more():
                    self._lines += pipe.read()
            return list(self._lines)

    @property
    def pid(self):
        return self._process.pid

    @property
    def is_running(self):
        return self._process.poll() is None

    def output(self, stream=None):
        return "\n".join(line for line in self.lines if stream in (None, line.stream))

    def wait_line(self, part, deadline=10.0):
        return wait_until(lambda: next((line for line in self.lines if part in line), None), deadline,
                          lambda: f"a line with {part!r} in:\n{self.output()}")

    def wait_exit(self, deadline=10.0):
        """Returns the exit status, after all output has been collected."""
        try:
            status = self._process.wait(deadline)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {deadline} s:\n{self.output()}") from None
        for reader in self._readers:
            reader.join(5)
        return status

    def send(self, number):
        os.kill(self.pid, number)

    def pause(self):
        self.send(signal.SIGSTOP)

    def resume(self):
        self.send(signal.SIGCONT)

    def stop(self, deadline=10.0):
        """SIGTERM; returns the exit status."""
        if self.is_running:
            self.send(signal.SIGCONT)  # before: a late one would undo the stop by which a leak check begins
            self.send(signal.SIGTERM)
        return self.wait_exit(deadline)

    def kill(self):
        if self.is_running:
            self.send(signal.SIGKILL)
        return self.wait_exit()

    def rss(self):
        return proc.rss(self.pid)
