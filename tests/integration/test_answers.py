# SPDX-License-Identifier: MIT
"""The table of answers: what the agent makes of each."""

import json
import signal

import pytest

from support.wait import stays_true

NODE = '{"id": "A1", "name": "dev-alice-web01"}'
FAST = {"REPORT_INTERVAL_SECONDS": "4"}  # so the next try comes soon


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 418, 422, 500, 502, 503])
def test_a_refused_registration(agent, master, status):
    master.behave({"match": "register", "status": status, "body": '{"error": "because of the moon"}', "times": 1})
    started = agent()
    entry = started.wait_log("register-failed")
    assert int(entry["ARGUS_HTTP_STATUS"]) == status
    assert str(status) in entry["MESSAGE"] and "because of the moon" in entry["MESSAGE"]
    started.wait_online()
    assert master.ids_registered() == [None, None]


@pytest.mark.parametrize("status", [400, 401, 403, 405, 409, 422, 429, 500, 503])
def test_a_refused_report(agent, master, status):
    master.behave({"match": "report", "status": status, "body": '{"error": "because of the moon"}', "times": 1})
    started = agent(**FAST)
    entry = started.wait_log("report-failed")
    assert int(entry["ARGUS_HTTP_STATUS"]) == status
    assert str(status) in entry["MESSAGE"] and "because of the moon" in entry["MESSAGE"]
    started.wait_log("report-recovered")
    assert master.ids_registered() == [None]


NO_NODE = {"empty": "", "no JSON": "<html>It works!</html>", "an array": "[]", "no id": '{"name": "x"}',
           "empty id": '{"id": ""}', "id null": '{"id": null}', "id true": '{"id": true}', "id 1.5": '{"id": 1.5}',
           "id 1e3": '{"id": 1e3}', "id object": '{"id": {}}', "long id": json.dumps({"id": "x" * 256}),
           "control in id": '{"id": "a\\u0007b"}', "bidi in id": '{"id": "A\\u202e1"}',
           "noncharacter in id": '{"id": "a\\uffffb"}', "NUL in id": '{"id": "a\\u0000b"}', "half a pair": '{"id": "\\ud800"}',
           "leading zero": '{"id": "A1", "n": 01}', "trailing text": NODE + "x", "raw control": '{"id": "A1", "s": "\t"}',
           "comma": '{"id": "A1",}'}


@pytest.mark.parametrize("body", NO_NODE.values(), ids=NO_NODE.keys())
def test_a_registration_is_answered_by_no_node_object(agent, master, body):
    master.behave({"match": "register", "status": 200, "body": body, "times": 1})
    started = agent()
    started.wait_log("register-failed")
    started.wait_online()
    assert json.loads(started.node_json.read_text())["id"] == "A1"
    assert master.ids_registered() == [None, None]


def test_a_registration_is_not_answered_by_204(agent, master):
    master.behave({"match": "register", "status": 204, "times": 1})
    agent().wait_log("register-failed")


@pytest.mark.parametrize("body", ["", "<html>login</html>", "[]", '{"id": "A2"}', '{"id": 1}'])
def test_a_report_is_answered_by_something_else(agent, master, body):
    master.behave({"match": "report", "status": 200, "body": body, "times": 1})
    started = agent(**FAST)
    entry = started.wait_log("report-failed")
    if body:
        assert any(words in entry["MESSAGE"] for words in ("A2", "1", "<html>", "[]"))
    started.wait_log("report-recovered")
    assert json.loads(started.node_json.read_text())["id"] == "A1"
    assert master.ids_registered() == [None]


def test_an_id_of_255_bytes_is_taken(agent, master):
    master.behave({"match": "register", "body": json.dumps({"id": "x" * 255})}, {"match": "report", "status": 204})
    agent().wait_online()


@pytest.mark.parametrize("status", [404, 410])
def test_a_forgotten_node_registers_at_once_with_its_id(agent, master, status):
    started = agent(**FAST)
    started.wait_online()
    master.behave({"match": "report", "status": status, "times": 1})
    started.wait_log("node-forgotten")
    master.wait_for_requests(2, kind="register")
    assert master.ids_registered() == [None, "A1"]
    kinds = [request["kind"] for request in master.wait_for_requests(5)]
    assert kinds[:5] == ["register", "report", "report", "register", "report"]
    times = [request["monotonic"] for request in master.requests()]
    assert times[4] - times[2] < 0.5


