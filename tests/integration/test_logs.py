# SPDX-License-Identifier: MIT
"""What the log says, how often, and that it never holds the agent up."""

import fcntl
import json
import os
import re
import subprocess

import pytest

from support.agent import BINARY, clean_environment
from support.wait import stays_true

FIELDS = {"ARGUS_EVENT", "ARGUS_NODE_ID", "ARGUS_ENDPOINT", "ARGUS_HTTP_STATUS", "ARGUS_ATTEMPT", "ARGUS_RETRY_USEC",
          "ARGUS_DURATION_USEC", "ARGUS_HEALTH_FILE"}
SECRET = "s3cr3t-Wq8"


def test_each_line_of_json_is_one_object_on_stdout(agent, master):
    started = agent()
    started.wait_online()
    started.stop()
    assert started.output("stderr") == ""
    for line in started.lines:
        entry = json.loads(line)
        assert isinstance(entry["MESSAGE"], str) and entry["MESSAGE"]
        assert int(entry["PRIORITY"]) in range(8)
        assert {name for name in entry if name.startswith("ARGUS_")} <= FIELDS


def test_events_of_a_life(agent, master):
    started = agent()
    started.wait_online()
    started.stop()
    events = [entry.get("ARGUS_EVENT") for entry in started.entries() if "ARGUS_EVENT" in entry]
    assert events[0] == "started"
    assert [event for event in events if event in ("registered", "report-ok", "stopping")] \
        == ["registered", "report-ok", "stopping"]
    ids = {}
    for entry in started.entries():
        if "ARGUS_EVENT" in entry:
            assert re.fullmatch(r"[0-9a-f]{32}", entry["MESSAGE_ID"])
            ids.setdefault(entry["ARGUS_EVENT"], entry["MESSAGE_ID"])
    assert len(set(ids.values())) == len(ids)


def test_registered_says_all_of_it(agent, master):
    entry = agent().wait_log("registered")
    assert str(entry["PRIORITY"]) == "5"
    assert entry["ARGUS_NODE_ID"] == "A1"
    assert entry["ARGUS_ENDPOINT"] == master.url
    assert str(entry["ARGUS_HTTP_STATUS"]) == "201"
    assert "A1" in entry["MESSAGE"]


def test_each_report_is_an_info(agent, master):
    started = agent(REPORT_INTERVAL_SECONDS="1")
    entry = started.wait_log("report-ok", count=2)
    assert str(entry["PRIORITY"]) == "6"
    assert (entry["ARGUS_NODE_ID"], str(entry["ARGUS_HTTP_STATUS"])) == ("A1", "200")
    assert 0 < int(entry["ARGUS_DURATION_USEC"]) < 5_000_000


def test_notice_silences_reports(agent, master):
    started = agent(AGENT_LOG_LEVEL="notice", REPORT_INTERVAL_SECONDS="1")
    started.wait_log("registered")
    master.wait_for_answers(3, kind="report")
    assert started.entries("report-ok") == []


def test_err_is_nearly_silent(agent, master):
    started = agent(AGENT_LOG_LEVEL="err")
    master.wait_for_answers(1, kind="report")
    started.stop()
    assert started.lines == []


def test_debug_says_more(agent, master):
    started = agent(AGENT_LOG_LEVEL="debug")
    started.wait_online()
    assert started.entries(PRIORITY=7)


def test_an_outage_is_two_lines(agent, master):
    started = agent(REPORT_INTERVAL_SECONDS="1")
    started.wait_online()
    master.behave({"match": "report", "status": 503, "body": "tired"})
    first = started.wait_log("report-failed")
    assert int(first["PRIORITY"]) <= 4
    assert int(first["ARGUS_RETRY_USEC"]) > 0
    failed = len([request for request in master.requests("report") if request["status"] == 503])
    master.wait_for_requests(len(master.requests("report")) + 4, kind="report")
    master.behave()
    recovered = started.wait_log("report-recovered")
    assert recovered["MESSAGE"].startswith("Reports are accepted again after ")
    assert len(started.entries("report-failed")) == 1
    assert int(recovered["PRIORITY"]) <= 5
    assert int(recovered["ARGUS_DURATION_USEC"]) > 2_000_000
    tries = len([request for request in master.requests("report") if request["status"] == 503])
    assert int(recovered["ARGUS_ATTEMPT"]) in (tries, tries + 1)
    assert tries >= failed + 4
    started.wait_log("report-ok", count=len(started.entries("report-ok")) + 1)
    assert len(started.entries("report-recovered")) == 1


