# SPDX-License-Identifier: MIT
"""A node.json that turns up while the agent runs, as with a file system that is mounted late: never destroyed, and its
id is used where the node had none of its own."""

import json
import subprocess

import pytest

from support.agent import HOSTNAME, write_node_json
from support.wait import wait_until

LATE = '{"id": "A1", "name": "dev-alice-web01", "kept": "by the file system"}'
EACH_SECOND = {"REPORT_INTERVAL_SECONDS": "1"}


def accept(node_id):
    return {"match": "register", "raw": json.dumps({"id": node_id, "name": HOSTNAME}).encode()}


def replace_folder(state_root, text):
    """As a mount does it: the path names another directory from one instant to the next."""
    (state_root / "late").mkdir()
    (state_root / "late" / "node.json").write_text(text)
    (state_root / HOSTNAME).rename(state_root / "before")
    (state_root / "late").rename(state_root / HOSTNAME)


def stored_id(started):
    return json.loads(started.node_json.read_text())["id"]


def set_aside(started):
    return [aside.read_text() for aside in started.folder.glob("node.json.other-*")]


@pytest.fixture
def registered_as_x(agent, master):
    """Nothing was stored at the start."""
    master.behave({"times": 1, **accept("x")}, {"match": "report", "status": 204})
    started = agent(**EACH_SECOND)
    started.wait_online()
    master.clear_requests()
    return started


def test_it_is_registered_at_once(registered_as_x, master, state_root):
    master.behave(accept("A1"), {"match": "report", "status": 204})
    replace_folder(state_root, LATE)
    registered_as_x.wait_log("registered", count=2)
    assert master.ids_registered() == ["A1"]
    wait_until(lambda: master.requests("report")[-1]["path"].endswith("/A1/status"), 10, "reports as A1")
    assert stored_id(registered_as_x) == "A1"
    assert not set_aside(registered_as_x)
    assert json.loads((state_root / "before" / "node.json").read_text())["id"] == "x"


@pytest.mark.parametrize("status", [404, 409, 410])
def test_its_id_is_refused(registered_as_x, master, state_root, status):
    master.behave({"match": "register", "status": status, "times": 3}, accept("x"), {"match": "report", "status": 204})
    replace_folder(state_root, LATE)
    registered_as_x.wait_log("registered", 20, count=2)
    assert master.ids_registered() == ["A1", "A1", "A1", "x"]
    assert stored_id(registered_as_x) == "x"
    assert set_aside(registered_as_x) == [LATE]


def test_the_master_fails_meanwhile(registered_as_x, master, state_root):
    """Neither id is lost, also if the agent ends there."""
    master.behave({"match": "register", "status": 503}, {"match": "report", "status": 204})
    replace_folder(state_root, LATE)
    registered_as_x.wait_log("register-failed")
    registered_as_x.stop()
    assert registered_as_x.node_json.read_text() == LATE
    assert not set_aside(registered_as_x)


@pytest.mark.parametrize("kind", ["restart", "while it runs"])
def test_a_node_that_had_an_id_keeps_it(agent, master, state_root, kind):
    write_node_json(state_root, '{"id": "A7", "name": "dev-alice-web01"}')
    master.behave(accept("A7"), {"match": "report", "status": 204})
    started = agent(**EACH_SECOND)
    started.wait_online()
    replace_folder(state_root, LATE)
    wait_until(lambda: set_aside(started), 10, "theirs is set aside")
    wait_until(started.node_json.exists, 10, "ours is there")
    assert stored_id(started) == "A7"
    assert set_aside(started) == [LATE]
    assert set(master.ids_registered()) == {"A7"}


def test_before_the_first_registration(agent, master, state_root):
    master.behave({"match": "register", "status": 503, "times": 1}, accept("A1"), {"match": "report", "status": 204})
    started = agent()
    started.wait_log("register-failed")
    replace_folder(state_root, LATE)
    started.wait_online()
    assert master.ids_registered() == [None, "A1"]


