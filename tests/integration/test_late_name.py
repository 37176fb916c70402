# SPDX-License-Identifier: MIT
"""A host name that comes late: the identity was looked for in the host's own name, and may be there at a later start.

The host name is a real one, of a UTS namespace. What systemd does with the exit status is in tests/booted.
"""

import os
import signal
import time

import pytest

from support.wait import wait_until

pytestmark = pytest.mark.usefixtures("as_root")
MARKER = "late-name"


def named(hostname):
    return ["unshare", "--uts", "--", "sh", "-c", f'hostname {hostname} && exec "$@"', "sh"]


@pytest.fixture
def start(agent, tmp_path):
    """Starts an agent on a host called localhost, as its unit would."""
    runtime = tmp_path / "runtime"
    runtime.mkdir()

    def start_on_localhost(*arguments, hostname="localhost", **variables):
        settings = {"AGENT_HOSTNAME": None, "RUNTIME_DIRECTORY": runtime, "AGENT_LOG_TARGET": "console"} | variables
        return agent(*arguments, wrapper=named(hostname), MASTER_ENDPOINT="127.0.0.1:9", **settings)

    start_on_localhost.marker = runtime / MARKER
    return start_on_localhost


def age(marker, seconds):
    os.utime(marker, (time.time() - seconds,) * 2)


def assert_ends_at_once(started, status=75):
    begun = time.monotonic()
    assert started.wait_exit(10) == status, started.output()
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("runtime", [None, "", "/nonexistent", "relative"])
def test_without_a_service_manager_each_start_ends_at_once(start, runtime):
    for _ in range(2):
        started = start(RUNTIME_DIRECTORY=runtime)
        assert_ends_at_once(started)
        assert '"localhost"' in started.output() and "AGENT_INSTANCE" in started.output()
    assert not start.marker.exists()


def test_the_first_start_ends_at_once_and_the_next_waits(start):
    assert_ends_at_once(start())
    assert start.marker.is_file()
    begun = time.monotonic()
    started = start()
    assert started.wait_exit(35) == 75
    assert 24.5 < time.monotonic() - begun < 29, "not above TimeoutStartSec=30s"
    assert started.output().count("identity") == 1
    assert start.marker.is_file(), "the one after it waits too"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_ends_the_wait_and_a_start_by_hand_does_not_wait(start, number):
    assert_ends_at_once(start())
    started = start()
    wait_until(lambda: "identity" in started.output(), 10, started.output)
    time.sleep(0.2)
    assert started.is_running
    started.send(number)
    assert_ends_at_once(started, status=0)
    assert not start.marker.exists()
    assert_ends_at_once(start())


@pytest.mark.parametrize("seconds", [6, 3600, -60])
def test_a_marker_of_another_time_is_none(start, seconds):
    start.marker.touch()
    age(start.marker, seconds)
    assert_ends_at_once(start())
    assert abs(start.marker.stat().st_mtime - time.time()) < 5, "and a new one is there"


def test_a_link_is_no_marker_and_not_followed(start, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("content")
    start.marker.symlink_to(victim)
    assert_ends_at_once(start())
    assert victim.read_text() == "content" and not start.marker.is_symlink()


def test_a_directory_is_no_marker(start):
    start.marker.mkdir()
    for _ in range(2):
        assert_ends_at_once(start())


def test_of_several_runtime_directories_the_first_is_used(start, tmp_path):
    assert_ends_at_once(start(RUNTIME_DIRECTORY=f"{start.marker.parent}:{tmp_path}"))
    assert start.marker.is_file() and not (tmp_path / MARKER).exists()


def test_a_name_that_was_set_cannot_come_late(start):
    started = start(AGENT_HOSTNAME="web01")
    assert_ends_at_once(started, status=78)
    assert 'AGENT_HOSTNAME "web01"' in started.output()
    assert not start.marker.exists()


@pytest.mark.parametrize("variables", [{}, {"AGENT_HOSTNAME": "web01"}])
def test_a_check_says_78(start, variables):
    start.marker.touch()
    for _ in range(2):
        assert_ends_at_once(start("--check", **variables), status=78)
    assert start.marker.exists(), "a check leaves no trace"


def test_a_second_agent_leaves_no_marker(start, agent, master):
    variables = {"AGENT_HOSTNAME": None, "MASTER_ENDPOINT": master.url}
    first = agent(wrapper=named("dev-alice-web01"), **variables)
    first.wait_log("registered")
    assert_ends_at_once(start(hostname="dev-alice-web01"))
    assert not start.marker.exists()


def test_the_name_is_there_at_the_next_start(start, agent, master):
    assert_ends_at_once(start())
    started = agent(wrapper=named("dev-alice-web01"), AGENT_HOSTNAME=None, MASTER_ENDPOINT=master.url,
                    RUNTIME_DIRECTORY=start.marker.parent)
    started.wait_log("registered")
