"""A child process whose output is collected line by line, and which never outlives the test."""

import os
import signal
import subprocess
import threading
import time

from support.wait import wait_until


class Line(str):
    """A line of output that knows when it came."""

    def __new__(cls, text, stream):
        line = super().__new__(cls, text)
        line.stream = stream
        line.monotonic = time.monotonic()
        return line


class Program:
    def __init__(self, command, environment=None, **options):
        # setpriv becomes the program itself: the same pid, killed by the kernel should the tests be killed
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", *map(str, command)], env=environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
        self.started = time.monotonic()
        self.lines = []
        self._readers = [threading.Thread(target=self._collect, args=(stream, name), daemon=True)
                         for name, stream in (("stdout", self._process.stdout), ("stderr", self._process.stderr))]
        for reader in self._readers:
            reader.start()

    def _collect(self, stream, name):
        with stream:
            for raw in stream:
                self.lines.append(Line(raw.decode("utf-8", "backslashreplace").rstrip("\n"), name))

    @property
    def pid(self):
        return self._process.pid

    @property
    def is_running(self):
        return self._process.poll() is None

    def output(self, stream=None):
        return "\n".join(line for line in list(self.lines) if stream in (None, line.stream))

    def wait_line(self, part, deadline=10.0):
        return wait_until(lambda: next((line for line in list(self.lines) if part in line), None), deadline,
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
        """Resident memory in bytes."""
        with open(f"/proc/{self.pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
