# SPDX-License-Identifier: MIT
"""Health files: spliced in verbatim, or left out and named; none of them can hold the agent up."""

import fcntl
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time

import pytest

from support import proc
from support.agent import health_folder
from support.inotify import ReadWatch
from support.wait import wait_until

MIB = 1024 * 1024


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs in the directory of another user")
def test_root_follows_no_link_of_another_user(agent, master, run_agent, state_root, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "log-secret.json").write_text("1")
    state = health_folder(state_root).parent
    (state / "health").rmdir()
    (state / "health").symlink_to(elsewhere)
    assert run_agent("--once")[0] == 0
    assert reported(master.wait_for_requests(1, kind="report")[0]["body"]) == {"log-secret": 1}  # of root's own
    os.chown(state, 65534, 65534)
    started = agent(AGENT_REPORT_ON_CHANGE="yes")
    assert reported(master.wait_for_requests(2, kind="report")[1]["body"]) == {}
    wait_until(lambda: "Cannot watch" in started.output() and "Cannot read" in started.output())
    assert run_agent("--check")[0] == 78


@pytest.fixture
def first_report(agent, master):
    """Starts an agent over what lies in health/; returns the text of its first report."""
    def get(**variables):
        agent(**variables)
        return master.wait_for_requests(1, kind="report")[0]["body"]

    return get


def reported(body):
    return json.loads(body)["health"]


def bad_files(agent, deadline=10):
    """What the log says of bad files: {ARGUS_HEALTH_FILE: message}, once the first report is through."""
    agent.wait_online(deadline)
    return {entry["ARGUS_HEALTH_FILE"]: entry["MESSAGE"] for entry in agent.entries("health-file-bad")
            if "ARGUS_HEALTH_FILE" in entry}


def test_files_of_modules_arrive(first_report, health, master):
    (health / "log-fluentbit.json").write_text('{"status": "healthy", "lag": 3}')
    (health / "metric-node-exporter.json").write_text('{"status": "ok"}')
    assert reported(first_report()) == {"log-fluentbit": {"status": "healthy", "lag": 3},
                                        "metric-node-exporter": {"status": "ok"}}
    wait_until(lambda: master.node("A1")["health"]["log-fluentbit"]["lag"] == 3, 10, "the Master has it")


VERBATIM = ['{"n": 18446744073709551615}', '{"a":1.10,  "b" : 1E300}', '{"t":"\\u00e9\\/ é 😀"}', '{"x":1,"x":2}',
            '[]', '{}', 'null', 'true', '42', '-0.0', '"text"', '"\\ud83d\\ude00"', '[ {"deep":\n\t[1,\r\n2]} ]']


def test_values_are_spliced_in_verbatim(first_report, health):
    for number, text in enumerate(VERBATIM):
        (health / f"raw-{number:02}.json").write_bytes(text.encode())
    body = first_report()
    for number, text in enumerate(VERBATIM):
        after = body.split(f'"raw-{number:02}":', 1)[1].lstrip(" ")
        assert after.startswith(text), (text, after[:80])
    assert len(json.loads(body)["health"]) == len(VERBATIM)


def test_white_space_around_does_not_matter(first_report, health):
    (health / "log-a.json").write_text(' \n\t{"a": 1}\r\n \n')
    assert reported(first_report()) == {"log-a": {"a": 1}}


