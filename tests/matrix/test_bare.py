# SPDX-License-Identifier: MIT
"""The portable program, in roots with nothing installed, as a container has them: no systemd, no D-Bus, no library."""

import json
import shutil
import subprocess

import pytest

from support.machine import Machine
from support.network import TOKEN, secured_master_of
from matrix_roots import bare_root
from support.network import ADDRESS, OTHER_ADDRESS
from support.wait import wait_until
from test_plain_namespace import NAME, PlainAgent

CA_STORES = {"debian": "/etc/ssl/certs/ca-certificates.crt", "rhel": "/etc/pki/tls/certs/ca-bundle.crt"}


@pytest.fixture
def machine(request, network, directory, suite, new):
    """Never booted."""
    machine = Machine(directory / "box", [bare_root(suite)], network)
    request.node.machine = machine
    for program in "argus-agent", "argusctl":
        shutil.copy(new / program, machine.root / "usr/bin")
    yield machine
    machine.destroy()


@pytest.fixture
def agent(machine, directory):
    agent = PlainAgent(machine, directory / "agent.log")
    yield agent
    agent.destroy()
    print(agent.log.read_text())


@pytest.fixture
def secured_master(network, directory, machine):
    """Asks for TLS, a client certificate and a token."""
    master = secured_master_of(directory)
    for name in "client.pem", "client.key":
        machine.write("/etc/argus/" + name, (directory / name).read_text(), mode=0o600)
    machine.write("/etc/argus/token", TOKEN + "\n", mode=0o600)
    yield master
    master.stop()


def test_programs_start(machine):
    for program in "argus-agent", "argusctl":
        subprocess.run(["chroot", machine.root, "/usr/bin/" + program, "--version"], check=True)
    assert not (machine.root / "usr/lib/systemd/systemd").exists()


@pytest.mark.parametrize("distribution", CA_STORES)
def test_over_https_with_the_systems_certificates(agent, secured_master, directory, distribution):
    settings = {"MASTER_ENDPOINT": secured_master.url, "MASTER_TOKEN_FILE": "/etc/argus/token",
                "MASTER_CLIENT_CERT_FILE": "/etc/argus/client.pem", "MASTER_CLIENT_KEY_FILE": "/etc/argus/client.key"}
    agent.machine.write(CA_STORES[distribution], (directory / "ca.pem").read_text())
    agent.start(ADDRESS, **settings)
    before = secured_master.wait_node()
    assert before["name"] == NAME and before["meta_data"]["ip"] == ADDRESS
    state = agent.machine.root / f"private/argus/agent/{NAME}"
    (state / "health/log-plain.json").write_text('{"state": "ok"}')
    wait_until(lambda: secured_master.wait_node()["health"] == {"log-plain": {"state": "ok"}}, 10, "its health arrives")
    assert json.loads((state / "node.json").read_text())["id"] == before["id"]
    assert agent.stop() == 0

    agent.start(OTHER_ADDRESS, **settings)
    after = secured_master.wait_node(ip=OTHER_ADDRESS)
    assert after["id"] == before["id"] and secured_master.statistics()["total"] == 1
    assert agent.stop() == 0


def test_a_master_that_no_certificate_vouches_for_is_refused(agent, secured_master):
    agent.start(ADDRESS, MASTER_ENDPOINT=secured_master.url)
    wait_until(lambda: "certificate" in agent.log.read_text(), 10, "it says why")
    assert not secured_master.requests("register")
