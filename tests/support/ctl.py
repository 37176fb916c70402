# SPDX-License-Identifier: MIT
"""argusctl as a process: with pipes as a program runs it, or on a terminal as a person does."""

import fcntl
import os
import pty
import struct
import subprocess
import termios
from pathlib import Path

from support.agent import BINARY, SANITIZER_WORDS
from support.program import Program

CTL = Path(os.environ.get("ARGUSCTL") or BINARY.with_name("argusctl"))
VERBS = ["status", "is-online", "report", "reregister", "node", "health", "monitor", "log-level", "check"]
ASKING = [verb for verb in VERBS if verb != "check"]  # those that ask the agent
ONLINE, FAILED, NOT_ONLINE, USAGE = 0, 1, 3, 64
ESCAPE = "\x1b"


class Ctl:
    """Runs argusctl against a bus, as a program does: with pipes, and no width."""

    def __init__(self, address):
        self.environment = {name: os.environ[name] for name in ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")
                            if name in os.environ}
        self.environment |= {"LC_ALL": "C.UTF-8", "TZ": "UTC", "TERM": "xterm", "DBUS_SYSTEM_BUS_ADDRESS": address}

    def __call__(self, *arguments, deadline=30, user=None, **variables):
        done = subprocess.run([CTL, *arguments], env=self.environment | variables, capture_output=True, check=False,
                              stdin=subprocess.DEVNULL, timeout=deadline, user=user)
        done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
        assert not any(words in done.stderr for words in SANITIZER_WORDS), done.stderr
        assert ESCAPE not in done.stderr
        return done

    def read(self, *arguments, status=0, **options):
        """What it prints, when it ends as it should."""
        done = self(*arguments, **options)
        assert done.returncode == status, done
        assert done.stderr == "", done
        return done.stdout

    def fail(self, *arguments, status=FAILED, **options):
        """Its words of failure."""
        done = self(*arguments, **options)
        assert done.returncode == status, done
        assert done.stdout == "", done
        return done.stderr

    def start(self, *arguments):
        return Program([CTL, *arguments], self.environment)

    def on_terminal(self, *arguments, columns=80, **variables):
        """What it writes on a terminal of this width: (exit status, text)."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        with subprocess.Popen([CTL, *arguments], env=self.environment | variables, stdin=subprocess.DEVNULL,
                              stdout=theirs, stderr=theirs) as process:
            os.close(theirs)
            text = b""
            try:
                while piece := os.read(ours, 65536):
                    text += piece
            except OSError:  # the last one at the other end has gone
                pass
            finally:
                os.close(ours)
        return process.wait(10), text.decode().replace("\r\n", "\n")
