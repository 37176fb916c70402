# SPDX-License-Identifier: MIT
"""Somebody is at the state while the agent runs: it goes on, and the next report puts right what can be put right."""

import json
import os
import shutil
import signal
import socket
import stat

import pytest

from support.agent import HOSTNAME
from support.wait import stays_true, wait_until

FILES = [".lock", "health", "node.json"]


@pytest.fixture
def online(agent, master):
    started = agent(REPORT_INTERVAL_SECONDS="1")
    started.wait_online()
    return started


def is_stored(started, node_id="A1"):
    """node.json is a regular file with this id."""
    try:
        found = started.node_json.lstat()
        return stat.S_ISREG(found.st_mode) and found.st_size < 1 << 20 and \
            json.loads(started.node_json.read_bytes())["id"] == node_id
    except (OSError, ValueError):
        return False


def wait_stored(started, node_id="A1"):
    wait_until(lambda: is_stored(started, node_id), 10, lambda: f"{node_id} stored again: {started.output()}")


def remove_folder(folder):
    """At once: an agent that makes files in it again would else be in the way."""
    away = folder.with_name(folder.name + ".away")
    folder.rename(away)
    shutil.rmtree(away)


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as made:
        folder = os.open(path.parent, os.O_PATH)
        made.bind(f"/proc/self/fd/{folder}/{path.name}")  # a socket's path is short
        os.close(folder)


SWAPS = {
    "nothing": lambda path, elsewhere: None,
    "an empty file": lambda path, elsewhere: path.touch(),
    "a folder": lambda path, elsewhere: path.mkdir(),
    "a full folder": lambda path, elsewhere: (path / "deep").mkdir(parents=True),
    "a link": lambda path, elsewhere: path.symlink_to(elsewhere),
    "a link to nowhere": lambda path, elsewhere: path.symlink_to("/nowhere/at/all"),
    "a link to itself": lambda path, elsewhere: path.symlink_to(path.name),
    "a FIFO": lambda path, elsewhere: os.mkfifo(path),
    "a socket": lambda path, elsewhere: make_socket(path),
    "a huge file": lambda path, elsewhere: (path.touch(), os.truncate(path, 1 << 40)),
}


@pytest.mark.parametrize("swap", SWAPS.values(), ids=SWAPS.keys())
def test_the_file_is_swapped(online, master, tmp_path, swap):
    master.behave({"match": "report", "status": 204})  # no new object that would have to be saved anyway
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_text("not ours")
    online.node_json.unlink()
    swap(online.node_json, elsewhere)
    wait_stored(online)
    assert elsewhere.read_text() == "not ours"
    assert sorted(name for name in os.listdir(online.folder) if ".corrupt-" not in name) == FILES
    assert not online.entries("state-unwritable")
    assert online.rss() < 400 << 20


def test_a_start_with_a_huge_file(agent, master, state_root):
    (state_root / HOSTNAME).mkdir()
    path = state_root / HOSTNAME / "node.json"
    path.touch()
    os.truncate(path, 1 << 40)
    started = agent()
    started.wait_online()
    assert started.entries("state-corrupt")
    assert is_stored(started)
    assert started.rss() < 400 << 20


def test_the_health_folder_is_removed(online, master):
    master.behave({"match": "report", "status": 204})
    remove_folder(online.folder / "health")
    wait_until((online.folder / "health").is_dir, 10, "health/ is back")
    online.wait_log("report-ok", count=len(online.entries("report-ok")) + 2)


def test_the_lock_is_removed(online, run_agent, master):
    master.behave({"match": "report", "status": 204})
    lock = online.folder / ".lock"
    lock.unlink()
    wait_until(lock.exists, 10, "the lock is back")
    assert run_agent("--once")[0] == 75, "and is held"


def test_a_second_agent_slips_in_when_the_lock_is_removed(agent, master):
    """Nothing is overwritten under the second one; when it ends, the first goes on as before."""
    first = agent(REPORT_INTERVAL_SECONDS="2")
    first.wait_online()
    first.pause()
    (first.folder / ".lock").unlink()
    second = agent(REPORT_INTERVAL_SECONDS="1", AGENT_INSTANCE="second", AGENT_ENV="dev", AGENT_USER="alice")
    second.wait_online()
    first.resume()
    first.wait_log("state-unwritable")
    stays_true(lambda: first.is_running, 0.5, "the first runs")
    second.stop()
    first.wait_log("state-recovered")
    assert is_stored(first)
    assert [node["id"] for node in master.nodes()] == ["A1"]


