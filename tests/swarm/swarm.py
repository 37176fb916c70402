# SPDX-License-Identifier: MIT
"""A swarm of real agents, its requests to the Master, and the checks on them."""

import json
import os
import random
import signal
import statistics
import time
from pathlib import Path

from processes import LoadMaster, available_kib, end_all, has_ended, refused_connections, signal_all, spawn
from support import proc
from support.wait import wait_until

SAMPLE = 50
SLACK = 3         # a loaded machine may be this many seconds late
LOOK = 0.1        # seconds between two counts of refused connections
HERE = Path(__file__).parent


class Verdict:
    """Prints each check and counts the failures; a goal is a check with figures for the documentation."""

    def __init__(self):
        self.failed = 0
        self.goals = []

    def check(self, condition, words):
        print(f"  {'ok  ' if condition else 'FAIL'} {words}", flush=True)
        self.failed += not condition

    def goal(self, case, what, measured, most, margin=0):
        """`margin`: added to `most` for what chance, or so short a time, may change."""
        allowed = most + margin
        self.goals.append((case, what, measured, most, allowed))
        limit = f"at most {most:g}" + (f", here {allowed:.2f}" if margin else "")
        self.check(measured <= allowed, f"{case}: {what}: {measured:.2f} ({limit})")


class Scene:
    """The Masters and swarms of a story, and the verdict on them."""

    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.verdict = Verdict()
        self.masters, self.swarms = [], []

    def master(self, addresses=1):
        self.masters.append(LoadMaster("/usr/bin/python3", HERE / "load_master.py", self.folder, addresses))
        return self.masters[-1]

    def swarm(self, count, master, addresses=1):
        prefix = f"swarm-load{len(self.swarms) or ''}"
        self.swarms.append(Swarm(self.options, self.folder, prefix, count, master, addresses))
        return self.swarms[-1]

    def all_run(self):
        return not any(has_ended(pid) for swarm in self.swarms for pid in swarm.pids)

    def end(self):
        """Returns how many agents had to be killed."""
        for master in self.masters:
            master.kill()
        return sum(swarm.end() for swarm in self.swarms)


class Swarm:
    def __init__(self, options, folder, prefix, count, master, addresses):
        self.agent, self.interval = options.agent.absolute(), options.interval
        self.master, self.addresses, self.folder = master, addresses, folder
        self.names = [f"{prefix}-{number:05d}" for number in range(count)]
        self.pids = []
        self.refused = []   # (monotonic time, connections refused so far)
        self.before_kib = available_kib()
        self.begun = time.monotonic()

    def start(self):
        self.begun = time.monotonic()
        for name in self.names:
            environment = {
                "PATH": os.environ["PATH"], "MASTER_ENDPOINT": self.master.urls(self.addresses),
                "AGENT_HOSTNAME": name, "AGENT_STATE_ROOT": str(self.folder / "state"),
                "REPORT_INTERVAL_SECONDS": str(self.interval), "AGENT_BUS": "none",
                "AGENT_LOG_LEVEL": "warning", "AGENT_LOG_TARGET": "json"}
            self.pids.append(spawn([self.agent], environment, self.folder / "agents.log"))
        self.started = time.monotonic()

    def end(self):
        signal_all([pid for pid in self.pids if not has_ended(pid)], signal.SIGCONT)
        return end_all(self.pids)

    @property
    def steady(self):
        """Requests a second of the steady state."""
        return len(self.names) / self.interval

    def now(self):
        """Seconds since the start."""
        return time.monotonic() - self.begun

    def wait(self, until):
        """Waits until this many seconds after the start; counts refused connections meanwhile."""
        while self.now() < until:
            self.refused.append((time.monotonic(), refused_connections()))
            time.sleep(min(LOOK, max(0, until - self.now())))

    def wait_all_reported(self, since, deadline):
        """Waits until each agent has had a report accepted since then; returns when the last one had, in seconds
        since the start."""
        first = {}

        def all_reported():
            self.refused.append((time.monotonic(), refused_connections()))
            for request in self.requests(since, kinds=("report",)):
                if request.status < 300:
                    first.setdefault(request.node_id, request.when)
            return len(first) == len(self.names)
        wait_until(all_reported, deadline, lambda: f"{len(self.names)} agents have reported, {len(first)} have", pause=0.2)
        return max(first.values()) - self.begun

    def requests(self, first=0, last=float("inf"), kinds=("report", "register", "register-with-another-id")):
        """The requests of this swarm between two times."""
        own = {*self.names, *self.own_ids()}
        return [request for request in self.master.requests()
                if first <= request.when < last and request.kind in kinds and request.node_id in own]

    def own_ids(self):
        ids = self.master.ids
        return {ids[name] for name in self.names if name in ids}

    def memory(self):
        """Medians over a sample, and the available memory that each agent costs the machine."""
        found = [proc.memory(pid) for pid in random.sample(self.pids, min(SAMPLE, len(self.pids)))]
        result = {name: statistics.median(one[name] for one in found) for name in ("Rss", "Pss", "Anonymous")}
        result["Machine"] = (self.before_kib - available_kib()) / len(self.pids)
        return result

    def stored_ids(self):
        return {name: json.loads((self.folder / "state" / name / "node.json").read_text())["id"] for name in self.names}


def per_second(swarm, kind):
    seconds = [0] * int(swarm.now() + 1)
    for request in swarm.requests(swarm.begun, kinds=(kind,)):
        seconds[int(request.when - swarm.begun)] += 1
    return seconds


def busiest_second(requests):
    """The most requests of any second, whenever it begins."""
    times, first, most = sorted(request.when for request in requests), 0, 0
    for last, when in enumerate(times):
        while times[first] <= when - 1:
            first += 1
        most = max(most, last - first + 1)
    return most


def most_of_a_node(requests):
    counts = {}
    for request in requests:
        counts[request.node_id] = counts.get(request.node_id, 0) + 1
    return max(counts.values(), default=0)