def test_an_outage_of_registration_is_said_once(agent, master):
    master.behave({"match": "register", "status": 503})
    started = agent()
    started.wait_log("register-failed")
    master.wait_for_requests(3, 20, kind="register")
    assert len(started.entries("register-failed")) == 1
    master.behave()
    started.wait_online(40)
    assert len(started.entries("registered")) == 1


def test_the_console_target(agent, master):
    started = agent(AGENT_LOG_TARGET="console")
    line = started.wait_line("A1")
    assert line.stream == "stderr"
    assert "{" not in line and "\x1b" not in line
    started.stop()
    assert started.output("stdout") == ""


@pytest.mark.parametrize("target", ["auto", None])
def test_auto_is_the_console_without_a_journal(agent, master, target):
    assert agent(AGENT_LOG_TARGET=target).wait_line("A1").stream == "stderr"


def test_a_wrong_journal_stream_is_not_believed(agent, master):
    """A shell that was started by a service inherits JOURNAL_STREAM, but its stderr is another."""
    assert agent(AGENT_LOG_TARGET="auto", JOURNAL_STREAM="8:12345").wait_line("A1").stream == "stderr"


def test_a_target_that_is_not_read_does_not_hang_the_agent(master, state_root):
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    environment = clean_environment(state_root, {"MASTER_ENDPOINT": master.url, "REPORT_INTERVAL_SECONDS": "1",
                                                 "AGENT_LOG_LEVEL": "debug"})
    os.set_blocking(writer, False)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(writer, b"x" * 512)
    os.set_blocking(writer, True)
    with subprocess.Popen([BINARY], env=environment, stdin=subprocess.DEVNULL, stdout=writer, stderr=writer) as process:
        try:
            master.wait_for_answers(4, kind="report")
            process.terminate()
            assert process.wait(5) == 0
        finally:
            process.kill()
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("closed", ["1>&- 2>&-", "2>&-", ">/dev/full 2>/dev/full", "0<&- 1>&- 2>&-"])
def test_closed_or_full_streams_are_survived(agent, master, closed):
    agent(wrapper=["sh", "-c", f'exec "$@" {closed}', "sh"])
    master.wait_for_answers(1, kind="report")


def test_a_reader_that_goes_away_is_survived(master, state_root):
    reader, writer = os.pipe()
    environment = clean_environment(state_root, {"MASTER_ENDPOINT": master.url, "REPORT_INTERVAL_SECONDS": "1"})
    with subprocess.Popen([BINARY], env=environment, stdin=subprocess.DEVNULL, stdout=writer, stderr=writer) as process:
        os.close(writer)
        try:
            master.wait_for_answers(1, kind="report")
            os.close(reader)
            master.wait_for_answers(4, kind="report")
            process.terminate()
            assert process.wait(5) == 0
        finally:
            process.kill()


def test_the_token_is_sent_and_never_shown(agent, start_master, tmp_path):
    (tmp_path / "token").write_text(SECRET + "\n")
    master = start_master("--token", SECRET)
    master.behave({"match": "report", "status": 403, "body": "no", "times": 1})
    started = agent(MASTER_ENDPOINT=master.url, MASTER_TOKEN_FILE=tmp_path / "token", AGENT_LOG_LEVEL="debug",
                    REPORT_INTERVAL_SECONDS="2")
    started.wait_log("report-recovered")
    assert SECRET not in started.output()
    with open(f"/proc/{started.pid}/cmdline", encoding="ascii") as command:
        assert SECRET not in command.read()
    assert ["Authorization", f"Bearer {SECRET}"] in master.requests("report")[0]["headers"]


def test_a_rotated_token_heals_a_401(agent, start_master, tmp_path):
    (tmp_path / "token").write_text("old-token")
    master = start_master("--token", SECRET)
    started = agent(MASTER_ENDPOINT=master.url, MASTER_TOKEN_FILE=tmp_path / "token")
    entry = started.wait_log("register-failed")
    assert str(entry["ARGUS_HTTP_STATUS"]) == "401"
    (tmp_path / "token").write_text(SECRET)
    started.wait_online(15)
    assert started.entries("secret-reloaded")
    assert SECRET not in started.output() and "old-token" not in started.output()


def test_nothing_is_said_while_nothing_happens(agent, master):
    started = agent(REPORT_INTERVAL_SECONDS="86400")
    started.wait_online()
    count = len(started.lines)
    stays_true(lambda: len(started.lines) == count, 1.5, "no line without a reason")
