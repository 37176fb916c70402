# SPDX-License-Identifier: MIT
"""Not a test but a measurement of ./dev bench: the agent, the floor, a Python agent and what Debian has, each as a
service of one booted machine. Writes what it finds to $ARGUS_BENCH_RESULT, as JSON.

ARGUS_BENCH_ROOT is a root that has the peers; ARGUS_BENCH_EXTRA a directory with the programs floor, python_agent.py
and maybe portable-agent."""

import json
import os
import re
import shutil
import statistics
import time
from pathlib import Path

import pytest

from support.installed import ENVIRONMENT_FILE, as_a_package_would, settings_text
from support.machine import Machine
from support.network import ADDRESS

EXTRA = Path(os.environ["ARGUS_BENCH_EXTRA"])
RUNS = 5
HEALTH = "/private/argus/agent/dev-alice-web01/health"
NODE_EXPORTER = ('ARGS="--collector.disable-defaults --collector.textfile '
                 f'--collector.textfile.directory={HEALTH}"\n')
FLOOR = f"/opt/floor splice --register http://10.77.0.1:3000 {HEALTH}"
PYTHON_STATE = "/private/argus/agent/python"  # where the unit may write
UNITS = {
    "argus-agent": "argus-agent.service",
    "argus-agent, portable": "portable-agent.service",
    "floor": "floor.service",
    "floor, without a sandbox": "bare-floor.service",
    "Python agent": "python-agent.service",
    "prometheus-node-exporter": "prometheus-node-exporter.service",
    "zabbix-agent": "zabbix-agent.service",
    "zabbix-agent2": "zabbix-agent2.service",
    "collectd": "collectd.service",
}


def write_agents_unit_for(box, name, *settings):
    """Another program in the agent's own unit, with its sandbox, which is most of a start."""
    unit = (box.root / "usr/lib/systemd/system/argus-agent.service").read_text(encoding="utf-8")
    unit = unit.replace("BusName=org.argus.Agent1\n", "")  # only one unit may have it
    unit = unit.replace("[Install]", "\n".join(["ExecStart=", *settings, "", "[Install]"]))
    box.write(f"/etc/systemd/system/{name}.service", unit)


@pytest.fixture
def machine(network, tree, directory):
    box = Machine(directory / "box", [tree, os.environ["ARGUS_BENCH_ROOT"]], network)
    as_a_package_would(box)
    box.write(ENVIRONMENT_FILE, settings_text(REPORT_INTERVAL_SECONDS="60"), mode=0o600)
    box.write("/etc/default/prometheus-node-exporter", NODE_EXPORTER)
    box.write("/etc/zabbix/zabbix_agent2.d/port.conf", "ListenPort=10060\n")
    for program in EXTRA.iterdir():
        shutil.copy(program, box.root / "opt")
    write_agents_unit_for(box, "floor", f"ExecStart={FLOOR}", "WatchdogSec=0")
    write_agents_unit_for(box, "python-agent", "ExecStart=/usr/bin/python3 /opt/python_agent.py", "WatchdogSec=0",
                          f"Environment=AGENT_STATE_ROOT={PYTHON_STATE}")
    if (box.root / "opt/portable-agent").exists():
        write_agents_unit_for(box, "portable-agent", "ExecStart=/opt/portable-agent")
    box.write("/etc/systemd/system/bare-floor.service", f"[Service]\nType=notify\nExecStart={FLOOR}\n")
    for wanted in (box.root / "etc/systemd/system/multi-user.target.wants").iterdir():
        if wanted.name in UNITS.values():
            wanted.unlink()  # started one by one, and at no other time
    box.start(ADDRESS)
    for number in range(5):
        for folder in HEALTH, HEALTH.replace("/private/argus/agent", PYTHON_STATE):
            box.write(f"{folder}/metric-module-{number}.json", json.dumps({"status": "ok", "note": "x" * 370}), 0o644)
    box.run(["chown", "-R", "argus-agent:argus-health", "/private/argus/agent"])
    yield box
    box.destroy()


def processes(machine, unit):
    group = machine.show("ControlGroup", unit)
    return machine.run(["cat", f"/sys/fs/cgroup{group}/cgroup.procs"]).stdout.split()


def weigh(machine, unit):
    """Memory in kB and threads of all its processes."""
    pids = processes(machine, unit)
    texts = machine.run(["cat", *(f"/proc/{pid}/{file}" for pid in pids for file in ("smaps_rollup", "status"))]).stdout
    found = {name: sum(map(int, re.findall(rf"^{field}:\s+(\d+)", texts, re.MULTILINE)))
             for name, field in (("rss", "Rss"), ("pss", "Pss"), ("anonymous", "Anonymous"), ("threads", "Threads"))}
    return found | {"processes": len(pids)}


def switches(machine, units):
    """Voluntary switches so far, of all threads of each unit."""
    script = ""
    for unit in units:
        files = " ".join(f"/proc/{pid}/task/*/status" for pid in processes(machine, unit))
        script += f"echo {unit} $(cat {files} | grep ^voluntary | cut -f2);"
    return {line.split()[0]: sum(map(int, line.split()[1:]))
            for line in machine.run(["sh", "-c", script]).stdout.splitlines()}


def start_to_active(machine, unit):
    """Milliseconds from its process to READY=1; systemd calls a service of another type active at once."""
    if machine.show("Type", unit) != "notify":
        return None
    times = []
    for _ in range(RUNS):
        machine.systemctl("reset-failed", unit)  # forgets how often it was started
        machine.systemctl("restart", unit)
        begin, end = (int(machine.show(name, unit))
                      for name in ("ExecMainStartTimestampMonotonic", "ActiveEnterTimestampMonotonic"))
        times.append((end - begin) / 1000)
    return statistics.median(times)


def test_measure(master, machine):
    units = {name: unit for name, unit in UNITS.items() if machine.show("LoadState", unit) == "loaded"}
    found = {}
    for name, unit in units.items():
        machine.systemctl("start", unit)
        machine.wait_active(unit)
        active = start_to_active(machine, unit)
        time.sleep(5)  # for it to settle; it is weighed alone, as its libraries are shared with systemd only
        found[name] = weigh(machine, unit) | {"start_to_active_msec": active}
        machine.systemctl("stop", unit)
    assert not machine.events("state-unwritable")

    units.pop("argus-agent, portable", None)  # its name on the bus is the agent's
    for unit in units.values():
        machine.systemctl("start", unit)
    time.sleep(10)
    before = switches(machine, units.values())
    time.sleep(60)
    after = switches(machine, units.values())
    for name, unit in units.items():
        found[name]["wakeups_a_minute"] = after[unit] - before[unit]
    Path(os.environ["ARGUS_BENCH_RESULT"]).write_text(json.dumps(found))
