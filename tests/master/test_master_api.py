# SPDX-License-Identifier: MIT
"""The dev Master keeps the API's promises."""

import json

import requests

from support.wait import wait_until


def test_a_new_name_gets_an_id_and_keeps_it(master):
    first = master.register()
    assert (first.status_code, first.json()["id"]) == (201, "A1")
    again = master.register()
    assert (again.status_code, again.json()["id"]) == (200, "A1")
    assert master.register("dev-bob-db01").json()["id"] == "A2"


def test_a_known_id_is_updated_and_an_unknown_one_refused(master):
    master.register()
    moved = master.register(id="A1", meta_data={"hostname": "x", "ip": "10.0.0.9"})
    assert (moved.status_code, moved.json()["meta_data"]["ip"]) == (200, "10.0.0.9")
    assert master.register(id="A99").status_code == 404
    assert master.register(id="nonsense").status_code == 404


def test_a_registration_that_is_wrong_says_why(master):
    for body in (b"{", b"[]", b'{"name": ""}', b'{"name": "x", "meta_data": 1}'):
        answer = requests.post(master.nodes_url, data=body, timeout=10)
        assert answer.status_code == 400
        assert answer.json()["error"]


def test_a_report_is_stored_and_makes_the_node_online(master):
    master.register()
    assert master.node("A1")["status"] == "offline"
    answer = master.report("A1", {"log-fluentbit": {"ok": True}})
    assert answer.status_code == 200
    node = master.node("A1")
    assert node.pop("health") == {"log-fluentbit": {"ok": True}}
    assert node == answer.json(), "an agent is not sent what it has just sent"
    assert node["status"] == "online"
    assert node["agent_last_report"] == "2026-11-24T12:13:00.123Z"
    assert master.report("A7").status_code == 404


def test_nodes_and_statistics(master):
    master.register()
    master.register("dev-bob-db01")
    master.report("A2")
    assert [node["id"] for node in master.nodes()] == ["A1", "A2"]
    assert master.statistics() == {
        "total": 2,
        "status_statistics": [{"status": "online", "count": 1}, {"status": "offline", "count": 1}]}


def test_nodes_json_follows_who_is_online(start_master):
    master = start_master("--offline-after", "0.6")
    wait_until(lambda: master.nodes_json.exists() and json.loads(master.nodes_json.read_text()) == [])
    master.register()
    master.report("A1")
    assert json.loads(master.nodes_json.read_text()) == [
        {"node_id": "A1", "user_id": "alice", "ip": "10.0.0.5", "hostname": "dev-alice-web01",
         "labels": {"env": "dev", "instance": "web01"}}]
    wait_until(lambda: json.loads(master.nodes_json.read_text()) == [])


def test_the_database_survives_a_restart(start_master):
    master = start_master()
    master.register()
    master.stop()
    again = start_master()
    assert again.register().json()["id"] == "A1"


def test_connections_are_kept_alive(master):
    for _ in range(5):
        master.register()
    assert len({entry["peer"] for entry in master.requests()}) == 1


def test_bearer_token(start_master):
    master = start_master("--token", "sesame")
    assert master.register().status_code == 401
    master.http.headers["Authorization"] = "Bearer sesame"
    assert master.register().status_code == 201


def test_path_prefix(start_master):
    master = start_master("--prefix", "/argus")
    answer = requests.get(f"{master.url}/argus/api/v1/master/nodes", timeout=10)
    assert (answer.status_code, answer.json()) == (200, [])


def test_health_check(master):
    assert requests.get(f"{master.url}/healthz", timeout=10).text == "ok\n"
