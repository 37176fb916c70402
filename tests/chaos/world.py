# SPDX-License-Identifier: MIT
"""What the agent lives in during a chaos run: a Master, a bus, a service manager, a disk, modules that write health."""

import bisect
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from support import proc
from support.agent import BINARY, HOSTNAME, clean_environment
from support.bus import Bus
from support.certificates import Authority
from support.notify import NotifySocket

MASTER_PROGRAM = Path(__file__).parent / "chaos_master.py"
NOBODY = 65534
WATCHDOG_SECONDS = 10
# ./dev chaos gives root namespaces of the run's own, for a disk that can be full and an address that can change
OWN_NAMESPACES = os.environ.get("CHAOS_NAMESPACES") == "own"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(*command):
    subprocess.run(list(map(str, command)), check=True, capture_output=True)


class MasterProcess:
    def __init__(self, folder):
        self._folder = folder
        self._ports = {"plain": free_port(), "tls": free_port()}
        self._authorities = []
        for name in ("first", "second"):
            authority = Authority(folder, f"ca-{name}")
            self._authorities.append((authority.file, tuple(map(str, authority.issue(f"master-{name}")))))
        self._age = 0
        self._state = {}  # what a restarted one has to be told
        self._shut = set()
        self.stops = []  # [[from, to]]: when it was stopped with SIGSTOP
        self._entries = []
        self._read = 0
        self._process = None

    @property
    def endpoints(self):
        return f"http://127.0.0.1:{self._ports['plain']},https://127.0.0.1:{self._ports['tls']}"

    def start(self):
        self._process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", sys.executable, MASTER_PROGRAM,
                                          self._folder, str(self._ports["plain"]), str(self._ports["tls"])],
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.tell(certificate=self._authorities[self._age][1], **self._state)
        self.tell(open=[name for name in self._ports if name not in self._shut], answer=True)

    def kill(self):
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process.stdin.close()
            self._process.stdout.close()
            self._process = None

    def tell(self, **words):
        self._state |= {name: words[name] for name in ("token", "misdeed") if name in words}
        if self._process:
            self._process.stdin.write(json.dumps(words) + "\n")
            self._process.stdin.flush()
            # a stopped one answers later; only at its start is it waited for
            if words.get("answer") and not self._process.stdout.readline():
                raise AssertionError(f"the Master of the run ended: {self._process.wait()}")

    def shut(self, name):
        self._shut.add(name)
        self.tell(shut=[name])

    def open(self, name):
        self._shut.discard(name)
        self.tell(open=[name])

    def send(self, number):
        self._process.send_signal(number)

    @property
    def is_up(self):
        return self._process is not None

    def renew_certificate(self):
        self._age = 1 - self._age
        self.tell(certificate=self._authorities[self._age][1])

    def next_authority(self):
        return self._authorities[1 - self._age][0]

    @property
    def authority(self):
        return self._authorities[self._age][0]

    def ledger_since(self, moment):
        """Its entries since then; only what is new is read again."""
        with open(self._folder / "ledger", "a+b") as file:
            file.seek(self._read)
            text = file.read()
        whole = text.rpartition(b"\n")[0]
        self._entries += [json.loads(line) for line in whole.splitlines()]
        self._read += len(whole) + 1 if whole else 0
        at = bisect.bisect_left(self._entries, moment, key=lambda entry: entry["at"])
        return self._entries[at:]


