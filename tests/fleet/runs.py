# SPDX-License-Identifier: MIT
"""Runs a scenario of the simulated fleet, and measures it."""

import json
import math
import os
import subprocess

from scenarios import INTERVAL, RETRY_AFTER, WARM_UP

COLUMNS = ("requests", "reached", "accepted", "back")
# with fewer requests, chance alone puts the largest of some hundred spans more than 6 % above the mean
SPAN_REQUESTS = 3000
# long scenarios are simulated with fewer nodes: the limit is a million for twelve intervals
REQUESTS_MAX = 12_000_000
NODES_MIN = 100_000
LARGE_PAGES = os.environ | {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}  # a sixth faster


def nodes_of(scenario, nodes):
    """How many nodes the scenario is run with, if the fleet has so many."""
    interval = scenario.options.get("interval", INTERVAL)
    enough = REQUESTS_MAX * interval // scenario.seconds // scenario.weight // 1000 * 1000
    return scenario.nodes or min(nodes, max(NODES_MIN, enough))


class Run:
    """The result of one scenario, second by second; loads are in multiples of the steady load at its interval."""

    def __init__(self, scenario, agent, nodes):
        self.scenario, self.agent = scenario, agent
        # a naive fleet asks twelve times as often in an outage: a tenth of the nodes is enough to see that
        self.nodes = nodes_of(scenario, nodes) // (10 if agent == "naive" and not scenario.nodes else 1)
        self.interval = scenario.options.get("interval", INTERVAL)

    @property
    def steady(self):
        return self.nodes / self.interval

    def simulate(self, program, seed):
        options = {"nodes": self.nodes, "seed": seed, "agent": self.agent, "seconds": self.scenario.seconds,
                   "warm-up": WARM_UP, "retry-after": RETRY_AFTER, **self.scenario.options}
        done = subprocess.run([program, *(f"--{key}" if value is True else f"--{key}={value}"
                                          for key, value in options.items()), *self.scenario.orders],
                              check=True, capture_output=True, text=True,
                              env=LARGE_PAGES)
        self.read(done.stdout, json.loads(done.stderr))
        return self

    def read(self, csv, summary):
        """The CSV with one line a second, and the program's figures of single nodes."""
        self.csv, self.summary = csv, summary
        rows = [[int(value) for value in line.split(",")[1:]] for line in csv.splitlines()]
        for name, column in zip(COLUMNS, zip(*rows)):
            setattr(self, name, column)

    def loads(self, first=0, last=None, column="requests"):
        values = getattr(self, column)[first:last]
        size = math.ceil(SPAN_REQUESTS / self.steady)
        spans = [values[at:at + size] for at in range(0, max(len(values) - size + 1, 1), size)]
        return [sum(span) / len(span) / self.steady for span in spans]

    def all_back(self, since):
        """Seconds until every node had a report accepted, since the order to mark that."""
        return next((second + 1 for second, back in enumerate(self.back[since:]) if back == self.nodes), math.inf)

    def goals(self):
        """(what, measured, at most) of each."""
        return [(goal.what, goal.measure(self), goal.most) for goal in self.scenario.goals]
