# SPDX-License-Identifier: MIT
"""The life of an installed package, in a booted Debian: from the installation to the purge, and from the agent before."""

import json
import urllib.request

import pytest

from support.machine import NAME, STATE, UNIT, Machine
from packages import KINDS, SETTINGS, configure, wait_upgraded
from support.installed import settings_text
from support.network import ADDRESS, OTHER_ADDRESS
from support.wait import wait_until



@pytest.fixture(params=KINDS)
def package(request, network, directory, suite):
    """A kind of package, for a machine that is up and has none installed."""
    kind = KINDS[request.param]
    machine = Machine(directory / "box", [kind.root(suite)], network)
    request.node.machine = machine
    package = kind(machine, suite)
    package.prepare()
    machine.start(ADDRESS)
    yield package
    machine.destroy()


def stat(machine, *paths):
    return machine.run(["stat", "-c", "%a %U:%G %n", *paths]).stdout.splitlines()


def exists(machine, path):
    return machine.run(["test", "-e", path], check=False).returncode == 0


def wait_reported(master, version):
    def reported():
        node = master.wait_node()
        return node["version"] == version and node
    return wait_until(reported, 15, f"version {version} is registered")


def not_configured_is_no_failure(machine):
    assert machine.show("ActiveState") == "inactive"
    machine.systemctl("start", UNIT)
    assert machine.show("ActiveState") == "inactive"
    assert machine.systemctl("is-failed", UNIT, check=False).stdout.strip() != "failed"


def bus_and_journal_work(machine, node):
    assert machine.bus_property("NodeId") == f's "{node["id"]}"'
    machine.run(["argusctl", "is-online", "--wait=10"])
    assert machine.bus_call("Report").stdout.strip() == "u 200"
    registered = machine.events("registered")[-1]
    assert registered["ARGUS_NODE_ID"] == node["id"] and registered["_SYSTEMD_UNIT"] == UNIT
    catalog = machine.run(["journalctl", "--no-pager", "--list-catalog"]).stdout
    assert registered["MESSAGE_ID"] in catalog, "the catalog was not taken into use"


def watchdog_works(machine):
    machine.drop_in("[Service]\nWatchdogSec=2s\nRestartSec=100ms\n")
    machine.systemctl("restart", UNIT)
    pid = machine.main_pid()
    machine.systemctl("kill", "--signal=STOP", UNIT)
    wait_upgraded(machine, pid)
    wait_until(lambda: machine.journal("-u", UNIT, "--grep=[Ww]atchdog"), 10, "the watchdog did it")
    (machine.root / f"etc/systemd/system/{UNIT}.d/test.conf").unlink()
    machine.systemctl("daemon-reload")


def reload_and_restart_work(machine, master, node):
    pid, before = machine.main_pid(), len(master.documents("register"))
    machine.systemctl("reload", UNIT)
    wait_until(lambda: len(master.documents("register")) > before, 10, "a reload registers")
    assert machine.main_pid() == pid
    machine.systemctl("restart", UNIT)
    wait_until(lambda: len(master.documents("register")) > before + 1, 10, "a restart registers")
    assert master.documents("register")[-1]["id"] == node["id"]


def another_address_is_noticed(machine, master, node):
    machine.run(["ip", "addr", "del", ADDRESS + "/24", "dev", "eth0"])
    machine.run(["ip", "addr", "add", OTHER_ADDRESS + "/24", "dev", "eth0"])
    assert master.wait_node(ip=OTHER_ADDRESS)["id"] == node["id"]


