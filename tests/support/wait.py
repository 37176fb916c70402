# SPDX-License-Identifier: MIT
"""Waiting for something to become true, with a deadline: never sleep and hope."""

import time

PAUSE = 0.01  # seconds between two looks


def wait_until(predicate, deadline=10.0, what="the condition", pause=PAUSE):
    """Returns the first true value of predicate(); fails the test when `deadline` seconds are over. A look that takes
    longer than `pause` is followed by a pause as long as itself."""
    end = time.monotonic() + deadline
    while True:
        begun = time.monotonic()
        value = predicate()
        if value:
            return value
        if (now := time.monotonic()) >= end:
            shown = what() if callable(what) else what
            raise AssertionError(f"not within {deadline:g} s: {shown} (the last look gave {value!r})")
        time.sleep(max(pause, now - begun))


def stays_true(predicate, seconds, what):
    """Fails as soon as predicate() is false within `seconds`: for what must not happen."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert predicate(), f"no longer true: {what}"
        time.sleep(PAUSE)