INVALID = {"empty": b"", "white space": b" \n", "half": b'{"a": 1', "half a string": b'"abc', "trailing": b'{} {}',
           "trailing comma": b'[1,]', "leading zero": b'{"a": 01}', "bare dot": b"[1.]", "plus": b"[+1]", "hex": b"[0x1]",
           "NaN": b"[NaN]", "Infinity": b"[-Infinity]", "single quotes": b"{'a': 1}", "comment": b"{} // x",
           "control in string": b'{"a": "x\ny"}', "tab in string": b'["\t"]', "DEL-free NUL": b'{"a": "\x00"}',
           "NUL after": b"{}\x00", "bad UTF-8": b'["\xff"]', "overlong": b'["\xc0\xaf"]', "surrogate": b'["\xed\xa0\x80"]',
           "too high": b'["\xf4\x90\x80\x80"]', "BOM": b"\xef\xbb\xbf{}", "UTF-16": '{"a": 1}'.encode("utf-16"),
           "bad escape": b'["\\x41"]', "short escape": b'["\\u00e"]', "word": b"nul", "closing": b"]", "colon": b'{"a" 1}',
           "number key": b"{1: 2}", "too deep": b"[" * 513 + b"]" * 513, "much too deep": b"[" * 100000}

# JSON, but parsers that a Master is likely to have refuse the whole report for it.
NOT_PORTABLE = {"half a pair": b'{"name": "\\ud800"}', "the other half": b'{"name": "\\udfff"}',
                "in a name": b'{"\\ud800": 1}', "NUL": b'{"name": "a\\u0000b"}', "beyond a double": b'{"n": 1e999}',
                "a long integer": b'{"n": ' + b"7" * 5000 + b"}", "61 levels": b"[" * 61 + b"]" * 61,
                "512 levels": b"[" * 512 + b"]" * 512}
PORTABLE = {"60 levels": b"[" * 60 + b"]" * 60, "names twice": b'{"a": 1, "a": 2}',
            "beyond 2^53": b'{"n": 18446744073709551615, "m": -9007199254740993}', "a pair": b'{"s": "\\ud83d\\ude00"}'}


def test_one_bad_file_never_spoils_the_report(agent, master, bus, health):
    names = {f"bad-{number:02}": (what, content) for number, (what, content) in enumerate(INVALID.items())}
    for key, (_, content) in names.items():
        (health / f"{key}.json").write_bytes(content)
    (health / "good-file.json").write_text('{"ok": true}')
    (health / "good-deep.json").write_bytes(b"[" * 60 + b"]" * 60)
    started = agent()
    body = master.wait_for_requests(1, kind="report")[0]["body"]
    assert set(reported(body)) == {"good-file", "good-deep"}
    bus.wait_property("HealthFiles", lambda rows: len(rows) == len(INVALID) + 2)
    verdicts = {key: verdict for key, verdict, _ in bus.get("HealthFiles")}
    assert verdicts == {key: "invalid" for key in names} | {"good-file": "ok", "good-deep": "ok"}
    started.wait_online()
    assert 1 <= len(bad_files(started)) <= len(INVALID)


def test_json_that_is_not_portable_never_spoils_the_report(agent, master, bus, health):
    for number, content in enumerate(NOT_PORTABLE.values()):
        (health / f"bad-{number}.json").write_bytes(content)
    for number, content in enumerate(PORTABLE.values()):
        (health / f"good-{number}.json").write_bytes(content)
    agent()
    body = master.wait_for_requests(1, kind="report")[0]["body"]
    assert set(reported(body)) == {f"good-{number}" for number in range(len(PORTABLE))}
    for content in PORTABLE.values():
        assert content.decode() in body, "byte for byte"
    bus.wait_property("HealthFiles", lambda rows: len(rows) == len(NOT_PORTABLE) + len(PORTABLE))
    for key, verdict, reason in bus.get("HealthFiles"):
        if key.startswith("bad"):
            assert verdict == "invalid" and reason.startswith("JSON, but not portable (RFC 7493): "), (key, reason)


@pytest.mark.usefixtures("master")
@pytest.mark.parametrize("content,reason", [
    ('{"a": 1}'.encode("utf-16"), "UTF-16, not UTF-8 at byte 0"), ('{"a": 1}'.encode("utf-16-le"), "UTF-16, not UTF-8 at byte 1"),
    (b'{"t": NaN}', "NaN and Infinity are not JSON at byte 6"), (b'[-Infinity]', "NaN and Infinity are not JSON at byte 2"),
    (b'[1, nan]', "NaN and Infinity are not JSON at byte 4")])