def test_the_folder_is_replaced_by_a_file(online):
    remove_folder(online.folder)
    online.folder.write_text("in the way")
    online.wait_log("state-unwritable")
    online.wait_log("report-ok", count=len(online.entries("report-ok")) + 2)
    assert online.folder.read_text() == "in the way"
    online.folder.unlink()
    online.wait_log("state-recovered")
    assert is_stored(online)
    assert sorted(os.listdir(online.folder)) == FILES


def test_the_folder_is_replaced_by_a_link(online, tmp_path):
    """Root would write wherever the service's user points it. It is said, reporting continues, and it heals."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    online.folder.rename(tmp_path / "old")
    online.folder.symlink_to(elsewhere)
    assert "a link is not followed" in online.wait_log("state-unwritable")["MESSAGE"]
    online.wait_log("report-ok", count=len(online.entries("report-ok")) + 2)
    assert not list(elsewhere.iterdir())
    online.folder.unlink()
    (tmp_path / "old").rename(online.folder)
    online.wait_log("state-recovered")
    assert is_stored(online)


def test_a_start_in_a_folder_that_is_a_link(agent, master, state_root, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "node.json").write_text('{"id": "A7", "name": "dev-alice-web01"}')
    (state_root / HOSTNAME).symlink_to(elsewhere)
    started = agent()
    started.wait_online()
    assert json.loads(master.requests("register")[0]["body"]).get("id") is None
    assert os.listdir(elsewhere) == ["node.json"]


def test_the_root_may_be_a_link(agent, master, state_root, tmp_path):
    """An administrator's link on the way to the state is how it is moved to another disk."""
    state_root.rmdir()
    (tmp_path / "other-disk").mkdir()
    state_root.symlink_to(tmp_path / "other-disk")
    started = agent()
    started.wait_online()
    assert sorted(os.listdir(tmp_path / "other-disk" / HOSTNAME)) == FILES


def test_the_root_is_removed(online, state_root):
    remove_folder(state_root)
    wait_stored(online)
    assert not online.entries("state-unwritable")


def open_parents(folder):
    """So that another user comes as far as here."""
    for parent in list(folder.parents)[:-2]:
        if parent.stat().st_mode & 0o001 == 0:
            parent.chmod(0o711)


@pytest.mark.parametrize("take", ["mode", "owner"])
def test_the_folder_is_taken_from_its_user(agent, master, state_root, as_nobody, take):
    open_parents(state_root)
    shutil.chown(state_root, "nobody")
    started = agent(user="nobody", REPORT_INTERVAL_SECONDS="1")
    started.wait_online()
    if take == "mode":
        started.folder.chmod(0)
    else:
        shutil.chown(started.folder, "root")
        started.folder.chmod(0o700)
    master.forget()  # so that a new id has to be stored
    started.wait_log("state-unwritable")
    started.wait_log("report-ok", count=len(started.entries("report-ok")) + 2)
    assert is_stored(started), "the old one, as seen by root"
    shutil.chown(started.folder, "nobody")
    started.folder.chmod(0o750)
    started.wait_log("state-recovered")
    assert is_stored(started, "A2")
    assert len(started.entries("state-unwritable")) == len(started.entries("state-recovered")) == 1


def test_the_disk_is_mended_while_the_master_is_away(online, master):
    """It is tried at every report, also at those that fail: a kill in the Master's outage must not cost the id."""
    remove_folder(online.folder)
    online.folder.write_text("in the way")
    online.wait_log("state-unwritable")
    master.stop()
    online.wait_log("report-failed")
    online.folder.unlink()
    online.wait_log("state-recovered")
    assert is_stored(online)
    online.kill()
    assert is_stored(online)


def test_the_file_is_removed_while_the_master_is_away(online, master):
    master.stop()
    online.wait_log("report-failed")
    online.node_json.unlink()
    wait_stored(online)


def test_a_reload_finds_its_state_again(online):
    remove_folder(online.folder)
    online.send(signal.SIGHUP)
    wait_stored(online)
