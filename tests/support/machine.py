# SPDX-License-Identifier: MIT
"""A systemd that really boots: a container by systemd-nspawn over a root that is thrown away afterwards.

The root is an overlay: the cached Debian root and the installed tree below, and a layer in memory for all that this
machine writes, which outlives a stop and a start of it, as a disk does.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import uuid
from pathlib import Path

from support import cgroups, proc
from support.wait import wait_until

UNIT = "argus-agent.service"
NAME = "dev-alice-web01"
STATE = f"/private/argus/agent/{NAME}"
BUS = ["org.argus.Agent1", "/org/argus/Agent1", "org.argus.Agent1"]
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0"}


class Machine:
    def __init__(self, directory, layers, network, name="box", hostname=NAME):
        self.directory, self.network, self.name = Path(directory), network, name
        self.root = self.directory / "root"
        self.console = self.directory / "console"
        # Other runs on this computer must not meet; tests/booted/run looks for the prefix in the end.
        self.unique_name = f"{os.environ['ARGUS_BOOTED_RUN']}-{name}"
        self.init = self.nspawn = None
        self.cgroups = []
        self._mount([str(layer) for layer in layers])
        self.write("/etc/hostname", hostname + "\n")
        self.write("/etc/machine-id", uuid.uuid4().hex + "\n")
        (self.root / "var/log/journal").mkdir(exist_ok=True)  # a journal that outlives a reboot

    def _mount(self, layers):
        for below in ("upper", "work", "root"):
            (self.directory / below).mkdir(parents=True)
        subprocess.run(["mount", "-t", "overlay", "overlay", str(self.root), "-o",
                        f"lowerdir={':'.join(layers)},upperdir={self.directory}/upper,workdir={self.directory}/work"],
                       check=True)

    def write(self, path, text, mode=0o644):
        """Writes a file of the machine, running or not."""
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    # Power

    def start(self, address=None):
        """Boots; returns when systemd has finished with that. Without an address it has only a loopback interface."""
        assert self.nspawn is None
        network = ["--private-network"]
        if address:
            network = ["--network-namespace-path=" + self.network.attach(self.name, address)]
        self.cgroups = cgroups.create(self.unique_name)
        with open(self.console, "ab") as console:
            self.nspawn = subprocess.Popen(
                ["systemd-nspawn", "--quiet", "--boot", "-D", str(self.root), "--machine=" + self.unique_name,
                 "--register=no", "--keep-unit", "--console=pipe", "--link-journal=no", "--resolv-conf=off",
                 "--timezone=off", *network],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
                preexec_fn=lambda: cgroups.enter(self.cgroups))
        self.init = wait_until(self._find_init, 10, "nspawn starts the container's init")
        wait_until(lambda: self._booted() in ("running", "degraded"), 30, "the container has booted")

    def _find_init(self):
        if self.nspawn.poll() is not None:
            raise AssertionError(f"systemd-nspawn ended with {self.nspawn.returncode}:\n{self.console.read_text()}")
        for pid in proc.children(self.nspawn.pid):  # a helper of nspawn's comes first, and goes
            with contextlib.suppress(OSError):
                if re.search(r"^NSpid:.*\t1$", proc.read(pid, "status"), re.MULTILINE):
                    return pid
        return None

    def _booted(self):
        assert self.nspawn.poll() is None, f"the container ended while it booted:\n{self.console.read_text()}"
        return self.systemctl("is-system-running", check=False).stdout.strip()

    def stop(self):
        """An orderly shutdown, as by the power button."""
        if self.nspawn is None:
            return
        self.nspawn.terminate()
        try:
            self.nspawn.wait(30)
        finally:
            self.power_off()

    def power_off(self):
        """Pulls the plug; afterwards nothing of it is left but its disk."""
        if self.nspawn is not None:
            with contextlib.suppress(ProcessLookupError):  # it may be over already
                os.kill(self.init or self.nspawn.pid, signal.SIGKILL)  # nspawn sees its init die, cleans up and ends
            self.nspawn.wait(10)
            self.nspawn = self.init = None
        self.network.detach(self.name)
        cgroups.remove(self.cgroups)

    def destroy(self):
        self.power_off()
        subprocess.run(["umount", str(self.root)], check=True)

    # Inside

    def run(self, command, user=None, check=True, timeout=30, **options):
        """Runs a command inside, as root or as a user, with text as output; fails with what a failed one said."""
        if user:
            command = ["runuser", "-u", user, "--", *command]
        done = subprocess.run(["nsenter", "-t", str(self.init), "-a", "--", *command], env=ENVIRONMENT, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout, **options)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def systemctl(self, *arguments, check=True):
        return self.run(["systemctl", *arguments], check=check)

    def show(self, prop, unit=UNIT):
        return self.systemctl("show", "--value", "-p", prop, unit).stdout.strip()

    def status(self, unit=UNIT):
        """What an admin sees."""
        return self.systemctl("status", "--no-pager", "--full", unit, check=False).stdout

    def bus_property(self, name, user=None):
        """As busctl prints it, with its type."""
        return self.run(["busctl", "get-property", *BUS, name], user=user).stdout.strip()

    def bus_call(self, method, **options):
        return self.run(["busctl", "call", *BUS, method], **options)

    def assert_refused(self, user, method):
        """Calls a method of the agent as this user, who may not."""
        refused = self.bus_call(method, user=user, check=False)
        assert refused.returncode != 0 and re.search("denied|authentication required", refused.stderr, re.I), refused

    def main_pid(self):
        """The agent's process id, as seen inside."""
        return int(self.show("MainPID"))

    def journal(self, *matches):
        """Entries as dictionaries, oldest first."""
        lines = self.run(["journalctl", "--no-pager", "--all", "-o", "json", *matches]).stdout.splitlines()
        return [json.loads(line) for line in lines]

    def events(self, event, *matches):
        return self.journal(f"ARGUS_EVENT={event}", *matches)

    def wait_active(self, unit=UNIT, timeout=10.0):
        wait_until(lambda: self.show("ActiveState", unit) == "active", timeout, f"{unit} is active")

    def drop_in(self, text, unit=UNIT, name="test"):
        """Changes a unit for one test."""
        self.write(f"/etc/systemd/system/{unit}.d/{name}.conf", text)
        if self.init:
            self.systemctl("daemon-reload")

    def what_happened(self):
        """For the report of a failed test."""
        if self.init is None:
            return self.console.read_text() if self.console.exists() else "never booted"
        log = self.run(["journalctl", "--no-pager", "-b", "-o", "short-precise", "-n", "80", f"_SYSTEMD_UNIT={UNIT}",
                        "+", f"UNIT={UNIT}", "+", "_COMM=dbus-daemon"], check=False).stdout
        return f"{self.status()}\n{log}"
