# SPDX-License-Identifier: MIT
"""org.argus.Agent1: properties, signals, methods, and a bus that comes and goes."""

import json
import os
import signal
import threading
import time
import xml.etree.ElementTree as ElementTree

import pytest

from support.agent import health_folder
from support.bus import INTERFACE, LOG_INTERFACE, LOG_PATH, NAME, PATH, POLICY_FILE, BusError
from support.wait import stays_true, wait_until

PROPERTIES = {  # name -> (type, EmitsChangedSignal)
    "Version": ("s", "const"), "Hostname": ("s", "const"), "HealthDirectory": ("s", "const"),
    "MasterEndpoint": ("s", "true"), "Env": ("s", "true"), "User": ("s", "true"), "Instance": ("s", "true"),
    "IdentitySource": ("s", "true"), "NodeId": ("s", "true"), "Registered": ("b", "true"),
    "StatePersisted": ("b", "true"), "State": ("s", "true"), "Address": ("s", "true"),
    "LastRegistrationTimestamp": ("t", "true"), "LastReportStatus": ("s", "true"), "LastReportTimestamp": ("t", "true"),
    "LastSuccessfulReportTimestamp": ("t", "true"), "NextReportTimestamp": ("t", "true"),
    "LastReportHttpStatus": ("u", "true"), "LastReportError": ("s", "true"), "ConsecutiveFailures": ("u", "true"),
    "ReportsSucceeded": ("t", "false"), "ReportsFailed": ("t", "false"), "Registrations": ("t", "false"),
    "HealthFiles": ("a(sss)", "invalidates")}
METHODS = {"Reregister": ("", "s"), "Report": ("", "u"), "GetNode": ("", "s"), "GetHealth": ("", "s")}
ERROR = "org.argus.Agent1.Error"


def test_the_interface_is_as_documented(online, bus):
    answer = bus.busctl("call", NAME, PATH, "org.freedesktop.DBus.Introspectable", "Introspect")
    [interface] = [node for node in ElementTree.fromstring(answer["data"][0]).iter("interface")
                   if node.get("name") == INTERFACE]
    emits = "org.freedesktop.DBus.Property.EmitsChangedSignal"
    found = {node.get("name"): (node.get("type"), next((note.get("value") for note in node.iter("annotation")
                                                        if note.get("name") == emits), "true"))
             for node in interface.iter("property")}
    assert found == PROPERTIES
    assert all(node.get("access") == "read" for node in interface.iter("property"))
    methods = {node.get("name"): tuple("".join(argument.get("type") for argument in node.iter("arg")
                                               if argument.get("direction") == direction) for direction in ("in", "out"))
               for node in interface.iter("method")}
    assert methods == METHODS


def test_properties_of_an_agent_that_is_online(online, bus, master, state_root):
    got = bus.get_all()
    assert {name: kind for name, (kind, _) in got.items()} == {name: kind for name, (kind, _) in PROPERTIES.items()}
    values = {name: value for name, (_, value) in got.items()}
    now = time.time() * 1e6
    for name in ("LastRegistrationTimestamp", "LastReportTimestamp", "LastSuccessfulReportTimestamp"):
        assert now - 60e6 < values.pop(name) <= now
    assert now < values.pop("NextReportTimestamp") < now + 86401e6
    assert values.pop("Version") == json.loads(master.requests("register")[0]["body"])["version"]
    assert values.pop("Address") == json.loads(master.requests("register")[0]["body"])["meta_data"]["ip"]
    assert values == {
        "Hostname": "dev-alice-web01", "HealthDirectory": str(health_folder(state_root)),
        "MasterEndpoint": master.url, "Env": "dev", "User": "alice", "Instance": "web01",
        "IdentitySource": "hostname", "NodeId": "A1", "Registered": True, "StatePersisted": True, "State": "online",
        "LastReportStatus": "success", "LastReportHttpStatus": 200, "LastReportError": "", "ConsecutiveFailures": 0,
        "ReportsSucceeded": 1, "ReportsFailed": 0, "Registrations": 1, "HealthFiles": []}