def test_a_forgotten_node_whose_id_is_refused_gets_a_new_one(agent, master):
    started = agent(**FAST)
    started.wait_online()
    master.forget()
    entry = started.wait_log("id-replaced")
    assert entry["PRIORITY"] in (4, "4")
    assert "A1" in entry["MESSAGE"] and "A2" in entry["MESSAGE"]
    assert master.ids_registered() == [None, "A1", "A1", "A1", None], "two refusals behind pauses take it away"
    assert json.loads(started.node_json.read_text())["id"] == "A2"
    master.wait_for_requests(3, kind="report")
    assert master.requests("report")[-1]["path"].endswith("/A2/status")


def test_forgotten_twice_within_an_interval_is_a_failure(agent, master):
    master.behave({"match": "report", "status": 404})
    started = agent(REPORT_INTERVAL_SECONDS="30")
    started.wait_log("report-failed")
    assert master.ids_registered() == [None, "A1"]
    kinds = [request["kind"] for request in master.requests()]
    assert kinds == ["register", "report", "register", "report"]
    stays_true(lambda: len(master.requests("register")) == 2, 1, "no storm of registrations")


def test_forgotten_twice_is_a_failure_with_a_reload_pending(agent, master, bus):
    """A registration follows for the reload: the second 404 is a failed report all the same."""
    master.behave({"match": "report", "status": 404, "times": 1},
                  {"match": "report", "status": 404, "delay": 1, "times": 1})
    started = agent()
    master.wait_for_requests(2, kind="report")
    started.send(signal.SIGHUP)
    started.wait_log("report-recovered")
    bus.wait_agent()
    assert bus.get("ReportsFailed") == 1
    assert (len(started.entries("node-forgotten")), len(started.entries("report-failed"))) == (1, 1)


def test_a_slow_master_that_forgets_is_asked_at_the_pace(agent, master):
    """Its answers take longer than the interval: each 404 counted as the first one again, without an end."""
    master.behave({"match": "register", "delay": 0.6}, {"match": "report", "status": 404, "delay": 0.6})
    started = agent(REPORT_INTERVAL_SECONDS="1")
    started.wait_log("report-failed")
    kinds = [request["kind"] for request in master.requests()]
    assert kinds[:4] == ["register", "report", "register", "report"]


@pytest.mark.parametrize("status", [404, 409, 410])
def test_an_id_that_is_refused_again_and_again_is_given_up(agent, master, status):
    first = agent()
    first.wait_online()
    first.stop()
    master.clear_requests()
    master.behave({"match": "register", "status": status, "times": 3},
                  {"match": "register", "raw": b'{"id": "B2", "name": "dev-alice-web01"}'},
                  {"match": "report", "status": 204})
    second = agent()
    entry = second.wait_log("id-replaced", 20)
    assert "A1" in entry["MESSAGE"] and "B2" in entry["MESSAGE"]
    assert master.ids_registered() == ["A1", "A1", "A1", None]
    assert json.loads(second.node_json.read_text())["id"] == "B2"


@pytest.mark.parametrize("kind", ["start", "report"])
def test_a_front_without_its_master_takes_no_id_away(agent, master, kind):
    """An ingress that has lost its backend says 404 to everything: report, registration, registration."""
    front = {"status": 404, "body": "default backend - 404", "headers": {"Content-Type": "text/plain"}}
    started = agent(**FAST)
    started.wait_online()
    if kind == "start":
        started.stop()
        started = agent(**FAST)
    master.clear_requests()
    # the one at the start, or at once after the report's, and the first behind a pause
    master.behave({"match": "report", "times": 1, **front}, {"match": "register", "times": 2, **front})
    words = started.wait_log("register-failed")["MESSAGE"]
    assert "404 Not Found: default backend - 404 (not an answer of an Argus Master" in words
    if kind == "report":
        words = started.wait_log("node-forgotten")["MESSAGE"]
        assert "/status: 404 Not Found: default backend - 404 (not an answer of an Argus Master" in words
    started.wait_log("report-recovered")
    assert set(master.ids_registered()) == {"A1"}
    assert [node["id"] for node in master.nodes()] == ["A1"]
    assert json.loads(started.node_json.read_text())["id"] == "A1"
    assert not started.entries("id-replaced")


def test_the_stored_id_is_kept_until_there_is_another(agent, master):
    first = agent()
    first.wait_online()
    first.stop()
    stored = first.node_json.read_bytes()
    master.clear_requests()
    master.behave({"match": "register", "status": 404})
    second = agent()
    master.wait_for_requests(5, 30, kind="register")
    assert master.ids_registered()[:5] == ["A1", "A1", "A1", None, "A1"]
    assert second.node_json.read_bytes() == stored


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("kind", ["register", "report"])
def test_redirects_are_not_followed(agent, master, status, kind):
    elsewhere = f"{master.url}/elsewhere"
    master.behave({"match": kind, "status": status, "headers": {"Location": elsewhere}, "times": 1})
    started = agent(**FAST)
    entry = started.wait_log(f"{kind}-failed")
    assert str(status) in entry["MESSAGE"] and "/elsewhere" in entry["MESSAGE"]
    started.wait_online()
    assert all("elsewhere" not in request["path"] for request in master.requests())


