# SPDX-License-Identifier: MIT
"""What the agent says of itself is true at any time: while a try is under way, before the first report, whatever the
state folder held before."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.agent import health_folder, write_node_json
from support.bus import BusError
from support.wait import stays_true


def statuses(notify):
    return [note.fields["STATUS"] for note in notify.all("STATUS")]


def test_retrying_while_registration_is_tried_again(agent, master, bus, notify):
    master.behave({"match": "register", "status": 503, "body": "come back later", "times": 1},
                  {"match": "register", "hang": True})
    agent(NOTIFY_SOCKET=notify.path)
    bus.wait_property("State", "retrying")
    master.wait_for_requests(2)
    stays_true(lambda: bus.get("State") == "retrying", 1, "a try that is under way has not succeeded")
    failed = [number for number, words in enumerate(statuses(notify)) if "come back later" in words]
    assert failed and all("come back later" in words for words in statuses(notify)[failed[0]:]), statuses(notify)


def test_retrying_while_a_registered_node_is_registered_again(agent, master, bus, notify):
    started = agent(NOTIFY_SOCKET=notify.path)
    started.wait_online()
    bus.wait_agent()
    master.behave({"match": "register", "status": 401, "body": "the second words", "times": 1},
                  {"match": "register", "hang": True})
    with pytest.raises(BusError, match="the second words"):
        bus.call("Reregister")
    master.wait_for_requests(3, kind="register")
    stays_true(lambda: bus.get("State") == "retrying", 1, "a try that is under way has not succeeded")
    assert "the second words" in notify.last("STATUS"), statuses(notify)


def test_retrying_while_a_node_is_registered_that_was_forgotten_in_an_outage(agent, master, bus, notify):
    agent(NOTIFY_SOCKET=notify.path).wait_online()
    bus.wait_agent()
    master.behave({"match": "report", "status": 500, "body": "words of the report", "times": 1},
                  {"match": "report", "status": 404}, {"match": "register", "hang": True})
    with pytest.raises(BusError, match="words of the report"):
        bus.call("Report")
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(bus.call, "Report")
        master.wait_for_requests(2, kind="register")
        stays_true(lambda: bus.get("State") == "retrying", 0.5, "a try that is under way has not succeeded")
        assert "words of the report" in notify.last("STATUS"), statuses(notify)
        assert "words of the report" in bus.get("LastReportError")
        master.behave()
        assert asked.result(10) == 200


def test_a_forgotten_node_that_is_known_again_has_not_failed(agent, master, bus, connect):
    agent().wait_online()
    bus.wait_agent()
    client = connect(bus.address)
    master.behave({"match": "report", "status": 404, "times": 1}, {"match": "register", "delay": 0.7})
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(bus.call, "Report")
        master.wait_for_requests(2, kind="register")
        assert (bus.get("Registered"), bus.get("State"), bus.get("LastReportStatus")) == (True, "online", "success")
        assert asked.result(10) == 200
    assert (bus.get("ReportsFailed"), bus.get("ReportsSucceeded"), bus.get("Registrations")) == (0, 2, 2)
    seen = [change.changed for change in client.changes]
    assert not [changed for changed in seen if changed.get("Registered") is False], seen
    assert not [changed for changed in seen if changed.get("LastReportStatus") == "failed"], seen


def test_a_report_that_is_asked_for_is_tried_at_once(agent, master, bus):
    master.behave({"match": "register", "status": 503, "headers": {"Retry-After": "600"}, "body": "old words"})
    started = agent()
    started.wait_log("register-failed")
    bus.wait_agent()
    master.behave({"match": "register", "status": 403, "body": "fresh words"})
    begun = time.monotonic()
    with pytest.raises(BusError, match="fresh words"):
        bus.call("Report")
    assert time.monotonic() - begun < 1
    assert len(master.requests("register")) == 2


def test_a_report_that_is_asked_for_registers_first(agent, master, bus):
    master.behave({"match": "register", "status": 503, "headers": {"Retry-After": "600"}})
    agent().wait_log("register-failed")
    bus.wait_agent()
    master.behave()
    assert bus.call("Report") == 200
    assert [request["kind"] for request in master.requests()] == ["register", "register", "report"]


def test_health_files_before_any_report(agent, master, bus, state_root):
    master.behave({"match": "register", "status": 503})
    health = health_folder(state_root)
    (health / "log-a.json").write_text("{}")
    (health / "log-b.json").write_text("{")
    agent()
    bus.wait_property("HealthFiles",
                      lambda files: [entry[:2] for entry in files] == [["log-a", "ok"], ["log-b", "invalid"]], 5)
    (health / "log-b.json").write_text("{}")
    bus.wait_property("HealthFiles", lambda files: [entry[1] for entry in files] == ["ok", "ok"], 10)
    assert master.requests("report") == []


@pytest.mark.parametrize("target,closing", [("json", "0<&- 1>&- 2>&-"), ("json", "0<&- 1>&-"),
                                            ("console", "1>&- 2>&-"), ("console", "0<&- 2>&-")])
def test_standard_streams_that_are_closed(run_agent, master, state_root, target, closing):
    """The files that are opened next must not take their numbers: the log would be written into them."""
    raw = b'{"id": "A1", "name": "dev-alice-web01"}'
    master.behave({"match": "any", "raw": raw})
    status, _ = run_agent("--once", wrapper=["sh", "-c", f'exec "$@" {closing}', "sh"], AGENT_LOG_TARGET=target,
                          AGENT_LOG_LEVEL="debug")
    assert status == 0
    files = {path.name: path.read_bytes() for path in state_root.rglob("*") if path.is_file()}
    assert files == {".lock": b"", "node.json": raw}


def test_a_foreign_node_file_gives_neither_id_nor_identity(agent, master, bus, state_root):
    """Of a machine that was cloned with its disk."""
    write_node_json(state_root, json.dumps({"id": "A7", "name": "prod-old-web99",
                                            "meta_data": {"env": "prod", "user": "old", "instance": "web99"}}))
    agent().wait_online()
    sent = json.loads(master.requests("register")[0]["body"])
    assert "id" not in sent
    assert [sent["meta_data"][name] for name in ("env", "user", "instance")] == ["dev", "alice", "web01"]
    bus.wait_property("IdentitySource", "hostname")
    assert [bus.get(name) for name in ("Env", "User", "Instance", "NodeId")] == ["dev", "alice", "web01", "A1"]


def test_an_outage_of_reports_is_not_over_with_a_registration(agent, master, bus, connect):
    agent(REPORT_INTERVAL_SECONDS="1").wait_online()
    bus.wait_agent()
    master.behave({"match": "report", "status": 404, "body": "what report?"})
    bus.wait_property("State", "retrying")
    client = connect(bus.address)
    count = len(master.requests("report"))
    master.wait_for_answers(count + 5, kind="report")
    seen = [change.changed for change in client.changes]
    assert not [changed for changed in seen if changed.get("State") == "online"], seen
    assert not [changed for changed in seen if changed.get("LastReportError") == ""], seen


def test_a_registration_that_was_asked_for_does_not_end_an_outage(agent, master, bus):
    agent(REPORT_INTERVAL_SECONDS="30").wait_online()
    bus.wait_agent()
    master.behave({"match": "report", "status": 500, "body": "words of the report", "times": 1},
                  {"match": "report", "hang": True})
    with pytest.raises(BusError, match="words of the report"):
        bus.call("Report")
    bus.call("Reregister")
    assert (bus.get("State"), bus.get("ConsecutiveFailures")) == ("retrying", 1)
    assert "words of the report" in bus.get("LastReportError")