@pytest.mark.parametrize("source,variables", [("environment", {"AGENT_ENV": "e", "AGENT_USER": "u",
                                                               "AGENT_INSTANCE": "i"}), ("hostname", {})])
def test_identity_source(agent, master, bus, source, variables):
    agent(**variables)
    bus.wait_property("IdentitySource", source)


def test_before_the_first_registration(agent, master, bus):
    master.behave({"match": "register", "hang": True})
    agent()
    bus.wait_property("State", "registering")
    values = {name: value for name, (_, value) in bus.get_all().items()}
    assert (values["NodeId"], values["Registered"], values["LastReportStatus"]) == ("", False, "never")
    for name in ("LastRegistrationTimestamp", "LastReportTimestamp", "LastReportHttpStatus"):
        assert values[name] == 0


def test_the_stored_id_shows_before_the_master_confirms_it(agent, master, bus):
    first = agent()
    first.wait_online()
    first.stop()
    master.behave({"match": "register", "hang": True})
    agent()
    bus.wait_property("NodeId", "A1")
    assert bus.get("Registered") is False


def test_an_outage_in_properties(agent, master, bus):
    started = agent(REPORT_INTERVAL_SECONDS="2")
    started.wait_online()
    before = bus.get("LastSuccessfulReportTimestamp")
    master.behave({"match": "report", "status": 503, "body": "so tired"})
    bus.wait_property("LastReportStatus", "failed")
    bus.wait_property("State", "retrying")
    values = {name: value for name, (_, value) in bus.get_all().items()}
    assert values["LastReportHttpStatus"] == 503
    assert "503" in values["LastReportError"] and "so tired" in values["LastReportError"]
    assert values["ConsecutiveFailures"] >= 1 and values["ReportsFailed"] >= 1
    assert before <= values["LastSuccessfulReportTimestamp"] < values["LastReportTimestamp"]
    assert values["Registered"] is True
    master.stop()
    bus.wait_property("LastReportHttpStatus", 0)
    assert "refused" in bus.get("LastReportError").lower()
    master.start()
    bus.wait_property("State", "online")
    assert (bus.get("LastReportError"), bus.get("ConsecutiveFailures")) == ("", 0)


def test_the_next_try_is_known_while_registering_fails(agent, master, bus):
    master.behave({"match": "register", "status": 403})
    agent().wait_log("register-failed")
    # 0 while one is under way
    due = wait_until(lambda: bus.get("NextReportTimestamp"), 5, "a next try")
    assert -5 < due / 1e6 - time.time() < 61
    assert bus.get("LastReportStatus") == "never"


def test_changes_are_signalled_together(agent, master, bus, connect):
    client = connect(bus.address)
    started = agent(REPORT_INTERVAL_SECONDS="1")
    started.wait_log("report-ok", count=3)
    wait_until(lambda: sum("LastReportTimestamp" in change.changed for change in client.changes) >= 3, 5, "signals")
    for change in client.changes:
        assert not {"ReportsSucceeded", "Version"} & (set(change.changed) | set(change.invalidated))
        if "LastReportTimestamp" in change.changed:
            assert {"LastSuccessfulReportTimestamp", "NextReportTimestamp"} <= set(change.changed)
    reports = [change for change in client.changes if "LastReportTimestamp" in change.changed]
    assert len(reports) <= len(started.entries("report-ok")) + 1
    assert len(client.changes) <= 2 * len(reports) + 3, [change.changed for change in client.changes]


def test_only_what_changed_is_signalled(online, bus, master, connect):
    client = connect(bus.address)
    bus.call("Report")
    wait_until(lambda: client.changes, 5, "a signal")
    for change in client.changes:
        assert not {"NodeId", "MasterEndpoint", "Env", "Registered", "LastReportError"} & set(change.changed)


