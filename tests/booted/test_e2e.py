# SPDX-License-Identifier: MIT
"""The whole agent under a booted systemd, against the dev Master: from the registration to the misfortunes."""

import json
import re
import time

import pytest

from support.installed import ENVIRONMENT_FILE, settings_text
from support.machine import BUS, NAME, STATE, UNIT
from support.network import ADDRESS, OTHER_ADDRESS
from support.wait import wait_until

HEALTH = STATE + "/health"


def add_module(machine, user):
    machine.run(["useradd", "--no-create-home", "--groups", "argus-health", user])


def drop_health(machine, user, key, document):
    """As a health module does it: a hidden file, renamed when it is whole."""
    machine.run(["sh", "-c", f"umask 027; cat >{HEALTH}/.{key}.tmp && mv {HEALTH}/.{key}.tmp {HEALTH}/{key}.json"],
                user=user, input=json.dumps(document))


def wait_new_process(machine, old, timeout=10.0):
    """The agent was killed: waits until systemd has another one up."""
    wait_until(lambda: machine.main_pid() not in (0, old), timeout, "systemd has restarted the agent")
    machine.wait_active()


def test_registers_and_reports_the_health_of_its_modules(running, master):
    add_module(running, "mod-log")
    add_module(running, "mod-metric")
    wait_until((running.root / HEALTH[1:]).is_dir, 10, "health/ is there")
    drop_health(running, "mod-log", "log-fluentbit", {"state": "ok", "lag": 12345678901234567890})
    drop_health(running, "mod-metric", "metric-node-exporter", {"state": "bad", "why": "no disk"})

    wait_until(lambda: len(master.wait_node()["health"]) == 2, 10, "the health of both modules arrives")
    assert '"lag": 12345678901234567890' in master.requests("report")[-1]["body"]

    node, = master.nodes()
    described = node["meta_data"]
    assert node["name"] == described["hostname"] == NAME
    assert (described["env"], described["user"], described["instance"]) == ("dev", "alice", "web01")
    assert described["ip"] == ADDRESS
    assert described["cpu_number"] == int(running.run(["getconf", "_NPROCESSORS_ONLN"]).stdout)
    memory = int(running.run(["awk", "/^MemTotal/ { print $2 }", "/proc/meminfo"]).stdout) * 1024
    assert memory * 0.9 < described["memory_in_bytes"] <= memory * 1.1
    assert len(described["machine_id"]) == 32
    assert described["machine_id"] != (running.root / "etc/machine-id").read_text().strip()
    assert node["health"] == {"log-fluentbit": {"state": "ok", "lag": 12345678901234567890},
                              "metric-node-exporter": {"state": "bad", "why": "no disk"}}

    assert master.statistics() == {"total": 1, "status_statistics": [{"status": "online", "count": 1},
                                                                     {"status": "offline", "count": 0}]}
    assert master.targets() == [{"node_id": node["id"], "user_id": "alice", "ip": ADDRESS, "hostname": NAME,
                                 "labels": {"env": "dev", "instance": "web01"}}]


def test_modules_add_files_and_nothing_else(running, master):
    master.wait_node()
    add_module(running, "mod-log")
    add_module(running, "mod-metric")
    running.run(["useradd", "--no-create-home", "stranger"])
    drop_health(running, "mod-log", "log-fluentbit", {"state": "ok"})

    def refused(user, command):
        return running.run(["sh", "-c", command], user=user, check=False).returncode != 0

    modes = running.run(["stat", "-c", "%a %U %G %n", STATE, HEALTH, STATE + "/node.json",
                         HEALTH + "/log-fluentbit.json"]).stdout.splitlines()
    assert modes == [f"2750 argus-agent argus-health {STATE}", f"3770 argus-agent argus-health {HEALTH}",
                     f"640 argus-agent argus-health {STATE}/node.json",
                     f"640 mod-log argus-health {HEALTH}/log-fluentbit.json"]
    assert refused("mod-metric", f"rm -f {HEALTH}/log-fluentbit.json")
    assert refused("mod-metric", f"echo '{{}}' >{HEALTH}/x && mv -f {HEALTH}/x {HEALTH}/log-fluentbit.json")
    assert refused("mod-metric", f"echo >>{HEALTH}/log-fluentbit.json")
    for path in (STATE, STATE + "/node.json", "/private/argus/agent"):
        assert refused("mod-log", f"test -w {path}"), path
    assert refused("stranger", f"ls {HEALTH}")
    assert not refused("mod-log", f"rm {HEALTH}/log-fluentbit.json")


