# SPDX-License-Identifier: MIT
"""The simulated agent of tests/fleet asks for the same as the real one, at the same time, if both are given the same
random bits and the same answers. What ./dev fleet says of a million rests on it."""

import subprocess
import time

import pytest

from support.agent import BINARY
from support.wait import wait_until

INTERVAL, TIMEOUT, RETRY_AFTER = 4, 1, 5
TRACE = BINARY.parent / "tests/fleet/fleet-trace"
FIXED_RANDOM = BINARY.parent / "tests/fleet/fixed-random.so"
RULES = {
    "201": {},  # as the Master answers by itself
    "204": {},
    "404": {"status": 404},
    "429": {"status": 429, "headers": {"Retry-After": str(RETRY_AFTER)}},
    "503": {"status": 503},
    "timeout": {"hang": True},
}
EARLY, LATE = 0.1, 0.5  # what a timer may be early against another clock, and a loaded machine late


def simulated(answers, stops=()):
    """(seconds since the first, kind, whether with an id) of each request."""
    lines = subprocess.run([TRACE, *map(str, (INTERVAL, TIMEOUT, RETRY_AFTER)),
                            *(f"stop={first}-{last}" for first, last in stops), *answers], check=True,
                           capture_output=True, text=True).stdout.splitlines()
    return [(float(when), kind, has_id == "with-id") for when, kind, has_id in map(str.split, lines)]


def real(master, count):
    first, *_ = found = master.requests()[:count]
    return [(request["monotonic"] - first["monotonic"], request["kind"],
             request["kind"] == "report" or '"id"' in request["body"]) for request in found]


@pytest.fixture
def same_random():
    """The agent with the random bits of the simulated one."""
    if not FIXED_RANDOM.exists():
        pytest.skip(f"no {FIXED_RANDOM}: a build without tests")
    if b"__asan_init" in BINARY.read_bytes():
        pytest.skip("nothing can be preloaded before the address sanitizer")
    return {"REPORT_INTERVAL_SECONDS": INTERVAL, "MASTER_TIMEOUT_SECONDS": TIMEOUT, "LD_PRELOAD": FIXED_RANDOM}


def check(master, expected):
    wait_until(lambda: len(master.requests()) >= len(expected), expected[-1][0] + 10, "as many requests")
    found = real(master, len(expected))
    assert [request[1:] for request in found] == [request[1:] for request in expected]
    for (when, *_), (predicted, *_) in zip(found, expected):
        assert predicted - EARLY < when < predicted + LATE, (found, expected)


@pytest.mark.parametrize("answers", [
    "503 503 429 201 204 204",                  # a registration backs off, and is sent away
    "201 503 204 503 503 204 429 204 204",      # an outage keeps the pace, a Retry-After leaves slots out
    "201 404 201 404 204 404 201 204 204",      # forgotten, and forgotten again at once
    "201 timeout timeout 204 204",
    "201 204 404 404 201 204 204",              # forgotten, and the id refused
])
def test_the_real_agent_does_what_the_simulated_does(agent, master, same_random, answers):
    answers = answers.split()
    expected = simulated(answers)
    master.behave(*({"match": "any", "times": 1} | RULES[answer] for answer in answers))
    agent(**same_random)
    check(master, expected)


def stop_between(started, begin, first, last):
    """Stops the process, seconds after `begin`."""
    time.sleep(begin + first - time.monotonic())
    started.pause()
    time.sleep(begin + last - time.monotonic())
    started.resume()


def test_a_real_agent_that_wakes_late_waits_as_the_simulated_does(agent, master, same_random):
    # it waits for its next slot first, and the second time in a row for a random time
    stops = ((8, 14.5), (17, 24.5))
    expected = simulated(["201"] + ["204"] * 5, stops)
    started = agent(**same_random)
    begin = wait_until(master.requests, 10, "a request")[0]["monotonic"]
    for first, last in stops:
        stop_between(started, begin, first, last)
    check(master, expected)
    # what a person finds who asks why nothing was sent after the resume
    woke = [entry["MESSAGE"] for entry in started.entries() if "Woke up " in entry["MESSAGE"]]
    assert "; next report in " in woke[0] and "; deciding which in " in woke[1], woke
    assert any("The machine is awake again; next report in " in entry["MESSAGE"] for entry in started.entries())
