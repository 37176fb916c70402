# SPDX-License-Identifier: MIT
"""The three kinds of package, and how each is installed, upgraded and removed by hand in a booted machine."""

import shutil
import subprocess

from support.machine import UNIT
from support.wait import wait_until
from matrix_roots import deb_root, rpm_root

SETTINGS = "/etc/argus/agent.env"


class Package:
    def __init__(self, machine, suite):
        self.machine, self.suite = machine, suite

    def run(self, *command, check=True):
        """With nobody there to answer a question."""
        return self.machine.run(list(command), check=check, timeout=120, stdin=subprocess.DEVNULL)

    def bring(self, file):
        """Copies a file of this computer into the machine; returns its path there."""
        shutil.copy(file, self.machine.root / "root")
        return f"/root/{file.name}"

    def prepare(self):
        """Before the first installation."""

    def purge(self):
        """Removes settings and state, where the package manager knows of such a thing; returns whether it does."""
        return False


class Deb(Package):
    root = staticmethod(deb_root)

    def file(self, directory):
        release = {"bullseye": "deb11", "bookworm": "deb12", "trixie": "deb13"}[self.suite]
        file, = directory.glob(f"argus-agent_*~{release}u*.deb")
        return self.bring(file)

    def install(self, directory):
        self.run("dpkg", "--install", self.file(directory))
        assert "install ok installed" in self.run("dpkg", "-s", "argus-agent").stdout

    def remove(self):
        self.run("dpkg", "--remove", "argus-agent")

    def purge(self):
        self.run("dpkg", "--purge", "argus-agent")
        assert self.run("dpkg", "-s", "argus-agent", check=False).returncode != 0
        return True


class Rpm(Package):
    root = staticmethod(rpm_root)
    rpm = ["rpm", "--dbpath", "/var/lib/rpm", "--nodeps"]  # Debian's rpm has its database elsewhere and knows no rpm

    def prepare(self):
        self.stand_in = None

    def install(self, directory):
        if not self.stand_in:
            self.stand_in = self.bring(directory.parent / "systemd.rpm")
            self.run(*self.rpm, "--upgrade", "--replacefiles", self.stand_in)
            if self.suite in ("bullseye", "bookworm"):  # the helper is systemd 257's; systemctl knows this from 253 on
                self.run("sed", "-i", "s/ --no-warn//", "/usr/lib/systemd/systemd-update-helper")
        file, = directory.glob("argus-agent-*.x86_64.rpm")
        self.run(*self.rpm, "--upgrade", "--replacepkgs", self.bring(file))

    def remove(self):
        self.run(*self.rpm, "--erase", "argus-agent")
        if self.suite == "bookworm":  # rpm 4.18 does not run systemd's file triggers if all that it does is to erase
            self.run("systemctl", "daemon-reload")


class Portable(Package):
    """The tarball, and its install script."""

    root = staticmethod(rpm_root)

    def install(self, directory):
        file, = directory.glob("argus-agent-*-linux-*.tar.gz")
        self.run("rm", "-rf", "/opt/argus-agent")
        self.run("mkdir", "-p", "/opt/argus-agent")
        self.run("tar", "-C", "/opt/argus-agent", "--strip-components=1", "-xf", self.bring(file))
        self.run("/opt/argus-agent/install")

    def remove(self):
        self.run("/opt/argus-agent/install", "--remove")


KINDS = {"deb": Deb, "rpm": Rpm, "portable": Portable}


def configure(machine, text):
    """As an administrator who edits the file that 1.0.0 installed, or makes one."""
    path = machine.root / SETTINGS[1:]
    machine.write(SETTINGS, (path.read_text() if path.exists() else "") + text, mode=0o600)


def wait_upgraded(machine, old_pid, timeout=15.0):
    wait_until(lambda: machine.main_pid() not in (0, old_pid), timeout, "the agent was restarted")
    machine.wait_active(UNIT)
