# SPDX-License-Identifier: MIT
"""node.json: byte for byte, durable before it is announced, never lost."""

import json
import os
import random
import re
import shutil
import stat
import subprocess
import time

import pytest

from support.agent import HOSTNAME, write_node_json
from support.wait import wait_until

RAW = b' {\t"zeta": 18446744073709551615, "price" : 1.10,\r\n "text":"\\u00e9\\/\\ud83d\\ude00", "id"  :"A1",' \
      b'"name":"dev-alice-web01","unknown":{"b":[1e400,-0.0,1E+2],"a":null} ,"caf\xc3\xa9":"\xf0\x9f\x98\x80"}\n\n'
STORED = '{"id": "A7", "name": "dev-alice-web01"}'


def test_the_node_object_is_stored_byte_for_byte(agent, master):
    master.behave({"match": "register", "status": 201, "raw": RAW}, {"match": "report", "status": 204})
    started = agent()
    started.wait_online()
    assert started.node_json.read_bytes() == RAW
    assert stat.S_IMODE(started.node_json.stat().st_mode) == 0o640


def test_what_a_reports_answer_changes_is_written_with_that_report(agent, master):
    """Other modules of the node read there what the Master sets."""
    newest = RAW.replace(b"1.10", b"2.20")
    master.behave({"match": "register", "raw": RAW}, {"match": "report", "raw": newest})
    started = agent()
    started.wait_online()
    assert started.node_json.read_bytes() == newest


def test_a_changed_name_is_written_at_once(agent, master):
    renamed = RAW.replace(b"web01", b"web01 ")
    master.behave({"match": "register", "raw": RAW}, {"match": "report", "raw": renamed})
    started = agent()
    started.wait_online()
    assert started.node_json.read_bytes() == renamed


