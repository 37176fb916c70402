# SPDX-License-Identifier: MIT
"""Registering and reporting: what is sent, and where."""

import ipaddress
import json
import re
import socket
import time
from datetime import datetime

import conditions
import pytest

from support.agent import HOSTNAME, health_folder
from support.wait import wait_until

API = "/api/v1/master/nodes"


def headers_of(request):
    return {name.lower(): value for name, value in request["headers"]}


def test_the_first_registration_has_everything_but_an_id(agent, master):
    agent()
    [request] = master.wait_for_requests(1, kind="register")
    assert (request["method"], request["path"]) == ("POST", API)
    document = json.loads(request["body"])
    assert set(document) == {"name", "type", "version", "meta_data"}
    assert (document["name"], document["type"]) == (HOSTNAME, "agent")
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", document["version"])
    meta_data = document["meta_data"]
    assert set(meta_data) - {"machine_id"} == {"hostname", "ip", "env", "user", "instance", "cpu_number",
                                               "memory_in_bytes", "gpu_number"}
    assert meta_data["hostname"] == HOSTNAME
    assert (meta_data["env"], meta_data["user"], meta_data["instance"]) == ("dev", "alice", "web01")
    ipaddress.ip_address(meta_data["ip"])
    for number in ("cpu_number", "memory_in_bytes", "gpu_number"):
        assert type(meta_data[number]) is int
    assert meta_data["cpu_number"] >= 1
    assert meta_data["memory_in_bytes"] > 16 * 1024 * 1024
    assert meta_data["gpu_number"] >= 0


def test_the_machine_id_itself_is_not_told(agent, master):
    agent()
    [request] = master.wait_for_requests(1, kind="register")
    try:
        with open("/etc/machine-id", encoding="ascii") as file:
            machine_id = file.read().strip()
    except FileNotFoundError:
        machine_id = ""
    sent = json.loads(request["body"])["meta_data"].get("machine_id")
    if len(machine_id) == 32:
        assert re.fullmatch(r"[0-9a-f]{32}", sent)
        assert machine_id not in request["body"]
    else:
        assert sent is None


def test_requests_name_the_program_and_are_json(agent, master):
    agent()
    for request in master.wait_for_requests(2):
        headers = headers_of(request)
        version = json.loads(master.requests("register")[0]["body"])["version"]
        assert headers["user-agent"] == f"argus-agent/{version}"
        assert headers["content-type"].split(";")[0] == "application/json"
        assert "expect" not in headers
        assert int(headers["content-length"]) == len(request["body"].encode())


def test_the_first_report_follows_at_once_on_the_same_connection(agent, master):
    agent()
    register, report = master.wait_for_requests(2)
    assert (report["method"], report["path"]) == ("PUT", f"{API}/A1/status")
    assert report["monotonic"] - register["monotonic"] < 1
    assert report["peer"] == register["peer"]


def test_a_report_has_the_time_and_no_health_files(agent, master):
    agent()
    [report] = master.wait_for_requests(1, kind="report")
    document = json.loads(report["body"])
    assert set(document) == {"timestamp", "health"}
    assert document["health"] == {}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", document["timestamp"])
    sent = datetime.fromisoformat(document["timestamp"].replace("Z", "+00:00")).timestamp()
    assert abs(sent - report["wall"]) < 2


def test_the_local_address_is_one_that_others_can_reach(agent, master):
    """The Master is on loopback here: then it is the first global address, if there is one."""
    agent()
    [request] = master.wait_for_requests(1, kind="register")
    address = ipaddress.ip_address(json.loads(request["body"])["meta_data"]["ip"])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: only asks the kernel for a route
        except OSError:
            return
        assert not address.is_loopback, f"the machine has {probe.getsockname()[0]}"


def test_an_ipv4_mapped_master_is_the_ipv4_one(agent, master):
    """Also the own address of the connection is loopback then, and nothing to tell."""
    agent(MASTER_ENDPOINT=f"http://[::ffff:127.0.0.1]:{master.port}").wait_online()
    [request] = master.requests("register")
    assert "::ffff:" not in json.loads(request["body"])["meta_data"]["ip"]


@pytest.mark.parametrize("address", ["203.0.113.7", "2001:db8::7"])
def test_a_given_address_is_reported(agent, master, address):
    agent(AGENT_ADDRESS=address)
    [request] = master.wait_for_requests(1, kind="register")
    assert json.loads(request["body"])["meta_data"]["ip"] == address


@pytest.mark.parametrize("form", ["http://127.0.0.1:{port}/", "127.0.0.1:{port}", "127.0.0.1:{port}/",
                                  "http://localhost:{port}"])
def test_forms_of_the_endpoint(agent, master, form):
    agent(MASTER_ENDPOINT=form.format(port=master.port)).wait_online()
    assert [request["path"] for request in master.requests()] == [API, f"{API}/A1/status"]