def test_restart_keeps_the_id(running, master):
    before = master.wait_node()["id"]
    pid = running.main_pid()
    running.systemctl("restart", UNIT)
    assert running.main_pid() != pid
    master.wait_for_requests(2, kind="register")
    assert master.documents("register")[-1]["id"] == before
    assert master.wait_node()["id"] == before


def test_another_address_after_a_reboot_is_the_same_node(running, master):
    before = master.wait_node()
    running.stop()
    running.start(OTHER_ADDRESS)
    running.wait_active()
    after = master.wait_node(ip=OTHER_ADDRESS)
    assert after["id"] == before["id"]
    assert master.statistics()["total"] == 1
    wait_until(lambda: master.targets()[0]["ip"] == OTHER_ADDRESS, 10, "nodes.json has the new address")


def test_another_address_while_it_runs_is_noticed(running, master):
    """Needs AF_NETLINK in the sandbox."""
    before = master.wait_node()
    running.run(["ip", "addr", "del", ADDRESS + "/24", "dev", "eth0"])
    running.run(["ip", "addr", "add", OTHER_ADDRESS + "/24", "dev", "eth0"])
    after = master.wait_node(ip=OTHER_ADDRESS)
    assert after["id"] == before["id"]
    wait_until(lambda: running.events("address-changed"), 10, "the change is in the journal")


def test_is_up_before_there_is_a_network(machine):
    machine.start()
    machine.wait_active(timeout=2)
    assert machine.bus_property("Registered") == "b false"
    assert machine.bus_property("NodeId") == 's ""'


def test_the_bus_tells_and_forces_a_registration(running, master):
    node = master.wait_node()
    wait_until(lambda: running.bus_property("LastReportStatus") == 's "success"', 10, "the report is known on the bus")
    assert running.bus_property("NodeId") == f's "{node["id"]}"'
    assert running.bus_property("State") == 's "online"'
    assert running.bus_property("Registered") == "b true"
    assert running.bus_property("LastReportHttpStatus") == "u 200"
    assert running.bus_property("StatePersisted") == "b true"
    assert running.bus_property("Address") == f's "{ADDRESS}"'

    before = len(master.requests("register"))
    assert running.bus_call("Reregister").stdout.strip() == f's "{node["id"]}"'
    assert len(master.requests("register")) == before + 1
    before = len(master.requests("report"))
    assert running.bus_call("Report").stdout.strip() == "u 200"
    assert len(master.requests("report")) > before

    running.run(["useradd", "--no-create-home", "somebody"])
    assert running.bus_property("NodeId", user="somebody") == f's "{node["id"]}"'
    before = len(master.requests("register"))
    running.assert_refused("somebody", "Reregister")
    running.assert_refused("somebody", "Report")
    assert len(master.requests("register")) == before


def test_polkit_may_let_a_deputy_act(machine, master):
    rules = "/etc/polkit-1/rules.d"
    if not (machine.root / "usr/share/polkit-1/rules.d").is_dir():
        pytest.skip("this polkit is too old for rules")
    machine.write(rules + "/49-argus.rules", """polkit.addRule(function(action, subject) {
        if (action.id == "org.argus.Agent1.report" && subject.user == "deputy") return polkit.Result.YES; });""")
    machine.start(ADDRESS)
    master.wait_node()
    machine.run(["useradd", "--no-create-home", "deputy"])
    assert machine.bus_call("Report", user="deputy").stdout.strip() == "u 200"
    machine.assert_refused("deputy", "Reregister")


