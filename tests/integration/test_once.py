# SPDX-License-Identifier: MIT
"""argus-agent --once: its exit status is the answer, and whoever runs it reads why."""

import signal

import pytest

KINDS = ("register", "report")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ended_before_the_master_answered(agent, master, kind, number):
    master.behave({"match": kind, "hang": True})
    started = agent("--once")
    master.wait_for_requests(1, kind=kind)
    started.send(number)
    assert started.wait_exit(5) == 1, "nobody has accepted anything"


@pytest.mark.parametrize("kind", KINDS)
def test_no_next_try_is_promised(run_agent, master, kind):
    master.behave({"match": kind, "status": 503, "body": "come back later"})
    status, output = run_agent("--once")
    assert status == 1
    assert "come back later" in output
    assert "retrying" not in output
    assert len(master.requests(kind)) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target", ["json", "console"])
def test_the_reason_is_said_at_every_level(run_agent, master, kind, target):
    master.behave({"match": kind, "status": 403, "body": "not you"})
    status, output = run_agent("--once", AGENT_LOG_LEVEL="err", AGENT_LOG_TARGET=target)
    assert status == 1
    assert "403" in output and "not you" in output
    assert len(output.splitlines()) == 1
