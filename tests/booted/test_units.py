# SPDX-License-Identifier: MIT
"""Watched units of a real systemd: what happens to a service is known at the Master within two seconds."""

import json
import os
import time

import pytest

from support.installed import ENVIRONMENT_FILE, settings_text
from support.machine import UNIT
from support.network import ADDRESS
from support.wait import wait_until

HEALTH = "/private/argus/agent/dev-alice-web01/health"
KNOWN_WITHIN = 2.0
PAUSE = 10.0  # between extra reports
LATE = 1.0    # on a loaded machine
SLEEPER = "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n"
LOOPER = ("[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sleep 0.2\nRestart=always\nRestartSec=100ms\n"
          "[Install]\nWantedBy=multi-user.target\n")
JOB = "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'sleep 1; test ! -e /job-fails'\n"
STAYS = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n"


@pytest.fixture
def watch(machine, master):
    """Boots with these units installed, and an agent that watches some and makes no regular report after its first."""
    def boot(watched, **units):
        for name, text in units.items():
            machine.write(f"/etc/systemd/system/{name}.service", text)
            if "WantedBy" in text:
                link = machine.root / f"etc/systemd/system/multi-user.target.wants/{name}.service"
                link.symlink_to(f"/etc/systemd/system/{name}.service")
        machine.write(ENVIRONMENT_FILE, settings_text(
            AGENT_WATCH_UNITS=f"'{watched}'", AGENT_REPORT_ON_CHANGE="yes", REPORT_INTERVAL_SECONDS="100000"),
            mode=0o600)
        machine.start(ADDRESS)
        machine.wait_active()
        wait_until(lambda: master.requests("report"), 10, "the first report")
        return machine

    return boot


def newest(master):
    return master.documents("report")[-1]["health"]


def has(health, key, wanted):
    return key in health and wanted.items() <= health[key].items()


def wait_known(master, key, timeout=KNOWN_WITHIN + LATE, **wanted):
    """Waits until the Master has the unit with these fields, and returns it."""
    return wait_until(lambda: has(newest(master), key, wanted) and newest(master)[key], timeout,
                      f"the Master has {key} with {wanted}")


def asked(machine):
    """What the agent would report now."""
    answer = machine.run(["busctl", "--json=short", "call", "org.argus.Agent1", "/org/argus/Agent1", "org.argus.Agent1",
                          "GetHealth"]).stdout
    return json.loads(json.loads(answer)["data"][0])


def wait_asked(machine, key, timeout=5.0, **wanted):
    return wait_until(lambda: has(asked(machine), key, wanted) and asked(machine)[key], timeout,
                      f"the agent has {key} with {wanted}")


def rest(master):
    """Waits until nothing has changed for long enough that the next change is reported at once."""
    def is_old():
        return time.monotonic() - master.requests("report")[-1]["monotonic"] > PAUSE + 0.2
    wait_until(is_old, 3 * PAUSE, "nothing changes")


def cpu_seconds(machine, pid):
    fields = machine.run(["cat", f"/proc/{pid}/stat"]).stdout.rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def kill_and_measure(machine, master, key, service):
    """Seconds until the Master knew that the service was killed."""
    killed = time.monotonic()
    machine.systemctl("kill", "--signal=KILL", service)
    wait_known(master, key, active_state="failed", result="signal", main_pid=0, healthy=False)
    report = next(request for request in master.requests("report")
                  if has(json.loads(request["body"])["health"], key, {"active_state": "failed"})
                  and request["monotonic"] > killed)
    return report["monotonic"] - killed


def test_a_killed_service_is_known_within_two_seconds(watch, master):
    machine = watch("sleeper cron-like dbus.socket multi-user.target", sleeper=SLEEPER)
    first = master.documents("report")[0]["health"]
    assert first["systemd-sleeper"].pop("since").endswith("Z")
    assert first["systemd-sleeper"] == {
        "unit": "sleeper.service", "load_state": "loaded", "active_state": "active", "sub_state": "running",
        "result": "success", "n_restarts": 0, "main_pid": int(machine.show("MainPID", "sleeper")), "healthy": True}
    assert first["systemd-cron-like"]["load_state"] == "not-found" and not first["systemd-cron-like"]["healthy"]
    assert first["systemd-dbus.socket"]["healthy"]
    wait_known(master, "systemd-multi-user.target", healthy=True)

    rest(master)
    assert kill_and_measure(machine, master, "systemd-sleeper", "sleeper") < KNOWN_WITHIN
    rest(master)
    machine.systemctl("start", "sleeper")
    wait_known(master, "systemd-sleeper", active_state="active", healthy=True,
               main_pid=int(machine.show("MainPID", "sleeper")))