def test_what_writers_get_wrong_is_named(agent, health, content, reason):
    (health / "log-a.json").write_bytes(content)
    started = agent()
    assert bad_files(started) == {"log-a": f"Health file log-a is skipped (invalid): {reason}"}


NAMES_IN = ["log-fluentbit", "a-b", "A.b_c-9", "x-" + "y" * 126, "a--b", "m-.x"]
NAMES_IGNORED = [".hidden-file.json", ".hidden.JSON", "log-a.json.tmp", "log-ajson", "-", ".json", "README", "lost+found"]
NAMES_MISNAMED = ["disk.json", "-a.json", "a-.json", "-.json", "log-a.JSON", "Disk.Json"]
NAMES_INVALID = ["a-b c.json", "a-é.json", "x-" + "y" * 127 + ".json", "a-\n\x1b[31m.json", "systemd-nginx.json",
                 'a-"b.json', "a-b\\.json", "a-b:c.json"]


def test_names(agent, master, health):
    for name in NAMES_IN:
        (health / f"{name}.json").write_text("1")
    for name in NAMES_IGNORED + NAMES_INVALID + NAMES_MISNAMED:
        (health / name).write_text("1")
    with open(os.fsencode(health) + b"/a-\xff\xfe.json", "w", encoding="ascii") as file:
        file.write("1")
    started = agent()
    body = master.wait_for_requests(1, kind="report")[0]["body"]
    assert set(reported(body)) == set(NAMES_IN)
    said = bad_files(started)
    assert len(said) == len(NAMES_INVALID) + 1 + len(NAMES_MISNAMED), said
    for name in NAMES_MISNAMED:
        assert said[name] == f"Health file {name} is skipped (invalid): not named PREFIX-NAME.json"
    assert any(key.startswith("systemd-nginx") for key in said)
    for line in started.lines:
        assert line.isprintable() or line.startswith("{"), line
    for entry in started.entries():
        assert "\x1b" not in entry["MESSAGE"] and "\n" not in entry["MESSAGE"]


def test_what_is_no_file_is_not_read(agent, master, health, tmp_path):
    secret = tmp_path / "secret.json"
    secret.write_text('{"secret": 1}')
    os.mkfifo(health / "a-fifo.json")
    (health / "a-folder.json").mkdir()
    (health / "a-link.json").symlink_to(secret)
    (health / "a-broken.json").symlink_to("nowhere")
    (health / "a-loop.json").symlink_to("a-loop.json")
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(health)  # a socket's path is short
        try:
            listener.bind("a-socket.json")
        finally:
            os.chdir("/")
    if os.geteuid() == 0:
        os.mknod(health / "a-device.json", 0o666 | 0o020000, os.makedev(1, 5))  # /dev/zero
    (health / "b-file.json").write_text("1")
    started = agent()
    [report] = master.wait_for_requests(1, kind="report")
    assert reported(report["body"]) == {"b-file": 1}
    assert report["monotonic"] - started.started < 2, "nothing of it blocks"


HOLD_LEASE = """
import fcntl, os, signal, sys
signal.signal(signal.SIGIO, signal.SIG_IGN)
file = open(sys.argv[1], "r+")
fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print("held", flush=True)
signal.pause()
"""


