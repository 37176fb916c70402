"""Waiting for something to become true, with a deadline: never sleep and hope."""

import time


def wait_until(predicate, deadline=10.0, what="the condition"):
    """Returns the first true value of predicate(); fails the test when `deadline` seconds are over."""
    end = time.monotonic() + deadline
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() >= end:
            shown = what() if callable(what) else what
            raise AssertionError(f"not within {deadline} s: {shown}")
        time.sleep(0.01)


def stays_true(predicate, seconds, what):
    """Fails as soon as predicate() is false within `seconds`: for what must not happen."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert predicate(), f"no longer true: {what}"
        time.sleep(0.01)