def test_the_journal_has_the_fields(running, master):
    node = master.wait_node()
    wait_until(lambda: running.events("report-ok"), 10, "a report is in the journal")
    started, = running.events("started")
    registered, = running.events("registered")
    reported = running.events("report-ok")[0]
    for entry in started, registered, reported:
        assert len(entry["MESSAGE_ID"]) == 32, entry
        assert entry["_SYSTEMD_UNIT"] == UNIT and entry["SYSLOG_IDENTIFIER"] == "argus-agent", entry
    assert len({started["MESSAGE_ID"], registered["MESSAGE_ID"], reported["MESSAGE_ID"]}) == 3
    for entry in registered, reported:
        assert entry["ARGUS_NODE_ID"] == node["id"], entry
        assert entry["ARGUS_ENDPOINT"] == "http://10.77.0.1:3000", entry
        assert int(entry["ARGUS_DURATION_USEC"]) > 0, entry
    assert registered["ARGUS_HTTP_STATUS"] == "201" and reported["ARGUS_HTTP_STATUS"] == "200"
    assert registered["PRIORITY"] == "5" and reported["PRIORITY"] == "6"


def test_status_says_what_an_admin_wants(running, master):
    node = master.wait_node()
    status = wait_until(lambda: "200" in (s := running.show("StatusText")) and s, 10,
                        "the status line tells of the report")
    assert node["id"] in status and "http://10.77.0.1:3000" in status


def test_a_stuck_agent_is_restarted_by_the_watchdog(running, master):
    node = master.wait_node()
    running.drop_in("[Service]\nWatchdogSec=3s\nRestartSec=100ms\n")
    running.systemctl("restart", UNIT)
    pid = running.main_pid()
    time.sleep(4)
    assert running.main_pid() == pid, "a healthy agent must feed its watchdog"
    running.systemctl("kill", "--signal=STOP", UNIT)
    wait_new_process(running, pid, timeout=15)
    wait_until(lambda: running.journal("-u", UNIT, "--grep=[Ww]atchdog"), 10, "the watchdog did it")
    master.wait_for_requests(3, kind="register")
    assert master.wait_node()["id"] == node["id"]


def test_ten_kills_in_a_row_are_survived(running, master):
    node = master.wait_node()
    running.drop_in("[Service]\nRestartSec=100ms\n")
    for _ in range(10):
        pid = running.main_pid()
        running.systemctl("kill", "--signal=KILL", UNIT)
        wait_new_process(running, pid)
    assert running.show("NRestarts") == "10"
    master.wait_for_more()
    assert master.wait_node()["id"] == node["id"]
    assert running.bus_property("NodeId") == f's "{node["id"]}"'


def test_stop_takes_less_than_a_second(running, master):
    master.wait_node()
    time.sleep(0.3)  # let the report that the Master has just seen end
    before = time.monotonic()
    running.systemctl("stop", UNIT)
    assert time.monotonic() - before < 1.0
    assert running.show("Result") == "success" and running.show("ExecMainStatus") == "0"
    assert running.events("stopping")


def test_stop_waits_at_most_two_seconds_for_the_master(running, master):
    master.wait_node()
    master.behave({"match": "report", "hang": True})
    master.wait_for_more()
    started = time.monotonic()
    running.systemctl("stop", UNIT)
    assert time.monotonic() - started < 3.0
    assert running.show("Result") == "success"