def test_report_answers_when_the_master_did(online, bus, master):
    master.behave({"match": "report", "delay": 0.5})
    count = len(master.requests("report"))
    begun = time.monotonic()
    assert bus.call("Report") == 200
    assert time.monotonic() - begun >= 0.5
    assert len(master.wait_for_answers(count + 1, kind="report")) == count + 1


def test_reregister_answers_with_the_id(online, bus, master):
    master.behave({"match": "register", "delay": 0.5})
    begun = time.monotonic()
    assert bus.call("Reregister") == "A1"
    requests = master.requests("register")
    assert len(requests) == 2 and time.monotonic() - begun >= 0.5
    assert json.loads(requests[1]["body"])["id"] == "A1"
    assert bus.get("Registrations") == 2


def test_an_online_node_stays_so_while_it_registers_again(online, bus, master, connect):
    client = connect(bus.address)
    bus.call("Reregister")
    assert all("State" not in change.changed for change in client.changes)


def test_the_regular_pace_goes_on_after_a_forced_report(agent, master, bus):
    started = agent(REPORT_INTERVAL_SECONDS="2")
    started.wait_log("report-ok", count=2)
    expected = bus.get("NextReportTimestamp") / 1e6
    bus.call("Report")
    seen = [request["wall"] for request in master.wait_for_requests(4, kind="report")]
    assert expected - 0.3 < seen[3] < expected + 2.6


def test_get_node_is_the_newest_object(online, bus, master):
    raw = '{"id":"A1", "name":"dev-alice-web01","big":18446744073709551615,"text":"\\u00e9 é 1.10"}'
    master.behave({"match": "report", "raw": raw.encode()})
    bus.call("Report")
    assert bus.call("GetNode") == raw


def test_get_health_is_what_would_be_reported(online, bus, master, state_root):
    folder = health_folder(state_root)
    (folder / "log-a.json").write_text('{"n":  1.10}')
    (folder / "log-b.json").write_text("[1,]")
    text = bus.call("GetHealth")
    assert '{"n":  1.10}' in text
    assert json.loads(text) == {"log-a": {"n": 1.10}}
    assert len(master.requests("report")) == 1, "asking reports nothing"


def test_health_files_have_verdicts(agent, master, bus, state_root):
    folder = health_folder(state_root)
    contents = {"a-good.json": "{}", "b-bad.json": "[1,]", "c-large.json": '"' + "x" * 1024 * 1024 + '"',
                "systemd-x.json": "1", "d-\xff\n.json": "1"}
    for name, text in contents.items():
        with open(os.fsencode(folder) + b"/" + name.encode("latin-1"), "w", encoding="ascii") as file:
            file.write(text)
    (folder / "e-link.json").symlink_to("/etc/hostname")
    agent().wait_online()
    bus.wait_property("HealthFiles", lambda rows: len(rows) == 6)
    rows = bus.get("HealthFiles")
    verdicts = {key: verdict for key, verdict, _ in rows}
    assert verdicts["a-good"] == "ok" and verdicts["b-bad"] == "invalid" and verdicts["c-large"] == "too-large"
    assert verdicts["systemd-x"] == "invalid"
    assert verdicts["e-link"] in ("invalid", "unreadable")
    [strange] = [key for key in verdicts if key.startswith("d-")]
    assert strange.isprintable() and strange.isascii() and verdicts[strange] == "invalid"
    assert [key for key, verdict, reason in rows if bool(reason) != (verdict != "ok")] == []


def test_health_files_are_invalidated(online, bus, state_root, connect):
    client = connect(bus.address)
    (health_folder(state_root) / "log-a.json").write_text("1")
    bus.call("Report")
    wait_until(lambda: any("HealthFiles" in change.invalidated for change in client.changes), 5, "invalidation")


@pytest.mark.parametrize("method,kind", [("Report", "report"), ("Reregister", "register")])
def test_failures_come_with_their_reason(online, bus, master, method, kind):
    master.behave({"match": kind, "status": 403, "body": "not you"})
    with pytest.raises(BusError, match="403.*not you"):
        bus.call(method)
    master.stop()
    with pytest.raises(BusError, match="(?i)refused"):
        bus.call(method)