def test_units_outlive_a_reexecution_of_systemd(watch, master):
    machine = watch("sleeper", sleeper=SLEEPER)
    rest(master)
    for _ in range(3):
        machine.systemctl("daemon-reexec")
        assert asked(machine)["systemd-sleeper"]["healthy"]
    assert kill_and_measure(machine, master, "systemd-sleeper", "sleeper") < KNOWN_WITHIN
    machine.systemctl("daemon-reexec")
    machine.systemctl("start", "sleeper")
    wait_asked(machine, "systemd-sleeper", active_state="active", main_pid=int(machine.show("MainPID", "sleeper")))
    assert not [entry for entry in machine.journal("_SYSTEMD_UNIT=" + UNIT) if "left out" in entry["MESSAGE"]]


@pytest.mark.slow
def test_a_restart_loop_is_told_and_does_not_flood(watch, master):
    machine = watch("looper", looper=LOOPER)
    wait_known(master, "systemd-looper", timeout=20, healthy=False)
    pid = machine.main_pid()
    cpu, begun = cpu_seconds(machine, pid), time.monotonic()
    master.wait_for_more(2, 3 * PAUSE)
    seconds = time.monotonic() - begun
    assert seconds > PAUSE - LATE
    assert (cpu_seconds(machine, pid) - cpu) / seconds < 0.02
    first, second = [sent["health"]["systemd-looper"] for sent in master.documents("report")[-2:]]
    assert second["n_restarts"] >= first["n_restarts"] + 10
    assert not first["healthy"] and not second["healthy"], "not by chance, though it runs for most of the time"


def test_units_that_come_and_go(watch, master):
    machine = watch("later inst@1 transient job masked", job=JOB)
    assert {unit["load_state"] for unit in asked(machine).values()} == {"loaded", "not-found"}
    assert asked(machine)["systemd-job"]["healthy"]  # it had nothing to do yet

    # installed and reloaded, a template of an instance too
    machine.write("/etc/systemd/system/later.service", SLEEPER)
    machine.write("/etc/systemd/system/inst@.service", SLEEPER)
    machine.systemctl("daemon-reload")
    wait_asked(machine, "systemd-later", load_state="loaded", active_state="inactive", healthy=False)
    machine.systemctl("start", "later", "inst@1")
    wait_asked(machine, "systemd-later", active_state="active", healthy=True)
    wait_asked(machine, "systemd-inst@1", active_state="active", healthy=True)

    # a job that succeeds, fails, and is forgiven
    machine.systemctl("start", "job")
    wait_until(lambda: asked(machine)["systemd-job"]["since"], 10, "the agent knows when it ran")
    wait_asked(machine, "systemd-job", active_state="inactive", result="success", healthy=True)
    machine.write("/job-fails", "")
    machine.systemctl("start", "job", check=False)
    wait_asked(machine, "systemd-job", active_state="failed", result="exit-code", healthy=False)
    machine.systemctl("reset-failed", "job")
    wait_asked(machine, "systemd-job", active_state="inactive", result="success", healthy=True)

    # one that never has a file of its own, and is nowhere when it is over
    machine.run(["systemd-run", "--unit=transient", "--collect", "sleep", "infinity"])
    wait_asked(machine, "systemd-transient", load_state="loaded", active_state="active", healthy=True)
    machine.systemctl("stop", "transient")
    wait_asked(machine, "systemd-transient", load_state="not-found", active_state="inactive", healthy=False)

    # a file that is known without a reload, as systemd reads it with the start
    machine.write("/etc/systemd/system/masked.service", SLEEPER)
    machine.systemctl("start", "masked")
    wait_asked(machine, "systemd-masked", load_state="loaded", active_state="active", healthy=True)
    machine.systemctl("stop", "masked")
    (machine.root / "etc/systemd/system/masked.service").unlink()
    machine.systemctl("mask", "masked")
    wait_asked(machine, "systemd-masked", load_state="masked", healthy=False)

    # removed
    machine.systemctl("stop", "later")
    (machine.root / "etc/systemd/system/later.service").unlink()
    machine.systemctl("daemon-reload")
    wait_asked(machine, "systemd-later", load_state="not-found", healthy=False)