@pytest.mark.parametrize("form", ["http://127.0.0.1:{port}/argus", "127.0.0.1:{port}/argus/"])
def test_a_path_prefix(agent, start_master, form):
    master = start_master("--prefix", "/argus")
    agent(MASTER_ENDPOINT=form.format(port=master.port)).wait_online()
    assert master.requests()[0]["path"] == f"/argus{API}"


@pytest.mark.parametrize("form", ["[::1]:{port}", "http://[::1]:{port}/"])
def test_a_master_on_ipv6(agent, start_master, form):
    conditions.skip_without("ipv6")
    master = start_master(host="[::1]")
    agent(MASTER_ENDPOINT=form.format(port=master.port)).wait_online()


def test_a_restart_keeps_the_id(agent, master):
    first = agent()
    first.wait_online()
    assert first.stop() == 0
    agent().wait_online()
    registrations = master.wait_for_requests(2, kind="register")
    assert json.loads(registrations[1]["body"])["id"] == "A1"
    assert len(master.nodes()) == 1


def test_a_lost_answer_makes_no_second_node(agent, master):
    master.behave({"match": "register", "close": True, "apply": True, "times": 1})
    agent().wait_online()
    assert [node["id"] for node in master.nodes()] == ["A1"]


def test_a_moved_machine_keeps_its_id(agent, master):
    first = agent(AGENT_ADDRESS="10.1.0.1")
    first.wait_online()
    first.stop()
    agent(AGENT_ADDRESS="10.1.0.2").wait_online()
    [node] = master.nodes()
    assert (node["id"], node["meta_data"]["ip"]) == ("A1", "10.1.0.2")


def test_the_id_is_percent_encoded_in_the_path(agent, master):
    master.behave({"match": "register", "raw": '{"id": "a/b c%é?#", "name": "dev-alice-web01"}'.encode()},
                  {"match": "report", "status": 204})
    agent().wait_online()
    [report] = master.wait_for_requests(1, kind="report")
    assert report["path"].upper() == f"{API}/a%2Fb%20c%25%C3%A9%3F%23/status".upper()


@pytest.mark.parametrize("number", ["42", "18446744073709551615", "-3"])
def test_an_integer_id_keeps_its_type(agent, master, number):
    master.behave({"match": "register", "raw": f'{{"id": {number}}}'.encode()}, {"match": "report", "status": 204})
    first = agent()
    first.wait_online()
    assert master.requests("report")[0]["path"] == f"{API}/{number}/status"
    first.stop()
    agent().wait_online()
    body = master.wait_for_requests(2, kind="register")[1]["body"]
    assert re.search(rf'"id":\s*{number}[,}}]', body), body


def test_a_string_of_digits_stays_a_string(agent, master):
    master.behave({"match": "register", "raw": b'{"id": "42"}'}, {"match": "report", "status": 204})
    first = agent()
    first.wait_online()
    first.stop()
    agent().wait_online()
    assert json.loads(master.wait_for_requests(2, kind="register")[1]["body"])["id"] == "42"


def test_no_answer_but_204_is_a_success_of_a_report(agent, master):
    master.behave({"match": "report", "status": 204})
    entry = agent().wait_log("report-ok")
    assert str(entry["ARGUS_HTTP_STATUS"]) == "204"


def test_once_registers_reports_and_ends(run_agent, master, state_root):
    (health_folder(state_root) / "log-fluentbit.json").write_text('{"ok": true}')
    status, output = run_agent("--once")
    assert status == 0, output
    assert [request["kind"] for request in master.requests()] == ["register", "report"]
    assert master.node("A1")["health"] == {"log-fluentbit": {"ok": True}}


def test_once_says_why_it_failed(run_agent, master):
    master.behave({"match": "register", "status": 403, "body": "go away, stranger"})
    started = time.monotonic()
    status, output = run_agent("--once")
    assert status == 1
    assert "403" in output and "go away, stranger" in output
    assert time.monotonic() - started < 15


def test_once_without_a_master(run_agent):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        status, output = run_agent("--once", MASTER_ENDPOINT=f"127.0.0.1:{closed.getsockname()[1]}")
    assert status == 1
    assert "refused" in output.lower()


def test_nodes_json_shows_the_node(agent, master):
    agent(AGENT_ADDRESS="10.1.0.1")
    targets = wait_until(lambda: json.loads(master.nodes_json.read_text()), 10, "a node in nodes.json")
    assert targets == [{"node_id": "A1", "user_id": "alice", "ip": "10.1.0.1", "hostname": HOSTNAME,
                        "labels": {"env": "dev", "instance": "web01"}}]
    assert master.statistics()["total"] == 1
