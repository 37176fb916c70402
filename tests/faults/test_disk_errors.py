# SPDX-License-Identifier: MIT
"""Errors of the disk at every step of a save, in the real daemon: it goes on from memory, says so once, leaves the old
object whole, and saves by itself when the disk is mended."""

import json
import os
import resource
import signal
import time

import pytest

from support.wait import wait_until
from tracer import FailingCalls

PLACES = {"temporary": "{folder}/.node.json.{pid}.tmp", "name": ".node.json.{pid}.tmp", "folder": "{folder}"}
STEPS = {  # step: (the call, the path that it is known by)
    "open the folder": ("openat", "folder"),
    "open": ("openat", "name"),
    "write": ("write", "temporary"),
    "fsync": ("fsync", "temporary"),
    "rename": ("renameat", "name"),
    "fsync of the folder": ("fsync", "folder"),
}
ERRORS = {
    "open the folder": ("EIO", "EMFILE", "ENFILE", "EACCES", "ESTALE"),
    "open": ("EIO", "ENOSPC", "EROFS", "EDQUOT", "EMFILE", "EACCES"),
    "write": ("EIO", "ENOSPC", "EDQUOT", "EROFS"),
    "fsync": ("EIO", "ENOSPC", "EDQUOT"),
    "rename": ("EIO", "ENOSPC", "EROFS", "EDQUOT"),
    "fsync of the folder": ("EIO", "ENOSPC"),
}


@pytest.fixture
def online(agent, master, bus, as_root):
    started = agent(REPORT_INTERVAL_SECONDS="1")
    started.wait_online()
    bus.wait_property("StatePersisted", True)
    return started


def failing(started, step, error, when=""):
    call, place = STEPS[step]
    path = PLACES[place].format(folder=started.folder, pid=started.pid)
    return FailingCalls(started.pid, [f"{call}:error={error}{when}"], [path])


def stored_id(started):
    return json.loads(started.node_json.read_bytes())["id"]


def wait_reports(master, node_id, count):
    def enough():
        paths = [request["path"] for request in master.requests("report") if request["answered"]]
        return len([path for path in paths if path.endswith(f"/{node_id}/status")]) >= count
    wait_until(enough, 20, f"{count} reports as {node_id}")


def check_mended(started, bus):
    """One line said that it began, and one that it ended; the new object is stored; nothing is left over."""
    started.wait_log("state-recovered", 20)
    assert stored_id(started) == "A2"
    bus.wait_property("StatePersisted", True)
    assert len(started.entries("state-unwritable")) == 1
    assert len(started.entries("state-recovered")) == 1
    assert sorted(os.listdir(started.folder)) == [".lock", "health", "node.json"]


@pytest.mark.parametrize("step, error", [(step, error) for step, errors in ERRORS.items() for error in errors])
def test_a_step_of_a_save_fails(online, master, bus, step, error):
    with failing(online, step, error):
        before = online.node_json.read_bytes()
        master.forget()  # so that a new id has to be stored
        online.wait_log("state-unwritable", 20)
        wait_reports(master, "A2", 2)
        bus.wait_property("StatePersisted", False)
        if step == "fsync of the folder":
            assert stored_id(online) == "A2", "there already, but a power cut may take it back"
        else:
            assert online.node_json.read_bytes() == before
        assert sorted(os.listdir(online.folder)) == [".lock", "health", "node.json"]
    check_mended(online, bus)
    assert [node["id"] for node in master.nodes()] == ["A2"]


def test_an_interrupted_write_is_no_error(online, master):
    with failing(online, "write", "EINTR", when=":when=1"):
        master.forget()
        wait_until(lambda: stored_id(online) == "A2", 20, "the new id is stored")
    assert not online.entries("state-unwritable")


def test_close_says_nothing_that_fsync_has_not_said(online, master):
    """The bytes are on the disk by then."""
    path = PLACES["temporary"].format(folder=online.folder, pid=online.pid)
    with FailingCalls(online.pid, ["close:error=EIO"], [path]):
        master.forget()
        wait_until(lambda: stored_id(online) == "A2", 20, "the new id is stored")
    assert not online.entries("state-unwritable")


def test_a_file_system_that_locks_only_what_is_open_for_writing(agent, run_agent, master, as_root):
    """NFS does."""
    started = agent(wrapper=["strace", "-D", "-f", "-o", "/dev/null", "-e", "trace=flock",
                             "--inject=flock:error=EBADF:when=1"])
    started.wait_online(20)
    assert not started.entries("state-unwritable")
    assert run_agent("--once")[0] == 75, "it is locked"


def test_errors_that_change_are_one_outage(online, master, bus):
    """A disk that dies says now this and now that: that must not fill the disk of the log."""
    path = PLACES["temporary"].format(folder=online.folder, pid=online.pid)
    with FailingCalls(online.pid, ["write:error=ENOSPC:when=1+2", "fsync:error=EIO"], [path]):
        master.forget()
        wait_reports(master, "A2", 5)
    check_mended(online, bus)