@pytest.mark.parametrize("kind", ["register", "report"])
def test_a_body_over_a_mebibyte_is_cut_off(agent, master, kind):
    master.behave({"match": kind, "huge": 64 * 1024 * 1024, "times": 1})
    started = agent(**FAST)
    entry = started.wait_log(f"{kind}-failed", 20)
    assert "1 MiB" in entry["MESSAGE"] or "1048576" in entry["MESSAGE"] or "large" in entry["MESSAGE"]
    started.wait_online(20)
    assert started.rss() < 400 * 1024 * 1024


def test_a_body_of_a_mebibyte_is_taken(agent, master):
    master.behave({"match": "register", "huge": 1024 * 1024, "times": 1}, {"match": "report", "status": 204})
    started = agent()
    started.wait_online()
    assert started.node_json.stat().st_size == 1024 * 1024


LOST = {"closed": {"close": True}, "reset": {"close": "reset"}, "no HTTP": {"garbage": "SSH-2.0-OpenSSH_9\r\n\r\n"},
        "broken off": {"cut": 10}}


@pytest.mark.parametrize("rule", LOST.values(), ids=LOST.keys())
@pytest.mark.parametrize("kind", ["register", "report"])
def test_a_connection_that_breaks(agent, master, kind, rule):
    # twice for a report: on a connection that was kept alive one try may well be made again on a fresh one
    master.behave({"match": kind, "times": 1 if kind == "register" else 2, **rule})
    started = agent(**FAST)
    started.wait_log(f"{kind}-failed")
    started.wait_log("report-recovered")
    assert len(master.nodes()) == 1


@pytest.mark.parametrize("rule", [{"hang": True}, {"trickle": 0.1}], ids=["hanging", "trickling"])
@pytest.mark.parametrize("kind", ["register", "report"])
def test_a_whole_try_is_bound_in_time(agent, master, kind, rule):
    master.behave({"match": kind, "times": 1, **rule})
    started = agent(MASTER_TIMEOUT_SECONDS="1", **FAST)
    entry = started.wait_log(f"{kind}-failed")
    assert "time" in entry["MESSAGE"].lower()
    [bad] = [request for request in master.wait_for_answers(1, kind=kind)][:1]
    assert 0.7 < entry["monotonic"] - bad["monotonic"] < 2.5
    good = master.wait_for_requests(2, kind=kind)[1]
    assert good["peer"] != bad["peer"], "a fresh connection after a failure"


def test_a_closed_connection_between_reports_is_no_failure(agent, master):
    """Servers close idle connections: the agent must not count that."""
    started = agent(REPORT_INTERVAL_SECONDS="2")
    started.wait_online()
    master.stop()
    master.start()
    started.wait_log("report-ok", count=3)
    assert len(started.entries("report-failed")) <= 1


def test_no_connection_and_no_name_are_told_apart(agent, master):
    master.stop()
    assert "refused" in agent().wait_log("register-failed")["MESSAGE"].lower()


def test_a_name_that_does_not_resolve(agent):
    message = agent(MASTER_ENDPOINT="http://no-such-host.invalid:3000").wait_log("register-failed", 25)["MESSAGE"]
    assert "no-such-host.invalid" in message
    assert "resol" in message.lower()


def test_tls_that_fails_is_named(agent, master):
    entry = agent(MASTER_ENDPOINT=f"https://127.0.0.1:{master.port}").wait_log("register-failed")
    assert "tls" in entry["MESSAGE"].lower() or "ssl" in entry["MESSAGE"].lower()


@pytest.mark.parametrize("kind", ["register", "report"])
def test_the_masters_words_are_made_safe(agent, master, kind):
    body = b"\x1b[31mred\x07 \x00line one\r\nline two \xff\xfe " + b"x" * 5000 + b" the end"
    master.behave({"match": kind, "status": 400, "raw": body, "times": 1})
    started = agent(**FAST)
    message = started.wait_log(f"{kind}-failed")["MESSAGE"]
    assert "line one" in message
    assert all(character.isprintable() for character in message), repr(message)
    assert "the end" not in message
    assert message.count("x") <= 256
    assert len(message.encode()) < 640


def test_the_location_is_made_safe(agent, master):
    master.behave({"match": "register", "status": 302, "headers": {"Location": "http://x/\x1b[31m" + "y" * 3000},
                   "times": 1})
    message = agent().wait_log("register-failed")["MESSAGE"]
    assert "http://x/" in message
    assert "\x1b" not in message and message.count("y") <= 256