def test_it_says_who_the_node_is(agent, master, state_root, bus):
    """As one that is there at the start does."""
    master.behave({"match": "register", "status": 503, "times": 1}, accept("A1"), {"match": "report", "status": 204})
    started = agent()
    started.wait_log("register-failed")
    replace_folder(state_root, '{"id": "A1", "name": "dev-alice-web01", "env": "p", "user": "q", "instance": "r"}')
    started.wait_online()
    said = json.loads(master.requests("register")[-1]["body"])["meta_data"]
    assert (said["env"], said["user"], said["instance"]) == ("p", "q", "r")
    bus.wait_agent()
    assert bus.get("IdentitySource") == "node-file"


def test_a_real_mount(agent, master, as_root, state_root, tmp_path):
    """And away again: what is below is not destroyed either."""
    write_node_json(tmp_path / "disk", LATE)
    master.behave({"times": 1, **accept("x")}, accept("A1"), {"match": "report", "status": 204})
    started = agent(wrapper=["unshare", "--mount", "--propagation", "private"], **EACH_SECOND)
    started.wait_online()

    def in_agents_world(*command):
        subprocess.run(["nsenter", "-t", str(started.pid), "-m", *command], check=True)

    in_agents_world("mount", "--bind", str(tmp_path / "disk"), str(state_root))
    started.wait_log("registered", count=2)
    mounted = tmp_path / "disk" / HOSTNAME
    wait_until(lambda: json.loads((mounted / "node.json").read_text()) == {"id": "A1", "name": HOSTNAME}, 10, "A1 there")
    assert stored_id(started) == "x", "below the mount"
    in_agents_world("umount", "--lazy", str(state_root))  # the agent holds its lock there
    wait_until(lambda: set_aside(started), 10, "x is set aside")
    wait_until(lambda: started.node_json.exists() and stored_id(started) == "A1", 10, "A1 below")
    assert not list(mounted.glob("node.json.other-*"))


def test_another_hosts_is_set_aside(registered_as_x, master, state_root):
    foreign = LATE.replace("web01", "web99")
    replace_folder(state_root, foreign)
    wait_until(lambda: set_aside(registered_as_x) and registered_as_x.node_json.exists(), 10, "set aside")
    assert set_aside(registered_as_x) == [foreign]
    assert stored_id(registered_as_x) == "x"
    assert master.ids_registered() == []


def test_the_newest_three_are_kept(registered_as_x, state_root):
    for number in range(5):
        text = json.dumps({"id": f"B{number}", "name": "another"})
        (state_root / "new").write_text(text)
        (state_root / "new").rename(registered_as_x.node_json)
        wait_until(lambda: text in set_aside(registered_as_x) and registered_as_x.node_json.exists() and
                   stored_id(registered_as_x) == "x", 10, f"{text} is set aside")
    assert len(set_aside(registered_as_x)) == 3


def test_a_start_that_fails_leaves_nothing(run_agent, state_root):
    state_root.rmdir()
    assert run_agent(AGENT_HOSTNAME="web01")[0] == 78
    assert run_agent(MASTER_ENDPOINT="nonsense://")[0] == 78
    assert not state_root.exists()


def test_two_directories_of_one_machine_are_warned_about(agent, master, state_root):
    write_node_json(state_root, LATE, hostname="dev-alice-web01")
    started = agent(AGENT_HOSTNAME="dev-alice-web01.example.org")
    started.wait_online()
    [warning] = [entry for entry in started.entries(PRIORITY=4) if "node.json too" in entry["MESSAGE"]]
    assert f"{state_root}/dev-alice-web01 " in warning["MESSAGE"]
    assert "dev-alice-web01.example.org" in warning["MESSAGE"]


def test_a_change_reaches_the_disk_though_204_follows(agent, master):
    changed = json.dumps({"id": "x", "name": HOSTNAME, "config": {"level": 2}}).encode()
    master.behave(accept("x"), {"match": "report", "raw": changed, "times": 1}, {"match": "report", "status": 204})
    started = agent(**EACH_SECOND)
    started.wait_log("report-ok", count=3)
    assert started.node_json.read_bytes() == changed
