# SPDX-License-Identifier: MIT
"""The container case: the agent alone in a namespace, as its process 1, without systemd and D-Bus."""

import json
import os
import signal
import subprocess

import pytest

from support import proc
from support.installed import settings_text
from support.network import ADDRESS, OTHER_ADDRESS
from support.wait import wait_until

NAME = "dev-bob-box7"


class PlainAgent:
    """The root is the machine's, never booted; only the network namespace changes from start to start."""

    def __init__(self, machine, log):
        self.machine, self.log, self.process = machine, log, None

    def start(self, address, **changed):
        self.machine.network.attach("plain", address)
        environment = dict(line.split("=", 1) for line in settings_text(**changed).splitlines())
        setting_up = 'mount -t proc proc "$0/proc" && hostname "$1" && exec chroot "$0" /usr/bin/argus-agent'
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", "plain", "unshare", "--uts", "--mount", "--pid", "--fork", "--kill-child", "--",
                 "sh", "-c", setting_up, self.machine.root, NAME],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **environment})

    def stop(self):
        """SIGTERM to the agent itself, as "docker stop" does; returns its exit status."""
        for child in proc.children(self.process.pid):
            os.kill(child, signal.SIGTERM)
        status = self.process.wait(10)
        self.machine.network.detach("plain")
        return status

    def destroy(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.machine.network.detach("plain")


@pytest.fixture
def agent(machine, directory):
    agent = PlainAgent(machine, directory / "agent.log")
    yield agent
    agent.destroy()
    print(agent.log.read_text())


def test_another_address_after_a_restart_is_the_same_node(agent, master):
    agent.start(ADDRESS)
    before = master.wait_node()
    assert before["meta_data"]["ip"] == ADDRESS and before["name"] == NAME
    state = agent.machine.root / f"private/argus/agent/{NAME}"
    assert json.loads((state / "node.json").read_text())["id"] == before["id"]
    (state / "health/log-plain.json").write_text('{"state": "ok"}')
    wait_until(lambda: master.wait_node()["health"] == {"log-plain": {"state": "ok"}}, 10, "its health arrives")
    assert agent.stop() == 0

    agent.start(OTHER_ADDRESS)
    after = master.wait_node(ip=OTHER_ADDRESS)
    assert after["id"] == before["id"]
    assert master.statistics()["total"] == 1
    assert agent.stop() == 0