def test_units_after_a_restart_of_the_bus(watch, master):
    machine = watch("sleeper", sleeper=SLEEPER)
    machine.systemctl("restart", "dbus", check=False)
    wait_until(lambda: len(machine.events("bus-back")) > 0, 20, "the agent is back")
    wait_asked(machine, "systemd-sleeper", timeout=20, healthy=True)
    machine.systemctl("kill", "--signal=KILL", "sleeper")
    wait_asked(machine, "systemd-sleeper", healthy=False)


@pytest.mark.slow
def test_a_thousand_units(watch, master):
    names = [f"w@{number}" for number in range(1000)]
    machine = watch(" ".join(names), **{"w@": STAYS})
    agent = machine.main_pid()
    wait_until(lambda: len(newest(master)) == 1000, 30, "all are known")

    for start in range(0, 1000, 250):
        machine.systemctl("start", *names[start:start + 250])
    wait_until(lambda: all(unit["active_state"] == "active" for unit in newest(master).values()), 60, "all are active")
    rest(master)

    # asked all at once again, by a reload
    used = {pid: cpu_seconds(machine, pid) for pid in (1, agent)}
    machine.systemctl("daemon-reload")
    time.sleep(2)
    used = {pid: cpu_seconds(machine, pid) - before for pid, before in used.items()}
    print(f"a reload with a thousand units: systemd {used[1]:.2f} s, agent {used[agent]:.2f} s")
    assert used[agent] < 1

    stopped = time.monotonic()
    machine.systemctl("stop", names[999])
    wait_known(master, "systemd-w@999", active_state="inactive")
    assert time.monotonic() - stopped < KNOWN_WITHIN + LATE
    rest(master)
    used = cpu_seconds(machine, agent)
    time.sleep(5)
    assert cpu_seconds(machine, agent) - used < 0.1, "a thousand units that rest cost nothing"


@pytest.mark.slow
def test_units_of_others_cost_nothing(watch, master):
    machine = watch("sleeper", sleeper=SLEEPER, looper=LOOPER)
    agent = machine.main_pid()
    for number in range(20):
        machine.write(f"/etc/systemd/system/looper{number}.service", LOOPER)
    machine.systemctl("daemon-reload")
    machine.systemctl("start", *[f"looper{number}" for number in range(20)])
    rest(master)
    used, begun, count = cpu_seconds(machine, agent), time.monotonic(), len(master.requests("report"))
    time.sleep(5)
    share = (cpu_seconds(machine, agent) - used) / (time.monotonic() - begun)
    print(f"21 units that restart for ever: {share:.1%} of a processor")
    assert share < 0.05
    assert len(master.requests("report")) == count


def test_a_module_that_writes_a_hundred_times_a_second(watch, master):
    machine = watch("sleeper", sleeper=SLEEPER)
    agent = machine.main_pid()
    machine.run(["useradd", "--no-create-home", "--groups", "argus-health", "module"])
    writes = "umask 027; n=0; while :; do n=$((n + 1)); echo $n >$0.tmp; mv $0.tmp $0; sleep 0.01; done"
    machine.run(["systemd-run", "--unit=module", "--uid=module", "--gid=argus-health", "sh", "-c",
                 writes.replace("$", "$$"), f"{HEALTH}/log-busy.json"])
    used, begun = cpu_seconds(machine, agent), time.monotonic()
    master.wait_for_more(2, 3 * PAUSE)
    seconds = time.monotonic() - begun
    moments = [request["monotonic"] for request in master.requests("report")[-2:]]
    assert moments[1] - moments[0] > PAUSE - LATE
    share = (cpu_seconds(machine, agent) - used) / seconds
    print(f"a hundred writes a second: {share:.1%} of a processor")
    assert share < 0.02
    values = [sent["health"]["log-busy"] for sent in master.documents("report")[-2:]]
    assert values[1] > values[0] + 200
