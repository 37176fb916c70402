# SPDX-License-Identifier: MIT
"""A private dbus-daemon that stands in for the system bus, and busctl as its client."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from support.program import Program
from support.wait import wait_until

NAME = INTERFACE = "org.argus.Agent1"
PATH = "/org/argus/Agent1"
LOG_PATH = "/org/freedesktop/LogControl1"
LOG_INTERFACE = "org.freedesktop.LogControl1"
POLICY_FILE = Path(__file__).parents[2] / "dbus/org.argus.Agent1.conf"

DOCTYPE = ('<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" '
           '"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">')
ALLOW_ALL = """
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
  </policy>"""
# the rules of a system bus, as dbus ships them, with the project's own policy on top
LIKE_SYSTEM = """
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Introspectable"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Properties"/>
  </policy>
  <include>{policy}</include>"""


class BusError(Exception):
    """busctl's own words."""


class Bus:
    def __init__(self, with_project_policy=False):
        # not below pytest's folders: a socket's path is short, and other users must reach it
        self._folder = Path(tempfile.mkdtemp(prefix="argus-bus-", dir="/tmp"))
        self._folder.chmod(0o755)
        self.address = f"unix:path={self._folder}/socket"
        rules = LIKE_SYSTEM.format(policy=POLICY_FILE) if with_project_policy else ALLOW_ALL
        self._config = self._folder / "bus.conf"
        self._config.write_text(f"{DOCTYPE}\n<busconfig>\n  <type>system</type>\n  <auth>EXTERNAL</auth>\n"
                                f"  <listen>{self.address}</listen>{rules}\n</busconfig>\n")
        self.daemon = None
        self.start()

    def start(self):
        """Also after stop(): at the same address."""
        (self._folder / "socket").unlink(missing_ok=True)
        self.daemon = Program(["dbus-daemon", f"--config-file={self._config}", "--nofork", "--nopidfile"])
        wait_until(self._is_listening, 10, lambda: f"the bus listens: {self.daemon.output()}")

    def _is_listening(self):
        assert self.daemon.is_running, self.daemon.output()
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(f"{self._folder}/socket") == 0

    def stop(self):
        self.daemon.kill()

    def remove(self):
        self.stop()
        shutil.rmtree(self._folder)

    def busctl(self, *arguments, user=None, deadline=30.0):
        """Runs busctl, as `user` if given; returns its JSON."""
        done = subprocess.run(["busctl", f"--address={self.address}", "--json=short", f"--timeout={deadline}",
                               *map(str, arguments)], user=user, capture_output=True, text=True, check=False,
                              env={**os.environ, "LC_ALL": "C.UTF-8"}, timeout=deadline + 5)
        if done.returncode != 0:
            raise BusError(done.stderr.strip())
        return json.loads(done.stdout) if done.stdout.strip() else None

    def get(self, name, user=None, path=PATH, interface=INTERFACE):
        return self.busctl("get-property", NAME, path, interface, name, user=user)["data"]

    def set(self, name, signature, value, path, interface, user=None):
        self.busctl("set-property", NAME, path, interface, name, signature, value, user=user)

    def get_all(self):
        """All properties as {name: (type, value)}."""
        answer = self.busctl("call", NAME, PATH, "org.freedesktop.DBus.Properties", "GetAll", "s", INTERFACE)
        return {name: (variant["type"], variant["data"]) for name, variant in answer["data"][0].items()}

    def call(self, method, user=None, deadline=30.0):
        """Calls a method without arguments; returns its one result."""
        return self.busctl("call", NAME, PATH, INTERFACE, method, user=user, deadline=deadline)["data"][0]

    def has_agent(self):
        names = self.busctl("call", "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                            "NameHasOwner", "s", NAME)
        return names["data"][0]

    def wait_agent(self, deadline=10.0):
        wait_until(self.has_agent, deadline, f"{NAME} on the bus")

    def wait_property(self, name, wanted, deadline=10.0):
        """Waits until the property has this value, or until wanted(value) is true."""
        accepts = wanted if callable(wanted) else lambda value: value == wanted
        self.wait_agent(deadline)
        wait_until(lambda: accepts(self.get(name)), deadline,
                   lambda: f"{name} as wanted ({wanted}); it is {self.get(name)!r}")