def error_of(client, method):
    return client.call_many(method, 1)[0].error_name


def test_error_names(agent, master, bus, connect):
    master.behave({"match": "register", "status": 403})
    started = agent()
    started.wait_log("register-failed")
    client = connect(bus.address)
    assert error_of(client, "Report") == f"{ERROR}.NotRegistered"
    assert error_of(client, "GetNode") == f"{ERROR}.NotRegistered"
    assert error_of(client, "Reregister") == f"{ERROR}.MasterRejected"
    master.stop()
    assert error_of(client, "Reregister") == f"{ERROR}.MasterUnreachable"
    master.start()
    assert client.call_many("Reregister", 1)[0].body == ["A1"]
    master.stop()
    assert error_of(client, "Report") == f"{ERROR}.MasterUnreachable"


def test_callers_are_told_when_it_stops(online, bus, master):
    master.behave({"match": "report", "hang": True})
    failure = []

    def call():
        try:
            bus.call("Report")
        except BusError as error:
            failure.append(str(error))

    caller = threading.Thread(target=call)
    caller.start()
    master.wait_for_requests(2, kind="report")
    online.send(signal.SIGTERM)
    assert online.wait_exit(2.5) == 0
    caller.join(10)
    assert failure


@pytest.mark.parametrize("method,kind", [("Report", "report"), ("Reregister", "register")])
def test_callers_share_an_answer(online, bus, master, connect, method, kind):
    master.behave({"match": kind, "delay": 0.7})
    count = len(master.requests(kind))
    replies = connect(bus.address).call_many(method, 20)
    assert {tuple(reply.body) for reply in replies if not reply.error_name} == {(200,) if kind == "report" else ("A1",)}
    assert sum(not reply.error_name for reply in replies) >= 8
    assert len(master.requests(kind)) <= count + 2


def test_a_flood_costs_no_memory_and_no_report(agent, master, bus, connect):
    started = agent(REPORT_INTERVAL_SECONDS="1")
    started.wait_online()
    bus.wait_agent()
    before = started.rss()
    clients = [connect(bus.address) for _ in range(8)]
    for client in clients:
        for method in ("Report", "GetHealth", "GetNode", "Reregister") * 3:
            client.call_many(method, 60)
    assert started.rss() < before + 30 * 1024 * 1024
    master.behave({"match": "report", "status": 503, "times": 1})
    started.wait_log("report-ok", count=len(started.entries("report-ok")) + 2)


@pytest.mark.parametrize("method", METHODS)
def test_only_root_may_call(agent, master, bus, as_root, method):
    agent(REPORT_INTERVAL_SECONDS="86400").wait_online()
    bus.wait_agent()
    assert bus.get("NodeId", user="nobody") == "A1"
    count = len(master.requests())
    with pytest.raises(BusError, match="(?i)denied|not authorized|permission|access"):
        bus.call(method, user="nobody")
    assert len(master.requests()) == count
    assert bus.call(method)


def test_the_policy_file_lets_root_own_and_everyone_read(agent, master, as_root, policy_bus):
    assert POLICY_FILE.exists()
    agent().wait_online()
    policy_bus.wait_agent()
    assert policy_bus.get("NodeId", user="nobody") == "A1"
    assert policy_bus.call("Report") == 200


def test_a_bus_that_restarts_is_found_again(agent, master, bus):
    started = agent(REPORT_INTERVAL_SECONDS="1")
    started.wait_online()
    bus.wait_agent()
    bus.stop()
    started.wait_log("bus-lost")
    started.wait_log("report-ok", count=len(started.entries("report-ok")) + 2)
    bus.start()
    bus.wait_agent(35)
    started.wait_log("bus-back")
    assert bus.get("NodeId") == "A1"
    assert bus.call("Report") == 200
    assert not started.entries("report-failed")


