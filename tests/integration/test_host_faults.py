# SPDX-License-Identifier: MIT
"""The host has a bad day: its clock, its limits, what is mounted, what a program inherits."""

import contextlib
import datetime
import itertools
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import conditions
import pytest
from support.agent import BINARY, write_node_json
from support.bus import BusError
from support.proc import cpu_seconds, open_files
from support.program import Program
from support.wait import wait_until

SUPPORT = Path(__file__).parents[1] / "support"
TEN_YEARS = 3650 * 86400
SOMEBODY = 61234  # nobody else runs as this user, whose processes are counted


def reports(master):
    return master.requests("report")


def reported_time(request):
    text = json.loads(request["body"])["timestamp"]
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def preloadable(name, folder):
    library = folder / f"{name}.so"
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", library, SUPPORT / f"{name}.c"], check=True)
    return library


class WallClock:
    """CLOCK_REALTIME of one program; the clocks that only go forward stay real."""

    def __init__(self, folder):
        self._file = folder / "shift"
        self._file.write_bytes(bytes(8))
        self._steps = folder / "shift.steps"
        os.mkfifo(self._steps)
        self._steps_fd = os.open(self._steps, os.O_RDWR | os.O_NONBLOCK)
        self.variables = {"LD_PRELOAD": preloadable("wall-clock", folder), "WALL_CLOCK_SHIFT": self._file,
                          "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}

    def shift(self, seconds):
        with open(self._file, "r+b") as file:
            file.write(seconds.to_bytes(8, sys.byteorder, signed=True))
        os.write(self._steps_fd, bytes(8))

    def close(self):
        os.close(self._steps_fd)


@pytest.fixture
def wall_clock(tmp_path):
    clock = WallClock(tmp_path)
    yield clock
    clock.close()


@pytest.mark.parametrize("jumps", [(TEN_YEARS, 0), (-TEN_YEARS, TEN_YEARS)], ids=["forth", "back"])
def test_a_clock_that_jumps_by_years_moves_no_report(agent, master, bus, health, wall_clock, jumps):
    (health / "log-a.json").write_text("1")
    started = agent(REPORT_INTERVAL_SECONDS="1", **wall_clock.variables)
    started.wait_online()
    for jump in jumps:
        wall_clock.shift(jump)
        found = master.wait_for_more(5, 15)[-4:]
        for request in found:
            assert abs(reported_time(request) - jump - request["wall"]) < 5, "the report has the new time"
        for before, after in zip(found, found[1:]):
            assert 0.3 < after["monotonic"] - before["monotonic"] < 2, "the pace is the old one"
        told = {name: bus.get(name) / 1e6 - jump for name in ("LastReportTimestamp", "NextReportTimestamp")}
        assert all(abs(moment - time.time()) < 5 for moment in told.values()), told
    assert not started.entries("report-failed") and len(master.requests("register")) == 1
    assert started.stop() == 0
    assert json.loads(started.node_json.read_text())["id"] == "A1"


@pytest.mark.parametrize("jump", [3600, -3600])
def test_the_next_report_is_told_by_the_new_clock(agent, master, bus, wall_clock, jump):
    """At once: the next report, which would tell it too, is an hour away."""
    agent(REPORT_INTERVAL_SECONDS="3600", **wall_clock.variables).wait_online()
    bus.wait_property("NextReportTimestamp", lambda moment: moment > 0)
    expected = bus.get("NextReportTimestamp") / 1e6 + jump
    wall_clock.shift(jump)
    bus.wait_property("NextReportTimestamp", lambda moment: abs(moment / 1e6 - expected) < 5)


def test_a_start_in_the_past(agent, master, state_root, health, wall_clock):
    """A machine whose clock battery is empty starts in the past: files of the future are no hindrance."""
    wall_clock.shift(-2 * TEN_YEARS)
    (health / "log-a.json").write_text("1")
    (health.parent / "node.json").write_text("{")
    (health.parent / "node.json.corrupt-20261124T000000Z").write_text("{")
    started = agent(AGENT_HEALTH_MAX_AGE_SECONDS="60", **wall_clock.variables)
    started.wait_online()
    assert json.loads(reports(master)[0]["body"])["health"] == {"log-a": 1}
    assert json.loads(started.node_json.read_text())["id"] == "A1"


def set_limit(started, kind, soft):
    _, hard = resource.prlimit(started.pid, kind)
    resource.prlimit(started.pid, kind, (soft, hard))


def test_no_file_can_be_opened_any_more(agent, master, bus, health):
    """What is open goes on; what cannot be opened is said, and heals as soon as there is room again."""
    (health / "log-a.json").write_text("1")
    started = agent(REPORT_INTERVAL_SECONDS="1")
    started.wait_online()
    bus.wait_agent()
    settled = open_files(started.pid)
    set_limit(started, resource.RLIMIT_NOFILE, 3)

    (health / "log-a.json").write_text('"changed"')  # has to be read again
    master.wait_for_more(3, 15)
    assert not started.entries("report-failed")

    master.stop()  # neither a new connection nor a socket for a new bus
    bus.stop()
    started.wait_log("report-failed")
    bus.start()
    master.start()
    wait_until(lambda: started.is_running and started.entries("bus-lost"), 10, "the bus is lost")
    begun = cpu_seconds(started.pid)
    time_passes(3)
    assert cpu_seconds(started.pid) - begun < 1, "it spins"

    set_limit(started, resource.RLIMIT_NOFILE, 1024)
    found = master.wait_for_more(3, 15)
    assert json.loads(found[-1]["body"])["health"] == {"log-a": "changed"}
    bus.wait_property("State", "online", 20)
    wait_until(lambda: len(open_files(started.pid)) <= len(settled) + 1, 10,
               lambda: f"as many files as before ({settled}): {open_files(started.pid)}")


def time_passes(seconds):
    """Not a wait for anything: what is measured needs this long."""
    time.sleep(seconds)


@pytest.mark.parametrize("limit", [*range(4, 16), 20])
def test_few_files_from_the_start(agent, master, health, limit):
    """It works, or it ends with words; it neither hangs nor crashes."""
    (health / "log-a.json").write_text("1")
    started = agent(REPORT_INTERVAL_SECONDS="1", wrapper=["prlimit", f"--nofile={limit}:1024"])
    wait_until(lambda: not started.is_running or started.entries("report-ok") or started.entries("register-failed"), 10,
               lambda: f"it comes to something: {started.output()}")
    if started.is_running:
        set_limit(started, resource.RLIMIT_NOFILE, 1024)
        started.wait_online()
    else:
        assert started.wait_exit() == 1 and started.output().strip()


def test_no_memory_is_left(agent, master, bus, health):
    """What needs more than there is fails, one thing at a time, and heals."""
    started = agent(REPORT_INTERVAL_SECONDS="1")
    started.wait_online()
    bus.wait_agent()
    set_limit(started, resource.RLIMIT_DATA, 0)
    for number in range(8):
        (health / f"log-{number}.json").write_text(json.dumps("x" * 900_000))
    for _ in range(10):
        with contextlib.suppress(BusError):
            bus.call("GetHealth")
    master.behave({"match": "report", "huge": 1_000_000})
    time_passes(3)
    master.behave()
    assert started.is_running, started.output()

    set_limit(started, resource.RLIMIT_DATA, resource.RLIM_INFINITY)
    wait_until(lambda: len(json.loads(reports(master)[-1]["body"])["health"]) == 8, 20, "all files are reported")
    for number in range(8):  # on a busy machine 7 MB may take longer than the second that an attempt has
        (health / f"log-{number}.json").unlink()
    bus.wait_property("State", "online", 20)


def test_no_memory_at_the_start(agent, state_root, tmp_path):
    """Whichever allocation fails: it goes on, or it ends with words."""
    if b"__asan_init" in BINARY.read_bytes():
        pytest.skip("a sanitizer has its own malloc()")
    library = preloadable("short-memory", tmp_path)
    write_node_json(state_root, '{"id": "A7", "name": "dev-alice-web01"}')
    failed = 0
    for number in itertools.count(1):
        checked = agent("--check", LD_PRELOAD=library, MEMORY_FAILS_AT=number, MASTER_ENDPOINT="http://127.0.0.1:3000")
        status, said = checked.wait_exit(), checked.output("stderr")
        if "memory sufficed" in said:
            break
        assert status == 0 or (status == 1 and "Cannot go on: Cannot allocate memory" in said), (number, status, said)
        failed += status
    assert failed > 10


@pytest.fixture
def memory_group(as_root):
    """A control group: memory_group(bytes) is a wrapper that runs a program within that limit."""
    if b"__asan_init" in BINARY.read_bytes():
        pytest.skip("a sanitizer needs more memory than the agent")
    old, new = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")
    if old.is_dir():
        parent, limit_name = old, "memory.limit_in_bytes"
    elif "memory" in (new / "cgroup.subtree_control").read_text().split():
        parent, limit_name = new, "memory.max"
    else:
        pytest.skip("needs a control group with the memory controller: enable it in /sys/fs/cgroup/cgroup.subtree_control")
    group = Path(tempfile.mkdtemp(prefix="argus-agent-test-", dir=parent))

    def within(limit):
        (group / limit_name).write_text(str(limit))
        return ["sh", "-ec", f'echo $$ >{group}/cgroup.procs\nexec "$@"', "sh"]

    yield within
    wait_until(lambda: not (group / "cgroup.procs").read_text(), 10, "the group is empty")
    group.rmdir()


def test_few_megabytes_are_enough(agent, master, bus, health, memory_group):
    """It works within 2 MiB, its libraries in memory already; within 1.5 MiB it does not."""
    for number in range(5):
        (health / f"log-{number}.json").write_text(json.dumps("x" * 400))
    started = agent(REPORT_INTERVAL_SECONDS="1", wrapper=memory_group(6 << 20))
    started.wait_online(20)
    assert len(json.loads(master.wait_for_more(3, 15)[-1]["body"])["health"]) == 5
    assert bus.call("Report") == 200
    assert started.stop() == 0


def test_too_little_memory_loses_no_identity(agent, master, memory_group):
    first = agent()
    first.wait_online()
    assert first.stop() == 0
    for _ in range(3):  # as systemd would
        assert agent(wrapper=memory_group(1 << 20)).wait_exit() == -signal.SIGKILL
    agent().wait_online()
    assert [node["id"] for node in master.nodes()] == ["A1"]
    assert json.loads(master.requests("register")[-1]["body"])["id"] == "A1"


def test_a_small_stack(agent, master, health):
    (health / "log-a.json").write_text("[" * 60 + "]" * 60)
    started = agent(wrapper=["prlimit", "--stack=131072"])
    started.wait_online()
    assert json.loads(reports(master)[0]["body"])["health"]


def in_own_mounts(script):
    """A wrapper that runs this in a mount namespace of its own first."""
    return ["unshare", "--mount", "--propagation", "private", "--", "sh", "-ec", script + '\nexec "$@"', "sh"]


@pytest.fixture
def own_hosts():
    conditions.skip_without("hosts")


def test_no_thread_can_be_made(agent, master, own_mounts, own_hosts, tmp_path):
    """libcurl's resolver wants a thread: a name cannot be found then, which is a failure like others."""
    as_somebody = ["setpriv", f"--reuid={SOMEBODY}", f"--regid={SOMEBODY}", "--clear-groups", "--"]
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 master.test\n")
    other = Program([*as_somebody, "sleep", "1000"])  # these two are all that the user may have
    try:
        started = agent(MASTER_ENDPOINT=f"http://master.test:{master.port}", REPORT_INTERVAL_SECONDS="1", wrapper=[
            *in_own_mounts(f"mount --bind {hosts} /etc/hosts"), "prlimit", "--nproc=2", "--", *as_somebody])
        started.wait_log("register-failed")
        assert not reports(master)
    finally:
        other.kill()
    started.wait_online(20)


@pytest.mark.parametrize("gone", [["/proc"], ["/sys"], ["/proc", "/sys", "/run", "/etc"]], ids="+".join)
def test_without_what_the_system_mounts(agent, master, own_mounts, health, gone):
    (health / "log-a.json").write_text("1")
    mounts = "\n".join(f"mount -t tmpfs none {folder}" for folder in gone)
    started = agent(REPORT_INTERVAL_SECONDS="1", wrapper=in_own_mounts(mounts))
    started.wait_online()
    assert json.loads(reports(master)[0]["body"])["health"] == {"log-a": 1}
    described = json.loads(master.requests("register")[0]["body"])["meta_data"]
    assert described["cpu_number"] >= 1 and described["memory_in_bytes"] >= 0
    if "/proc" in gone:
        started.kill()  # its sanitizer's leak check at an orderly end would want to read there


def test_nothing_can_be_written(agent, master, own_mounts, health):
    """A root that is read-only, with nothing writable on it."""
    (health / "log-a.json").write_text("1")
    read_only = "mount --rbind / /\nmount -t tmpfs -o ro none /dev/shm\nmount -o remount,bind,ro /\n" + \
        f"mount --bind {health.parent} {health.parent}\nmount -o remount,bind,ro {health.parent}"
    started = agent(REPORT_INTERVAL_SECONDS="1", wrapper=in_own_mounts(read_only))
    started.wait_log("state-unwritable")
    started.wait_online()
    master.wait_for_more(3, 15)
    assert not started.node_json.exists()


@pytest.mark.parametrize("odd", [
    {"TZ": "Asia/Kathmandu"}, {"TZ": ":/nowhere"}, {"TZ": "x" * 5000}, {"TZ": "\x01"},
    {"LC_ALL": "tr_TR.UTF-8"}, {"LC_ALL": "xx_YY"}, {"LC_ALL": "/../../etc"}, {"LANG": "de_DE"}, {"HOME": None},
    {"LC_ALL": "C", "LANG": "x" * 100_000}, {"MALLOC_ARENA_MAX": "nonsense", "TMPDIR": "/nowhere"},
], ids=lambda odd: next(iter(odd)) + "=" + str(next(iter(odd.values())))[:12].replace("\x01", "1").replace("/", "-"))
def test_an_odd_environment(agent, master, health, odd):
    (health / "log-i.json").write_text('{"I": 1.5}')
    started = agent(**odd, wrapper=["env", "--unset=PATH"])
    started.wait_online()
    request = reports(master)[0]
    assert json.loads(request["body"])["health"] == {"log-i": {"I": 1.5}}
    assert abs(reported_time(request) - request["wall"]) < 5


def test_a_file_that_is_replaced_while_it_is_read(agent, master, health):
    """A reader gets the old or the new one, whole."""
    texts = [json.dumps({"first": number, "text": "x" * 700_000, "last": number}) for number in range(2)]
    started = agent(REPORT_INTERVAL_SECONDS="1")
    started.wait_online()
    master.clear_requests()
    replaced = 0
    while len(found := reports(master)) < 4:
        for text in texts * 5:
            (health / ".new").write_text(text)
            (health / ".new").rename(health / "log-a.json")
            replaced += 1
    assert replaced > 20
    values = [json.loads(request["body"])["health"].get("log-a") for request in found]
    assert any(values)
    for value in filter(None, values):
        assert value["first"] == value["last"] and len(value["text"]) == 700_000
    assert not started.entries("report-failed") and not started.entries("health-file-bad")