def test_a_leased_file_does_not_block(agent, master, health):
    path = health / "a-leased.json"
    path.write_text("1")
    (health / "b-file.json").write_text("2")
    with subprocess.Popen([sys.executable, "-c", HOLD_LEASE, path], stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout.readline() == b"held\n"
            started = agent()
            [report] = master.wait_for_requests(1, kind="report")
            assert reported(report["body"]) == {"b-file": 2}
            assert report["monotonic"] - started.started < 2
            assert any("a-leased" in key for key in bad_files(started))
        finally:
            holder.kill()


def test_a_half_written_file_is_read_once_more(run_agent, master, health):
    """The rest is written as soon as the agent has read the first half. A loaded machine may be too late with that,
    as a module may be: then the file is left out, and it is tried again."""
    path = health / "log-slow.json"

    def complete_when_read(watch):
        watch.wait(10)
        with open(path, "a", encoding="ascii") as file:
            file.write("}")

    for _ in range(10):
        path.write_text('{"a": 1')
        watch = ReadWatch(path)
        writer = threading.Thread(target=complete_when_read, args=[watch])
        writer.start()
        assert run_agent("--once")[0] == 0
        writer.join()
        watch.close()
        if reported(master.requests("report")[-1]["body"]) == {"log-slow": {"a": 1}}:
            return
    pytest.fail("the second half never arrived in the second read")


def test_a_file_that_stays_half_is_named(agent, master, health):
    (health / "log-half.json").write_text('{"a": 1')
    started = agent()
    assert any("log-half" in key for key in bad_files(started))


def test_size_limits(agent, master, health):
    (health / "a-fits.json").write_text('"' + "x" * (MIB - 2) + '"')
    (health / "b-large.json").write_text('"' + "x" * (MIB - 1) + '"')
    (health / "c-sparse.json").write_bytes(b"1")
    os.truncate(health / "c-sparse.json", 1 << 40)
    (health / "d-file.json").write_text("1")
    started = agent()
    body = master.wait_for_requests(1, kind="report")[0]["body"]
    assert set(reported(body)) == {"a-fits", "d-file"}
    said = bad_files(started)
    assert {key.removesuffix(".json") for key in said} == {"b-large", "c-sparse"}


def test_256_files_in_byte_order(agent, master, health):
    names = [f"m-{number:03}" for number in range(260)] + ["Z-upper"]
    for name in names:
        (health / f"{name}.json").write_text("1")
    started = agent()
    body = master.wait_for_requests(1, kind="report")[0]["body"]
    assert set(reported(body)) == set(sorted(names)[:256])
    assert {key.removesuffix(".json") for key in bad_files(started)} == set(sorted(names)[256:])


def test_8_mebibytes_in_all(agent, master, health):
    for number in range(9):
        (health / f"m-{number}.json").write_text('"' + "x" * (MIB - 2) + '"')
    (health / "z-small.json").write_text("1")
    started = agent()
    body = master.wait_for_requests(1, 20, kind="report")[0]["body"]
    assert set(reported(body)) == {f"m-{number}" for number in range(7)} | {"z-small"}
    assert any("m-8" in key for key in bad_files(started, 20))


def test_a_crowd_takes_nobodys_place(agent, master, health):
    """Neither by its number nor by its size; also where all files are of one user, as in a container."""
    for number in range(300):
        (health / f"a-{number:03}.json").write_text("1")
    for number in range(10):
        (health / f"b-{number}.json").write_text('"' + "x" * (MIB - 2) + '"')
    (health / "log-fluentbit.json").write_text("2")
    (health / "metric-large.json").write_text('"' + "x" * (MIB - 2) + '"')
    agent()
    body = master.wait_for_requests(1, 20, kind="report")[0]["body"]
    found = reported(body)
    assert {"log-fluentbit", "metric-large"} <= set(found)
    assert len(found) == 256 and len([key for key in found if key.startswith("b-")]) == 6


def test_a_crowd_of_another_user(agent, master, health, as_root):
    """Many prefixes are not many shares."""
    for number in range(300):
        path = health / f"a{number}-x.json"
        path.write_text("1")
        os.chown(path, 65534, -1)
    for number in range(128):
        (health / f"log-{number}.json").write_text("1")
    agent()
    found = reported(master.wait_for_requests(1, 20, kind="report")[0]["body"])
    assert len(found) == 256 and {f"log-{number}" for number in range(128)} <= set(found)


def test_misnamed_files_use_no_limit(agent, master, bus, health):
    for number in range(256):
        (health / f"m-{number:03}.json").write_text("1")
    for number in range(100):
        (health / f"disk{number:02}.json").write_text("1")
    started = agent(REPORT_INTERVAL_SECONDS="1")
    bus.wait_property("HealthFiles", lambda rows: len(rows) == 256 + 32)
    rows = bus.get("HealthFiles")
    assert rows[0] == ["disk00.json", "invalid", "not named PREFIX-NAME.json"]
    assert [verdict for _, verdict, _ in rows[32:]] == ["ok"] * 256
    started.wait_log("report-ok", count=3)
    assert len(started.entries(ARGUS_HEALTH_FILE="disk00.json")) == 1
    (health / "disk00.json").unlink()
    count = len(started.entries("report-ok"))
    started.wait_log("report-ok", count=count + 2)
    assert len(started.entries(ARGUS_HEALTH_FILE="disk00.json")) == 1, "nobody missed it"


def test_thousands_of_files_are_bounded(agent, master, health):
    for number in range(5000):
        (health / f"m-{number:04}.json").write_text("1")
    started = agent()
    body = master.wait_for_requests(1, 20, kind="report")[0]["body"]
    assert len(reported(body)) == 256
    started.wait_online(20)
    assert started.rss() < 400 * MIB
    assert len(started.lines) < 2000


def test_thousands_of_files_that_change_cost_little(agent, master, health):
    """What is looked at is bounded, and nothing of it stays open."""
    for number in range(5000):
        (health / f"m-{number:04}.json").write_text("1")
    started = agent(REPORT_INTERVAL_SECONDS="1")
    started.wait_online(20)
    settled = len(proc.open_files(started.pid))
    count, number = len(master.requests("report")), 0
    while len(found := master.requests("report")) < count + 5:
        for _ in range(50):
            number += 1
            (health / ".new").write_text(str(number))
            (health / ".new").rename(health / f"m-{number * 7 % 5000:04}.json")
    for before, after in zip(found[count:], found[count + 1:]):
        assert after["monotonic"] - before["monotonic"] < 2, "a report each second"
    assert all(len(reported(request["body"])) == 256 for request in found)
    assert len(proc.open_files(started.pid)) <= settled + 1
    assert not started.entries("report-failed") and started.rss() < 400 * MIB


@pytest.mark.parametrize("mode,owner", [(0o000, "root"), (0o600, "root")])
def test_a_file_that_may_not_be_read(agent, master, health, state_root, as_nobody, mode, owner):
    for folder in (state_root, health.parent, health, health / "log-root.json"):
        if folder.suffix:
            folder.write_text("1")
        else:
            folder.chmod(0o777)
    (health / "log-root.json").chmod(mode)
    (health / "log-open.json").write_text("2")
    for parent in state_root.parents:
        if parent.stat().st_mode & 0o001 == 0:
            parent.chmod(parent.stat().st_mode | 0o011)
    started = agent(user="nobody")
    body = master.wait_for_requests(1, kind="report")[0]["body"]
    assert reported(body) == {"log-open": 2}
    [words] = bad_files(started).values()
    assert "0640" in words or "group" in words, "the log says how to mend it"


def test_bad_is_said_once(agent, master, health):
    """And while it flips, or goes, not again for 10 minutes; unit/test-health-set.c has the time to see what then."""
    path = health / "log-a.json"
    path.write_text("[1,]")
    started = agent(REPORT_INTERVAL_SECONDS="1")
    started.wait_log("report-ok", count=3)
    path.write_text("[1]")
    wait_until(lambda: reported(master.requests("report")[-1]["body"]) == {"log-a": [1]}, 10, "the good file")
    path.write_text("[2,]")
    wait_until(lambda: reported(master.requests("report")[-1]["body"]) == {}, 10, "the bad file")
    path.unlink()
    count = len(started.entries("report-ok"))
    started.wait_log("report-ok", count=count + 2)
    assert [entry["ARGUS_EVENT"] for entry in started.entries(ARGUS_HEALTH_FILE="log-a")] == ["health-file-bad"]


def test_a_crowd_that_flips_is_logged_in_30_lines_a_minute(agent, master, bus, health):
    """Its first minute; unit/test-log-policy.c has a day of it."""
    def write(text):
        for number in range(256):
            (health / ".new").write_text(text)
            (health / ".new").rename(health / f"m-{number:03}.json")

    write("1")
    started = agent(REPORT_INTERVAL_SECONDS="1", AGENT_REPORT_ON_CHANGE="yes")
    started.wait_online()
    begun = time.monotonic()
    for turn in range(6):
        write("bad" if turn % 2 == 0 else "1")
        wanted = 0 if turn % 2 == 0 else 256
        wait_until(lambda: len(reported(master.requests("report")[-1]["body"])) == wanted, 10, f"{wanted} files")
    verdicts = ["invalid"] * 256
    write("bad")
    bus.wait_property("HealthFiles", lambda rows: [verdict for _, verdict, _ in rows] == verdicts)
    assert time.monotonic() - begun < 60, "within the minute that is counted here"
    lines = [entry for entry in started.entries() if "ARGUS_HEALTH_FILE" in entry]
    assert len(lines) == 30 and len({entry["ARGUS_HEALTH_FILE"] for entry in lines}) == 30
    [summary] = [entry["MESSAGE"] for entry in started.entries() if "not logged" in entry["MESSAGE"]]
    assert re.fullmatch(r"\d+ more changes of health files were not logged; argusctl health shows all\.", summary)


def test_a_change_of_the_same_size_is_seen(agent, master, health):
    """Also within one tick of the file system's clock, and with the times set back."""
    path = health / "log-a.json"
    path.write_text("1")
    started = agent(REPORT_INTERVAL_SECONDS="1")
    for value in range(2, 6):
        count = len(master.requests("report"))
        master.wait_for_requests(count + 1, kind="report")
        path.write_text(str(value))
        os.utime(path, (1_000_000_000, 1_000_000_000))
        wait_until(lambda: reported(master.requests("report")[-1]["body"]) == {"log-a": value}, 5, f"value {value}")
    assert started.is_running


def test_stale_files_are_left_out(agent, master, health):
    (health / "log-old.json").write_text("1")
    (health / "log-new.json").write_text("2")
    old = time.time() - 120
    os.utime(health / "log-old.json", (old, old))
    started = agent(AGENT_HEALTH_MAX_AGE_SECONDS="60")
    body = master.wait_for_requests(1, kind="report")[0]["body"]
    assert reported(body) == {"log-new": 2}
    assert any("log-old" in key for key in bad_files(started))


def test_old_files_count_by_default(first_report, health):
    (health / "log-old.json").write_text("1")
    os.utime(health / "log-old.json", (1, 1))
    assert reported(first_report()) == {"log-old": 1}


def test_a_writer_that_never_stops(agent, master, health):
    """A module that rewrites its file in place all the time never makes a report bad."""
    path = health / "log-busy.json"
    path.write_text('{"n": 0}')
    started = agent(REPORT_INTERVAL_SECONDS="1")
    number = 0
    while len(master.requests("report")) < 4:
        number += 1
        path.write_text(json.dumps({"n": number, "pad": "x" * (number % 5000)}))
    for request in master.requests("report"):
        assert set(reported(request["body"])) <= {"log-busy"}
    assert not started.entries("report-failed")


def test_a_locked_file_is_read(first_report, health):
    path = health / "log-a.json"
    path.write_text("1")
    with open(path, "r+", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert reported(first_report()) == {"log-a": 1}


def test_the_health_folder_may_be_missing(agent, master, health):
    started = agent(REPORT_INTERVAL_SECONDS="1")
    started.wait_online()
    health.rmdir()
    count = len(started.entries("report-ok"))
    started.wait_log("report-ok", count=count + 2)
    health.mkdir(exist_ok=True)
    (health / "log-a.json").write_text("1")
    wait_until(lambda: reported(master.requests("report")[-1]["body"]) == {"log-a": 1}, 10, "the new folder's file")