def test_from_the_installation_to_the_purge(package, master, old, new):
    machine = package.machine
    package.install(old)
    assert stat(machine, SETTINGS) == [f"600 root:root {SETTINGS}"]
    assert machine.systemctl("is-enabled", UNIT).stdout.strip() == "enabled"
    not_configured_is_no_failure(machine)
    for user_or_group in ("passwd", "argus-agent"), ("group", "argus-health"):
        machine.run(["getent", *user_or_group])

    configure(machine, settings_text())
    machine.systemctl("start", UNIT)
    machine.wait_active()
    node = wait_reported(master, "1.0.0")
    bus_and_journal_work(machine, node)
    watchdog_works(machine)
    reload_and_restart_work(machine, master, node)

    pid = machine.main_pid()
    package.install(new)
    wait_upgraded(machine, pid)
    assert wait_reported(master, "1.1.0")["id"] == node["id"]
    assert "MASTER_ENDPOINT" in (machine.root / SETTINGS[1:]).read_text()
    assert stat(machine, SETTINGS) == [f"600 root:root {SETTINGS}"]
    another_address_is_noticed(machine, master, node)

    other_host = "/private/argus/agent/dev-bob-web02/node.json"
    machine.run(["sh", "-c", f"mkdir {other_host.rsplit('/', 1)[0]} && echo '{{}}' >{other_host}"])
    package.remove()
    assert machine.show("LoadState") in ("not-found", "masked")  # Debian 11 and 12 mask what is removed and not purged
    assert machine.show("ActiveState") == "inactive"
    assert not exists(machine, "/usr/bin/argus-agent") and not exists(machine, "/usr/libexec/argus-agent")
    assert exists(machine, STATE + "/node.json") and exists(machine, SETTINGS)

    package.install(new)
    machine.systemctl("start", UNIT)
    wait_until(lambda: master.documents("register")[-1]["meta_data"]["ip"] == OTHER_ADDRESS, 10, "it is back")
    assert master.documents("register")[-1]["id"] == node["id"]

    if package.purge():
        assert not exists(machine, STATE) and not exists(machine, "/etc/argus"), "it was made by 1.0.0"
        assert not exists(machine, "/var/lib/argus-agent")
    assert exists(machine, other_host), "another machine's state is nobody else's business"
    assert not machine.run(["systemctl", "--failed", "--no-legend"]).stdout.strip()


def register_as_the_agent_before(master):
    """Returns the id that the Master gave to the node that the Python agent was."""
    body = {"name": NAME, "type": "agent", "version": "0.1", "meta_data": {
        "hostname": NAME, "ip": ADDRESS, "env": "dev", "user": "alice", "instance": "web01", "cpu_number": 1,
        "memory_in_bytes": 1, "gpu_number": 0}}
    asking = urllib.request.Request(master.url + "/api/v1/master/nodes", json.dumps(body).encode(),
                                    {"Content-Type": "application/json"})
    with urllib.request.urlopen(asking, timeout=5) as answer:
        return json.load(answer)


def test_the_state_of_the_agent_before_is_taken_over(package, master, new):
    """It ran as root: directories and files are root's, and the files only root's to read."""
    machine = package.machine
    node = register_as_the_agent_before(master)
    for host, document in (NAME, node), ("dev-bob-web02", {"id": "B1"}):
        directory = f"/private/argus/agent/{host}"
        machine.write(directory + "/node.json", json.dumps(document), mode=0o600)
        machine.write(directory + "/health/log-fluentbit.json", '{"state": "ok"}', mode=0o600)
    others = [f"/private/argus/agent/dev-bob-web02{path}" for path in ("", "/node.json", "/health")]
    others += [f"{STATE}/health/log-fluentbit.json", "/private", "/private/argus"]
    before = stat(machine, *others)

    package.install(new)
    configure(machine, settings_text())
    machine.systemctl("start", UNIT)
    assert wait_reported(master, "1.1.0")["id"] == node["id"]
    assert all(registration.get("id") == node["id"] for registration in master.documents("register")[1:])
    assert stat(machine, STATE, STATE + "/node.json", STATE + "/health") == [
        f"2750 argus-agent:argus-health {STATE}", f"640 argus-agent:argus-health {STATE}/node.json",
        f"3770 argus-agent:argus-health {STATE}/health"]
    assert stat(machine, *others) == before
    assert machine.show("NRestarts") == "0" and machine.bus_property("StatePersisted") == "b true"

    bad = wait_until(lambda: machine.events("health-file-bad"), 10, "the unreadable file is in the log")[0]
    assert "log-fluentbit" in bad["ARGUS_HEALTH_FILE"] and "argus-health" in bad["MESSAGE"], bad
    machine.run(["sh", "-c", f"chgrp argus-health {STATE}/health/*.json && chmod 0640 {STATE}/health/*.json"])
    wait_until(lambda: master.wait_node()["health"] == {"log-fluentbit": {"state": "ok"}}, 10,
               "once mended it is reported")


def test_the_unit_is_clean_where_it_is_installed(package, new):
    package.install(new)
    assert not exists(package.machine, SETTINGS) and exists(package.machine, SETTINGS + ".d")
    not_configured_is_no_failure(package.machine)
    path = package.machine.show("FragmentPath")
    verified = package.machine.run(["systemd-analyze", "verify", "--man=no", path], check=False)
    assert verified.returncode == 0 and verified.stdout + verified.stderr == ""
