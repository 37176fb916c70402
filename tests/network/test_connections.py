# SPDX-License-Identifier: MIT
"""How often a connection is made: seldom. What nginx counts is the proof."""

import re
import signal
import time

import pytest

from support.wait import wait_until

LIBCURLS_OWN_IDLE = 118  # seconds after which it would not use a connection again


def test_one_connection_and_one_handshake_for_all_reports(https_agent, nginx):
    """From the registration on."""
    server = nginx()
    started = https_agent(REPORT_INTERVAL_SECONDS="1")
    started.wait_log("report-ok", count=6)
    assert len(server.connections()) >= 7 and len(set(server.connections())) == 1


def test_sessions_are_resumed_after_a_close(https_agent, nginx):
    """A server that closes the connection after each answer costs no whole handshake each time."""
    server = nginx(settings="keepalive_timeout 0; ssl_session_cache shared:s:1m;")
    started = https_agent(REPORT_INTERVAL_SECONDS="1")
    started.wait_log("report-ok", count=4)
    lines = [line for line in server.lines if line.startswith("connection=")]
    assert len(set(server.connections())) >= 5
    assert "reused=." in lines[0] and all("reused=r" in line for line in lines[1:]), lines


@pytest.mark.long
@pytest.mark.timeout(240)
def test_a_connection_is_kept_over_a_long_interval(https_agent, nginx):
    """Two minutes without a word, in real time: the next request still needs no handshake."""
    server = nginx()
    started = https_agent(REPORT_INTERVAL_SECONDS=7 * 24 * 60 * 60, MASTER_TIMEOUT_SECONDS="10")
    started.wait_online()
    last = started.entries("report-ok")[-1]["monotonic"]
    wait_until(lambda: time.monotonic() > last + LIBCURLS_OWN_IDLE + 3, LIBCURLS_OWN_IDLE + 10, "a long idle time")
    assert len(server.connections()) == 2
    started.send(signal.SIGHUP)
    started.wait_log("registered", count=2)
    wait_until(lambda: len(server.connections()) == 4, 5, "a registration and a report")
    assert len(set(server.connections())) == 1


def test_the_kernel_probes_an_idle_connection(https_agent, nginx, node):
    """So that no NAT or balancer forgets it; and at no cost for the agent."""
    nginx()
    https_agent(REPORT_INTERVAL_SECONDS="600", MASTER_TIMEOUT_SECONDS="10").wait_online()
    shown = node.run("ss", "-tnoH", "dport", "=", ":443")
    seconds, = re.findall(r"timer:\(keepalive,(\d+)sec", shown)
    assert int(seconds) <= 60, shown