def test_reports_do_not_wear_the_disk_out(agent, master):
    """The dev Master's node object changes with each report: three changes are written at once, then one in ten
    minutes."""
    started = agent(REPORT_INTERVAL_SECONDS="1")
    started.wait_log("report-ok", count=4)
    before = started.node_json.stat()
    started.wait_log("report-ok", count=8)
    after = started.node_json.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_the_state_is_durable_before_it_is_announced(agent, master):
    master.behave({"match": "register", "raw": RAW}, {"match": "report", "hang": True})
    started = agent()
    master.wait_for_requests(1, kind="report")
    assert started.node_json.read_bytes() == RAW
    started.wait_log("registered")


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
def test_replaced_atomically_and_flushed(agent, master, tmp_path, monkeypatch):
    monkeypatch.setenv("ASAN_OPTIONS", os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0")  # not under ptrace
    trace = tmp_path / "trace"
    calls = "openat,fsync,fdatasync,rename,renameat,renameat2,sendto,sendmsg,write"
    started = agent(wrapper=["strace", "-D", "-f", "-y",  # -D: the agent stays our child
                              "-e", f"trace={calls}", "-o", trace])
    started.wait_online(20)
    lines = trace.read_text(errors="replace").splitlines()

    def first(pattern, start=0):
        return next(number for number, line in enumerate(lines[start:], start) if re.search(pattern, line))

    renamed = first(r'rename\w*\(.*"(?:[^"]*/)?node\.json"')
    flushed = first(rf"(fsync|fdatasync)\(.*/{HOSTNAME}/")
    folder = first(rf"fsync\(\d+<[^>]*/{HOSTNAME}>", renamed)
    put = first(r'"PUT /')
    assert flushed < renamed < folder < put


@pytest.mark.parametrize("missing", ["all", "health"])
def test_folders_are_made(agent, master, state_root, missing):
    if missing == "health":
        (state_root / HOSTNAME).mkdir()
    else:
        state_root.rmdir()
    started = agent()
    started.wait_online()
    assert (started.folder / "health").is_dir()


def test_the_stored_id_is_used(agent, master, state_root):
    write_node_json(state_root, STORED)
    master.behave({"match": "register", "raw": STORED.encode()}, {"match": "report", "status": 204})
    agent().wait_online()
    assert master.ids_registered() == ["A7"]


def test_a_node_file_of_another_host_is_not_used(agent, master, state_root):
    write_node_json(state_root, '{"id": "A7", "name": "dev-alice-web99"}')
    started = agent()
    started.wait_online()
    assert master.ids_registered() == [None]
    assert json.loads(started.node_json.read_text())["id"] == "A1"
    [aside] = started.folder.glob("node.json.other-*")
    assert json.loads(aside.read_text())["id"] == "A7"


CORRUPT = {"empty": b"", "half": STORED[:20].encode(), "no object": b"[]", "no id": b'{"name": "x"}',
           "zeroes": bytes(512), "binary": b"\xff\xfe{}", "trailing": STORED.encode() + b"}", "id": b'{"id": 1.5}',
           "too large": STORED.encode() + b" " * 1024 * 1024}


@pytest.mark.parametrize("content", CORRUPT.values(), ids=CORRUPT.keys())
def test_a_corrupt_file_is_set_aside(agent, master, state_root, content):
    write_node_json(state_root, content)
    started = agent()
    started.wait_online()
    assert started.entries("state-corrupt")
    [aside] = started.folder.glob("node.json.corrupt-*")
    assert aside.read_bytes() == content
    assert json.loads(started.node_json.read_text())["id"] == "A1"
    assert master.ids_registered() == [None]


@pytest.mark.parametrize("kind", ["folder", "link", "fifo"])
def test_something_else_than_a_file_is_set_aside(agent, master, state_root, tmp_path, kind):
    path = write_node_json(state_root, "")
    path.unlink()
    target = tmp_path / "elsewhere.json"
    target.write_text(STORED)
    if kind == "folder":
        path.mkdir()
    elif kind == "link":
        path.symlink_to(target)
    else:
        os.mkfifo(path)
    started = agent()
    started.wait_online()
    assert started.entries("state-corrupt")
    assert stat.S_ISREG(path.lstat().st_mode)
    assert json.loads(path.read_text())["id"] == "A1"
    assert target.read_text() == STORED


def test_the_newest_three_corrupt_files_are_kept(run_agent, master, state_root):
    contents = [f"corrupt {number}".encode() for number in range(5)]
    for content in contents:
        path = write_node_json(state_root, content)
        status, output = run_agent("--once")
        assert status == 0, output
    kept = [aside.read_bytes() for aside in path.parent.glob("node.json.corrupt-*")]
    assert sorted(kept) == contents[2:]


def test_a_second_agent_on_the_same_state_ends_at_once(agent, run_agent, master):
    first = agent()
    first.wait_online()
    status, output = run_agent(AGENT_LOG_TARGET="console", deadline=3)
    assert status == 75
    assert str(first.folder) in output
    assert len(master.requests("register")) == 1
    status, _ = run_agent("--check")
    assert status == 0
    assert run_agent("--once")[0] == 75


def test_the_lock_ends_with_the_process(agent, master):
    first = agent()
    first.wait_online()
    first.kill()
    agent().wait_online()
    assert [node["id"] for node in master.nodes()] == ["A1"]


def test_kills_at_any_time_lose_nothing(agent, master, state_root):
    """Whenever the agent is killed, node.json is a whole node object, and the id stays."""
    chance = random.Random(20261124)
    for _ in range(12):
        started = agent()
        time.sleep(chance.uniform(0, 0.06))
        started.kill()
        if started.node_json.exists():
            assert json.loads(started.node_json.read_text())["id"] == "A1"
    agent().wait_online()
    assert [node["id"] for node in master.nodes()] == ["A1"]
    assert {entry.name for entry in (state_root / HOSTNAME).iterdir()} == {"node.json", "health", ".lock"}


@pytest.fixture
def small_disk(agent, master, own_mounts, state_root):
    """Starts an agent whose state lies on a small disk of its own: (agent, the disk as seen from here)."""
    def start(options="rw", **variables):
        mount = ["unshare", "--mount", "sh", "-c",
                 f'mount -t tmpfs -o size=64k,mode=755,{options} none {state_root} && exec "$@"', "sh"]
        started = agent(wrapper=mount, **variables)
        started.wait_online()
        return started, f"/proc/{started.pid}/root{state_root}"

    return start


def fill(disk):
    """Writes until the disk is full."""
    with open(f"{disk}/filler", "wb", buffering=0) as filler:
        with pytest.raises(OSError):
            while True:
                filler.write(bytes(4096))


def test_a_full_disk_is_survived(small_disk, master):
    started, disk = small_disk(REPORT_INTERVAL_SECONDS="1")
    fill(disk)
    old = open(f"{disk}/{HOSTNAME}/node.json", encoding="utf-8").read()
    master.forget()  # so that a new id has to be stored
    started.wait_log("state-unwritable")
    master.wait_for_requests(2, kind="register")
    wait_until(lambda: master.requests("report")[-1]["path"].endswith("/A2/status"), 10, "reports with the new id")
    assert open(f"{disk}/{HOSTNAME}/node.json", encoding="utf-8").read() == old
    os.unlink(f"{disk}/filler")
    started.wait_log("state-recovered")
    assert json.load(open(f"{disk}/{HOSTNAME}/node.json", encoding="utf-8"))["id"] == "A2"
    assert len(started.entries("state-unwritable")) == 1


def test_a_read_only_disk_is_survived(small_disk, master):
    started, disk = small_disk("ro", REPORT_INTERVAL_SECONDS="1")
    assert started.entries("state-unwritable")
    started.wait_log("report-ok", count=2)
    subprocess.run(["nsenter", "-t", str(started.pid), "-m", "mount", "-o", "remount,rw", started.folder.parent],
                   check=True)
    started.wait_log("state-recovered")
    assert json.load(open(f"{disk}/{HOSTNAME}/node.json", encoding="utf-8"))["id"] == "A1"
    assert len(started.entries("state-unwritable")) == 1


def test_a_state_root_that_may_not_be_written(agent, master, state_root, as_nobody):
    state_root.chmod(0o555)
    state_root.parent.chmod(0o755)
    for parent in list(state_root.parents)[1:4]:
        if parent.stat().st_uid == 0 and parent.stat().st_mode & 0o001 == 0:
            parent.chmod(0o711)
    started = agent(user="nobody", REPORT_INTERVAL_SECONDS="1")
    started.wait_log("state-unwritable")
    started.wait_log("report-ok", count=2)
    shutil.chown(state_root, "nobody")
    state_root.chmod(0o755)
    started.wait_log("state-recovered")
    assert json.loads(started.node_json.read_text())["id"] == "A1"


def test_the_folder_may_go_away(agent, master):
    started = agent(REPORT_INTERVAL_SECONDS="1")
    started.wait_online()
    shutil.rmtree(started.folder)
    wait_until(started.node_json.exists, 10, "node.json is back")
    assert json.loads(started.node_json.read_text())["id"] == "A1"
    count = len(started.entries("report-ok"))
    started.wait_log("report-ok", count=count + 2)


def test_a_file_that_went_away_is_written_again_without_a_new_object(agent, master):
    started = agent(REPORT_INTERVAL_SECONDS="1")
    started.wait_online()
    master.behave({"match": "report", "status": 204})
    started.node_json.unlink()
    wait_until(started.node_json.exists, 10, "node.json is back")
    assert json.loads(started.node_json.read_text())["id"] == "A1"


def test_a_long_host_name(agent, master):
    """253 bytes are a host name's limit, and a folder's is 255."""
    started = agent(AGENT_HOSTNAME="dev-alice-" + "x" * 243)
    started.wait_online()
    assert started.node_json.exists()