def test_a_bus_that_comes_late_is_found(agent, master, bus):
    bus.stop()
    started = agent()
    started.wait_online()
    bus.start()
    bus.wait_agent(35)


def test_a_bus_that_hangs_does_not_matter(agent, master, bus):
    bus.daemon.pause()
    try:
        started = agent(REPORT_INTERVAL_SECONDS="1")
        entry = started.wait_log("report-ok")
        assert entry["monotonic"] - started.started < 3
        started.wait_log("report-ok", count=3)
    finally:
        bus.daemon.resume()
    bus.wait_agent(35)


def test_a_bus_that_hangs_later_does_not_matter(agent, master, bus):
    started = agent(REPORT_INTERVAL_SECONDS="1")
    started.wait_online()
    bus.wait_agent()
    bus.daemon.pause()
    try:
        started.wait_log("report-ok", count=len(started.entries("report-ok")) + 3)
        assert started.stop(3) == 0
    finally:
        bus.daemon.resume()


@pytest.mark.parametrize("variables", [{"AGENT_BUS": "none"}, {"AGENT_BUS": "auto"},
                                       {"AGENT_BUS": "auto", "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nowhere/bus"},
                                       {"AGENT_BUS": "system", "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nowhere/bus"},
                                       {"AGENT_BUS": "user"}])
def test_without_a_bus(agent, master, variables):
    agent(**variables).wait_online()


def test_the_user_bus(agent, master, bus):
    agent(AGENT_BUS="user", DBUS_SYSTEM_BUS_ADDRESS=None, DBUS_SESSION_BUS_ADDRESS=bus.address)
    bus.wait_property("NodeId", "A1")


def test_a_name_that_is_taken_is_waited_for(agent, master, bus, connect):
    other = connect(bus.address)
    other.request_name(NAME)
    started = agent(REPORT_INTERVAL_SECONDS="1")
    started.wait_log("report-ok", count=2)
    other.release_name(NAME)
    bus.wait_property("NodeId", "A1", 35)


def test_log_control(online, bus, master):
    def get(name):
        return bus.get(name, path=LOG_PATH, interface=LOG_INTERFACE)

    assert (get("LogLevel"), get("SyslogIdentifier")) == ("info", "argus-agent")
    assert get("LogTarget") in ("json", "console")
    bus.set("LogLevel", "s", "notice", LOG_PATH, LOG_INTERFACE)
    assert get("LogLevel") == "notice"
    bus.call("Report")
    with pytest.raises(BusError):
        bus.set("LogLevel", "s", "chatty", LOG_PATH, LOG_INTERFACE)
    assert get("LogLevel") == "notice"
    bus.set("LogLevel", "s", "info", LOG_PATH, LOG_INTERFACE)
    bus.call("Report")
    online.wait_log("report-ok", count=2)
    assert len(master.requests("report")) == 3


def test_log_control_is_not_for_everyone(agent, master, as_root, policy_bus):
    agent().wait_online()
    policy_bus.wait_agent()
    with pytest.raises(BusError):
        policy_bus.set("LogLevel", "s", "debug", LOG_PATH, LOG_INTERFACE, user="nobody")
    assert policy_bus.get("LogLevel", path=LOG_PATH, interface=LOG_INTERFACE) == "info"
    policy_bus.set("LogLevel", "s", "debug", LOG_PATH, LOG_INTERFACE)


def test_state_that_cannot_be_saved_shows(agent, master, bus, state_root):
    state_root.rmdir()
    state_root.write_text("a file where the folder should be")
    started = agent(REPORT_INTERVAL_SECONDS="1")
    started.wait_online()
    assert bus.get("StatePersisted") is False
    state_root.unlink()
    bus.wait_property("StatePersisted", True)
    started.wait_log("state-recovered")


def test_the_agent_is_quiet_on_the_bus_while_idle(online, bus, connect):
    client = connect(bus.address)
    stays_true(lambda: not client.changes, 1.5, "no signal without a change")