def test_a_wrong_configuration_fails_once_and_says_why(machine):
    machine.write(ENVIRONMENT_FILE, settings_text(REPORT_INTERVAL_SECONDS="0", AGENT_LOG_LEVEL="loud"), mode=0o600)
    machine.start(ADDRESS)
    wait_until(lambda: machine.show("ActiveState") == "failed", 10, "the start has failed")
    assert machine.show("ExecMainStatus") == "78"
    assert "REPORT_INTERVAL_SECONDS" in machine.status() and "AGENT_LOG_LEVEL" in machine.status()
    time.sleep(3)
    assert machine.show("ActiveState") == "failed" and machine.show("NRestarts") == "0"

    machine.write(ENVIRONMENT_FILE, settings_text(), mode=0o600)
    machine.systemctl("start", UNIT)
    machine.wait_active()


def test_all_that_is_wrong_is_in_the_journal(machine):
    """More lines at a time than journald's queue takes."""
    wrong = {name: "?" for name in (
        "REPORT_INTERVAL_SECONDS", "MASTER_TIMEOUT_SECONDS", "AGENT_HOSTNAME", "AGENT_ADDRESS", "AGENT_STATE_ROOT",
        "AGENT_HEALTH_MAX_AGE_SECONDS", "AGENT_WATCH_UNITS", "AGENT_REPORT_ON_CHANGE", "MASTER_CA_FILE",
        "MASTER_TOKEN_FILE", "MASTER_CLIENT_CERT_FILE", "MASTER_CLIENT_KEY_FILE", "AGENT_BUS", "AGENT_LOG_LEVEL")}
    machine.write(ENVIRONMENT_FILE, settings_text(**wrong), mode=0o600)
    machine.start(ADDRESS)
    wait_until(lambda: machine.show("ActiveState") == "failed", 10, "the start has failed")
    for _ in range(5):
        machine.systemctl("start", UNIT, check=False)
    def said():
        return [entry["MESSAGE"] for entry in machine.events("config-invalid")]
    wait_until(lambda: len(said()) >= 6 * len(wrong), 10, "six times all")
    for name in wrong:
        assert len([line for line in said() if re.match(rf"Invalid {name}\b", line)]) == 6, said()


def test_reload_registers_again(running, master):
    node = master.wait_node()
    pid, before = running.main_pid(), len(master.requests("register"))
    running.systemctl("reload", UNIT)
    master.wait_for_requests(before + 1, kind="register")
    running.wait_active()
    assert running.main_pid() == pid and running.show("NRestarts") == "0"
    assert master.wait_node()["id"] == node["id"]


def test_the_log_level_can_be_changed(running):
    assert running.systemctl("service-log-level", UNIT).stdout.strip() == "info"
    running.systemctl("service-log-level", UNIT, "debug")
    assert running.systemctl("service-log-level", UNIT).stdout.strip() == "debug"


def test_a_restart_of_the_bus_does_not_disturb(running, master):
    node = master.wait_node()
    pid = running.main_pid()
    running.systemctl("stop", "dbus.service", "dbus.socket")
    master.wait_for_more()
    running.systemctl("start", "dbus.socket", "dbus.service")
    wait_until(lambda: running.run(["busctl", "--no-pager", "--acquired", "list"], check=False).stdout.count(BUS[0]),
               10, "the name is back on the bus")
    assert running.bus_property("NodeId") == f's "{node["id"]}"'
    assert running.main_pid() == pid and running.show("NRestarts") == "0"
    assert running.events("bus-lost") and running.events("bus-back")


def test_a_second_agent_ends_at_once(running, master):
    master.wait_node()
    second = running.run(["runuser", "-u", "argus-agent", "--", "env", "MASTER_ENDPOINT=http://10.77.0.1:3000",
                          "AGENT_BUS=none", "/usr/bin/argus-agent"], check=False, timeout=5)
    assert second.returncode == 75, second
    assert second.stderr, "it says why"


@pytest.mark.parametrize("how", ["stop", "power_off"])
def test_comes_back_after_a_power_cut_and_a_shutdown(running, master, how):
    node = master.wait_node()
    getattr(running, how)()
    running.start(ADDRESS)
    running.wait_active()
    master.wait_for_requests(2, kind="register")
    assert master.documents("register")[-1]["id"] == node["id"]