class Life:
    """One process of the agent, from its start to its end."""

    def __init__(self, command, environment, log):
        self.begun = time.monotonic()
        self.ended = None
        self.stops = []  # [[from, to]]: when it was stopped with SIGSTOP
        self.reads_log = threading.Event()
        self.reads_log.set()
        self.log_is_whole = True
        self.lines = 0
        self.successes = 0
        self.samples = []  # (monotonic, RSS, fds, CPU seconds) when it was quiet
        self.status = None
        self._log = log
        self._process = subprocess.Popen(command, env=environment, cwd="/", stdin=subprocess.DEVNULL,
                                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.pid = self._process.pid
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()

    def _read_log(self):
        rest = b""
        while True:
            self.reads_log.wait()
            chunk = os.read(self._process.stdout.fileno(), 4096)
            if not chunk:
                return
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self.lines += 1
                self.successes += b'"report-ok"' in line or b'"report-recovered"' in line
                self._log.write(line + b"\n")
            self._log.flush()

    @property
    def is_running(self):
        return self._process.poll() is None

    def send(self, number):
        self._process.send_signal(number)

    def wait(self, deadline=10):
        self.status = self._process.wait(deadline)
        self.ended = time.monotonic()
        self.reads_log.set()
        self._reader.join(5)
        return self.status

    def measure(self):
        self.samples.append((time.monotonic(), proc.rss(self.pid), len(proc.open_files(self.pid)),
                             proc.cpu_seconds(self.pid)))


class HealthModules(threading.Thread):
    """Modules that write as they like: whole, in two halves, broken, too big, gone again, and what is no file."""

    def __init__(self, folder, seed):
        super().__init__(daemon=True)
        self._folder = folder
        self._draw = random.Random(f"{seed} health")
        self._done = threading.Event()
        self._may_write = threading.Lock()
        self.writes = 0

    def pause(self):
        """Leaves one small good file of each module."""
        self._may_write.acquire()
        for path in self._paths():
            try:
                self._write_whole(path, 0)
            except OSError:
                pass  # the agent has not made the folder yet

    def go_on(self):
        self._may_write.release()

    def end(self):
        self._done.set()

    def _paths(self):
        return [self._folder / f"module-{number}.json" for number in range(12)]

    def run(self):
        while not self._done.wait(self._draw.uniform(0.02, 0.5)):
            path = self._draw.choice(self._paths())
            act = self._draw.choice([self._write_whole] * 5 + [self._write_in_halves, self._break, self._remove,
                                                               self._grow, self._make_something_else])
            number = self._draw.randrange(1 << 30)
            try:
                with self._may_write:
                    act(path, number)
                self.writes += 1
            except OSError:
                pass  # the disk has its own faults

    def _text(self, number, size=200):
        return json.dumps({"first": number, "text": "x" * self._draw.randrange(size), "last": number})

    def _write_whole(self, path, number):
        self._clear(path)
        new = path.with_suffix(".new")  # of mode 0644, whatever was there before
        new.write_text(self._text(number))
        new.rename(path)

    def _write_in_halves(self, path, number):
        self._clear(path)
        text = self._text(number)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text[:len(text) // 2])
            file.flush()
            self._done.wait(self._draw.choice([0.01, 0.1, 1]))
            file.write(text[len(text) // 2:])

    def _break(self, path, number):
        self._clear(path)
        path.write_bytes(self._draw.choice([b"", b"{", b"\xff\xff", b'{"a": 01}', b"[" * 4000, b"\0" * 100]))

    def _remove(self, path, number):
        self._clear(path, True)

    def _grow(self, path, number):
        self._clear(path)
        path.write_text(self._text(number, self._draw.choice([300_000, 1_500_000])))

    def _make_something_else(self, path, number):
        self._clear(path, True)
        self._draw.choice([lambda: os.mkfifo(path), path.mkdir, lambda: path.symlink_to("/etc/passwd"),
                           lambda: (path.write_text("{}"), path.chmod(0))])()

    @staticmethod
    def _clear(path, anyway=False):
        """Takes away what is no plain file."""
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        elif anyway or path.is_symlink() or path.is_fifo():
            path.unlink(missing_ok=True)


class StateWatcher(threading.Thread):
    """Reads node.json all the time: it must always be a whole object with the node's id."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self._path = path
        self.looks = 0
        self.wrong = []

    def run(self):
        while True:
            try:
                text = self._path.read_bytes()
            except OSError:
                text = None
            if text is not None:
                self.looks += 1
                try:
                    whole = json.loads(text)["id"] == "A7"
                except (ValueError, KeyError, TypeError):
                    whole = False
                if not whole:
                    self.wrong.append((time.monotonic(), text[:200]))
            time.sleep(0.02)


class World:
    def __init__(self, seed, log_path):
        self.folder = Path(tempfile.mkdtemp(prefix="argus-chaos-", dir="/tmp"))
        self.folder.chmod(0o755)
        self._log = open(log_path, "wb")
        self._user = NOBODY if os.geteuid() == 0 else None
        self.agent_program = self.folder / "argus-agent"
        shutil.copy(BINARY, self.agent_program)  # where another user can reach it
        self.ctl_program = BINARY.parent / "argusctl"

        master_folder = self.folder / "master"
        master_folder.mkdir()
        self.master = MasterProcess(master_folder)
        self.token = 0
        self.token_file = self.folder / "token"
        self.ca_file = self.folder / "ca.pem"
        self.write_token(self.token)
        self.write_authority(self.master.authority)
        self.master.tell(token=self.token_text(self.token))

        self.state_root = self.folder / "state"
        self.state_root.mkdir()
        if OWN_NAMESPACES:
            run("mount", "-t", "tmpfs", "-o", "size=32m,mode=755", "argus-chaos", self.state_root)
        if self._user:
            os.chown(self.state_root, self._user, self._user)
        self.state = self.state_root / HOSTNAME
        self.health = self.state / "health"
        self.bus = Bus()
        manager_folder = self.folder / "manager"
        manager_folder.mkdir()
        self.manager = NotifySocket(manager_folder / "notify")
        self.addresses = ("10.9.1.1/24", "10.9.2.1/24")  # the present one first
        if OWN_NAMESPACES:
            # the run has its own network: only loopback, and a pair of devices that carries nothing
            run("ip", "link", "set", "lo", "up")
            run("ip", "link", "add", "argus0", "type", "veth", "peer", "name", "argus1")
            run("ip", "address", "add", self.addresses[0], "dev", "argus0")
            run("ip", "link", "set", "argus0", "up")
            run("ip", "link", "set", "argus1", "up")
        self.lives = []
        self.modules = HealthModules(self.health, seed)
        self.watcher = StateWatcher(self.state / "node.json")

    @staticmethod
    def token_text(number):
        return f"chaos-token-{number}"

    def _write(self, path, text):
        new = path.with_suffix(".new")
        new.write_text(text)
        new.chmod(0o644)
        new.rename(path)

    def write_token(self, number):
        self._write(self.token_file, self.token_text(number) + "\n")

    def write_authority(self, path):
        self._write(self.ca_file, path.read_text())

    @property
    def life(self):
        return self.lives[-1]

    def start_agent(self):
        kind, address = ("user", "DBUS_SESSION_BUS_ADDRESS") if self._user is None else \
            ("system", "DBUS_SYSTEM_BUS_ADDRESS")
        environment = clean_environment(self.state_root, {
            "MASTER_ENDPOINT": self.master.endpoints, "MASTER_TOKEN_FILE": self.token_file,
            "MASTER_CA_FILE": self.ca_file, "REPORT_INTERVAL_SECONDS": 1, "AGENT_REPORT_ON_CHANGE": "yes",
            "AGENT_BUS": kind, address: self.bus.address, "NOTIFY_SOCKET": self.manager.path,
            "WATCHDOG_USEC": WATCHDOG_SECONDS * 1_000_000})
        as_user = [] if self._user is None else [f"--reuid={self._user}", f"--regid={self._user}", "--clear-groups"]
        # WATCHDOG_PID is the process itself, as systemd sets it
        command = ["setpriv", *as_user, "--pdeathsig", "KILL", "--",
                   "sh", "-c", 'WATCHDOG_PID=$$ exec "$@"', "sh", str(self.agent_program)]
        self.lives.append(Life(command, environment, self._log))

    def close(self):
        for life in self.lives:
            if life.is_running:
                life.send(signal.SIGKILL)
                life.wait()
        self.master.kill()
        self.modules.end()
        self.bus.remove()
        self._log.close()
        if OWN_NAMESPACES:
            subprocess.run(["umount", "-l", self.state_root], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)