def test_a_limit_of_the_files_size(online, master, bus):
    """A write that is short, and then EFBIG with a signal that would end the process (LimitFSIZE=, ulimit -f)."""
    _, hard = resource.prlimit(online.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(online.pid, resource.RLIMIT_FSIZE, (20, hard))
    before = online.node_json.read_bytes()
    master.forget()
    online.wait_log("state-unwritable", 20)
    wait_reports(master, "A2", 2)
    assert online.node_json.read_bytes() == before
    resource.prlimit(online.pid, resource.RLIMIT_FSIZE, (hard, hard))
    check_mended(online, bus)


def test_killed_while_nothing_can_be_saved(online, agent, master):
    """The stored id is the old one then; the Master knows the node by its name."""
    with failing(online, "fsync", "EIO"):
        master.forget()
        wait_reports(master, "A2", 1)
        online.kill()
    assert stored_id(online) == "A1"
    agent().wait_online()
    assert stored_id(online) == "A2"
    assert [node["id"] for node in master.nodes()] == ["A2"]


def test_stopped_while_nothing_can_be_saved(online, master):
    """A clean stop tries once more, and ends in time though it fails."""
    with failing(online, "fsync", "EIO"):
        master.forget()
        online.wait_log("state-unwritable", 20)
        online.send(signal.SIGTERM)
        assert online.wait_exit(10) == 0
    assert stored_id(online) == "A1"


@pytest.fixture
def stored(agent, master, as_root):
    """Starts an agent that has an id, by this Master, which does not look nodes up by name; calls of it fail."""
    first = agent()
    first.wait_online()
    first.stop()
    master.clear_requests()
    master.behave({"match": "register", "raw": b'{"id": "B2", "name": "dev-alice-web01"}'},
                  {"match": "report", "status": 204})

    def start(call, inject, path):
        return agent(wrapper=["strace", "-D", "-f", "-o", "/dev/null", f"--trace-path={path}",
                              "-e", f"trace={call}", f"--inject={call}:{inject}"])

    return first, start


def registered(master):
    return [json.loads(request["body"]).get("id") for request in master.requests("register")]


@pytest.mark.parametrize("call, error", [
    *[("openat", error) for error in ("EIO", "EACCES", "EMFILE", "ENFILE", "ENOMEM", "ESTALE")],
    *[("read", error) for error in ("EIO", "ESTALE")]])
def test_one_error_at_the_start_loses_no_id(stored, master, call, error):
    """Once, on opening or reading node.json."""
    first, start = stored
    master.behave({"match": "register", "raw": first.node_json.read_bytes()}, {"match": "report", "status": 204})
    second = start(call, f"error={error}:when=1", "node.json" if call == "openat" else first.node_json)
    second.wait_log("state-corrupt", 20)
    second.wait_online(20)
    assert registered(master) == ["A1"]
    assert stored_id(second) == "A1"
    assert sorted(os.listdir(second.folder)) == [".lock", "health", "node.json"]


def test_a_state_that_can_never_be_read_is_set_aside(stored, master):
    """An error of the disk says nothing about the object: the file stays until the Master's response replaces it, and
    then under another name."""
    first, start = stored
    bytes_before = first.node_json.read_bytes()
    master.behave({"match": "register", "hang": True})
    second = start("read", "error=EIO", first.node_json)
    second.wait_log("state-corrupt", 20)
    master.wait_for_requests(1, kind="register")
    assert second.node_json.read_bytes() == bytes_before
    master.behave({"match": "register", "raw": b'{"id": "B2", "name": "dev-alice-web01"}'},
                  {"match": "report", "status": 204})
    second.wait_online(20)
    assert stored_id(second) == "B2"
    [aside] = second.folder.glob("node.json.other-*")
    assert aside.read_bytes() == bytes_before


def test_who_the_node_is_cannot_be_read(run_agent, state_root, as_root):
    """The host's name does not say it, and node.json would: that heals, so the unit has to try again."""
    folder = state_root / "web01"
    folder.mkdir()
    path = folder / "node.json"
    path.write_text('{"id": "A7", "name": "web01", "env": "dev", "user": "alice", "instance": "web01"}')
    options = {"AGENT_HOSTNAME": "web01", "MASTER_ENDPOINT": "http://127.0.0.1:3000"}
    wrapper = ["strace", "-D", "-f", "-o", "/dev/null", f"--trace-path={path}", "-e", "trace=read",
               "--inject=read:error=EIO"]
    assert run_agent(wrapper=wrapper, **options)[0] == 75
    assert os.listdir(folder) == ["node.json"], "nothing is made"
    path.unlink()
    assert run_agent(**options)[0] == 78


def test_a_slow_directory_costs_no_report(agent, master, bus, as_root):
    """If a slot comes while the loop waits for the disk, the delay is the agent's own, not a pause of the machine."""
    interval, delay = 6, 4
    started = agent(REPORT_INTERVAL_SECONDS=interval)
    started.wait_log("report-ok", count=2)
    slot = master.requests("report")[-1]["monotonic"] + interval
    with FailingCalls(started.pid, [f"getdents64:delay_enter={delay}s:when=1"], [started.folder / "health"]):
        wait_until(lambda: time.monotonic() > slot - 1, interval, "a second before the slot")
        bus.call("GetHealth")
        master.wait_for_requests(3, kind="report")
    assert slot + delay - 2 < master.requests("report")[-1]["monotonic"] < slot + interval - 0.5
