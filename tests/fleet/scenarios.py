"""The scenarios of the simulated fleet: how they are run, and what is promised in each."""

import resource
import subprocess

INTERVAL = 60
WARM_UP = 180        # seconds until something happens; so in fleet-simulate.c
RETRY_AFTER = 120    # likewise
FIRST_SECONDS = 12   # of an outage
SHORT = 720          # what happens at once is over in the time of 12 intervals
COLUMNS = ("requests", "reached", "accepted", "back")

TITLES = {
    "boot": "all boot within a second",
    "boot-sent-away": "the same, and what is too much is sent away for 2 minutes",
    "steady": "nothing happens",
    "restart": "the Master is away for 20 s",
    "refused": "the Master is gone: connections refused",
    "silent": "the Master is silent: every try times out",
    "forgotten": "the Master has lost its database",
    "sent-away": "429 with Retry-After: 120 to all",
    "split": "half of the fleet is cut off",
}
FAULTS = ("restart", "refused", "silent", "sent-away", "split")


def cpu_of_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Run:
    """What one scenario was like, second by second; loads are in multiples of the steady one."""

    def __init__(self, scenario, agent, nodes, hold):
        self.scenario, self.agent, self.nodes = scenario, agent, nodes
        self.hold = 20 if scenario == "restart" else min(hold, SHORT) if scenario not in FAULTS + ("steady",) else hold
        self.begin = 0 if scenario.startswith("boot") else WARM_UP
        self.end = self.begin + self.hold if scenario in FAULTS else None
        self.seconds = self.events = 0

    @property
    def steady(self):
        return self.nodes / INTERVAL

    def simulate(self, program, seed):
        before = cpu_of_children()
        done = subprocess.run([program, f"--nodes={self.nodes}", f"--seed={seed}", f"--agent={self.agent}",
                               f"--hold={self.hold}", self.scenario], check=True, capture_output=True, text=True)
        self.seconds = cpu_of_children() - before  # what others do on the machine does not count
        self.events = int(done.stderr.split()[-2])
        self.read(done.stdout)

    def read(self, csv):
        rows = [[int(value) for value in line.split(",")[3:]] for line in csv.splitlines()]
        for name, column in zip(COLUMNS, zip(*rows)):
            setattr(self, name, column)
        self.csv = csv

    def peak(self, first, last=None, column="requests"):
        """The largest second of these, as a multiple of the steady load."""
        return max(getattr(self, column)[first:last]) / self.steady

    def all_back(self, since):
        """Seconds until every node had a report accepted."""
        return next((second + 1 for second, back in enumerate(self.back[since:]) if back == self.nodes), float("inf"))


def goals(run):
    """(what, measured, at most) of a run of our agent."""
    begin, end = run.begin, run.end
    if run.scenario == "steady":
        mean = sum(run.requests[begin:]) / len(run.requests[begin:])
        yield "largest second, of the mean", max(run.requests[begin:]) / mean, 1.1
    elif run.scenario == "boot":
        yield "load from the second interval on", run.peak(INTERVAL), 3
    elif run.scenario == "boot-sent-away":
        yield "load after the Retry-After", run.peak(RETRY_AFTER), 3
    elif run.scenario == "forgotten":
        yield "load", run.peak(begin), 3
    elif run.scenario == "split":
        yield "load meanwhile, tries of both halves", run.peak(begin, end), 1.1
    else:
        yield f"load in the first {FIRST_SECONDS} s", run.peak(begin, begin + FIRST_SECONDS), 2.1
        yield "load after them", run.peak(begin + FIRST_SECONDS, end), 1.1
    if end is not None:
        wish = RETRY_AFTER if run.scenario == "sent-away" else 0
        yield "load when it is over", run.peak(end, column="reached"), 1.3
        # a second is the resolution
        yield "seconds until all are back", run.all_back(end), wish + INTERVAL + 1
    elif run.scenario != "steady":
        yield "nodes without a report in the end", run.nodes - run.back[-1], 0


def simulate_all(program, nodes, hold, seed, with_naive):
    """Runs every scenario; yields the runs as they are done."""
    for scenario in TITLES:
        for agent in ("argus", "naive") if with_naive else ("argus",):
            # a naive fleet asks twelve times as often in an outage: a tenth of it is enough to see that
            run = Run(scenario, agent, nodes // 10 if agent == "naive" else nodes, hold)
            run.simulate(program, seed)
            yield run


