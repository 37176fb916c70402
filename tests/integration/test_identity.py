# SPDX-License-Identifier: MIT
"""Who the node is: environment, node.json, host name, or nobody."""

import json

import pytest

from support.agent import write_node_json

THREE = {"AGENT_ENV": "prod", "AGENT_USER": "bob", "AGENT_INSTANCE": "db7"}


def registered_as(master):
    meta_data = json.loads(master.wait_for_requests(1, kind="register")[0]["body"])["meta_data"]
    return tuple(meta_data[name] for name in ("env", "user", "instance"))


def node(hostname, **members):
    return json.dumps({"id": "A9", "name": hostname} | members)


def test_the_environment_wins(agent, master, state_root):
    write_node_json(state_root, node("dev-alice-web01", env="x", user="y", instance="z"))
    agent(**THREE)
    assert registered_as(master) == ("prod", "bob", "db7")


@pytest.mark.parametrize("members", [
    {"meta_data": {"env": "qa", "user": "eve", "instance": "i1"}},
    {"env": "qa", "user": "eve", "instance": "i1"},
    {"env": "no", "user": "no", "instance": "no", "meta_data": {"env": "qa", "user": "eve", "instance": "i1"}},
    {"env": "qa", "user": "eve", "instance": "i1", "meta_data": {"env": "half"}}])
def test_the_node_file_comes_before_the_host_name(agent, master, state_root, members):
    write_node_json(state_root, node("dev-alice-web01", **members))
    agent()
    assert registered_as(master) == ("qa", "eve", "i1")


@pytest.mark.parametrize("members", [
    {"meta_data": {"env": "qa", "user": "eve"}},
    {"meta_data": {"env": "qa", "user": "eve", "instance": ""}},
    {"meta_data": {"env": "qa", "user": "eve", "instance": 5}},
    {"meta_data": []}])
def test_a_node_file_without_all_three_is_not_used(agent, master, state_root, members):
    write_node_json(state_root, node("dev-alice-web01", **members))
    agent()
    assert registered_as(master) == ("dev", "alice", "web01")


@pytest.mark.parametrize("hostname", ["dev-alice-web01", "dev-alice-web01-rack-3", "dev-alice-web01.example.org",
                                      "dev-alice-web01.x-y-z"])
def test_the_host_name_is_read(agent, master, hostname):
    agent(AGENT_HOSTNAME=hostname)
    assert registered_as(master) == ("dev", "alice", "web01")


@pytest.mark.parametrize("hostname", ["web01", "dev-alice", "dev--web01", "-alice-web01", "dev-alice-", "dev.alice-b-c",
                                      "dev-alice--x"])
def test_a_host_name_that_does_not_say_it(run_agent, master, hostname):
    status, output = run_agent(AGENT_HOSTNAME=hostname, AGENT_LOG_TARGET="console")
    assert status == 78
    for name in THREE:
        assert name in output
    assert master.requests() == []


@pytest.mark.parametrize("missing", [["AGENT_ENV"], ["AGENT_USER", "AGENT_INSTANCE"]])
@pytest.mark.parametrize("how", [None, ""])
def test_one_or_two_variables_alone_are_a_warning(agent, master, missing, how):
    started = agent(**(THREE | {name: how for name in missing}))
    assert registered_as(master) == ("dev", "alice", "web01")
    warnings = [entry["MESSAGE"] for entry in started.entries(PRIORITY=4)]
    assert any(all(name in words for name in missing) for words in warnings), started.output()


def test_check_prints_configuration_and_identity(run_agent, master, state_root):
    status, output = run_agent("--check", **THREE, REPORT_INTERVAL_SECONDS="17")
    assert status == 0, output
    for word in (master.url, "17", "prod", "bob", "db7", "dev-alice-web01", str(state_root)):
        assert word in output
    assert master.requests() == []


def test_check_leaves_no_trace(run_agent, master, state_root):
    status, _ = run_agent("--check")
    assert status == 0
    assert list(state_root.iterdir()) == []


def test_check_without_identity(run_agent, master):
    status, output = run_agent("--check", AGENT_HOSTNAME="web01", AGENT_LOG_TARGET="console")
    assert status == 78
    for name in THREE:
        assert name in output


def test_check_uses_the_stored_node(run_agent, master, state_root):
    write_node_json(state_root, node("web01", env="qa", user="eve", instance="i1"), "web01")
    status, output = run_agent("--check", AGENT_HOSTNAME="web01")
    assert status == 0
    assert "eve" in output
