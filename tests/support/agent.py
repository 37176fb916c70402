# SPDX-License-Identifier: MIT
"""The agent as a process of one test."""

import json
import os
from pathlib import Path

import pytest

from support.program import Program
from support.wait import wait_until

HOSTNAME = "dev-alice-web01"
BINARY = Path(os.environ.get("ARGUS_AGENT") or Path(__file__).parents[2] / "build/argus-agent").absolute()
SANITIZER_WORDS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:")
# of the tests' own environment the agent sees only these
PASSED_ON = ("PATH", "LANG", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")


def clean_environment(state_root, variables):
    """The variables over the tests' defaults; None takes one away."""
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    environment |= {"AGENT_HOSTNAME": HOSTNAME, "AGENT_STATE_ROOT": str(state_root), "AGENT_BUS": "none",
                    "AGENT_LOG_TARGET": "json"}
    environment |= {name: value if value is None else str(value) for name, value in variables.items()}
    return {name: value for name, value in environment.items() if value is not None}


def pytest_sessionstart():
    """A hook of the suites that need the agent, for their conftest.py."""
    if not BINARY.exists():
        pytest.exit(f"there is no agent at {BINARY}: build it, or name it in ARGUS_AGENT", returncode=2)


class Agent(Program):
    def __init__(self, state_root, variables, arguments=(), wrapper=(), binary=BINARY, **options):
        environment = clean_environment(state_root, variables)
        self.folder = Path(state_root) / environment.get("AGENT_HOSTNAME", "")
        self.node_json = self.folder / "node.json"
        super().__init__([*wrapper, binary, *arguments], environment, cwd="/", **options)

    def entries(self, event=None, **fields):
        """Log entries of the json target, as dicts; `fields` by their journal names."""
        wanted = fields | ({"ARGUS_EVENT": event} if event else {})
        found = []
        for line in self.lines:
            if line.startswith("{"):
                entry = json.loads(line)
                if all(str(entry.get(name)) == str(value) for name, value in wanted.items()):
                    entry["monotonic"] = line.monotonic
                    found.append(entry)
        return found

    def wait_log(self, event, deadline=10.0, count=1, **fields):
        """Waits for the count-th entry of this event; returns it."""
        return wait_until(lambda: (found := self.entries(event, **fields)) and len(found) >= count and found[count - 1],
                          deadline, lambda: f"log entry {count} {event} {fields} in:\n{self.output()}")

    def wait_online(self, deadline=10.0):
        """Waits for the first report that succeeded, so that nothing of the start is under way any more."""
        wait_until(lambda: self.entries("report-ok") or self.entries("report-recovered"), deadline,
                   lambda: f"a report that succeeded in:\n{self.output()}")

    def check_sanitizers(self):
        for words in SANITIZER_WORDS:
            assert words not in self.output(), self.output()


def health_folder(state_root, hostname=HOSTNAME):
    """Makes the folder before the agent does, so that the first report already has the files."""
    folder = Path(state_root) / hostname / "health"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_node_json(state_root, text, hostname=HOSTNAME):
    folder = Path(state_root) / hostname
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "node.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path
