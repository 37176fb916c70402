"""Starts a swarm of real agents against one Master, kills the Master, brings it back, and counts.

Fails if not every agent comes online, and back, with its id, or if one asks more often than is promised. To be started
in a network namespace of its own, with loopback up: the connections that are refused are counted for all of it.
"""

import argparse
import json
import os
import random
import shutil
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

from processes import (LoadMaster, available_kib, cpu_seconds, end_all, has_ended, memory_kib, refused_connections,
                       spawn)

SAMPLE = 50
SLACK = 3         # seconds that a loaded machine may be late
MOST_LOAD = 1.25  # of the steady one, without a Master: chance, for a hundred agents
LOOK = 0.1        # seconds between two looks at what was refused
HERE = Path(__file__).parent


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("agents", type=int)
    parser.add_argument("--agent", type=Path, required=True, help="the program")
    parser.add_argument("--interval", type=int, default=60)
    parser.add_argument("--steady", type=int, default=180, help="when the Master is killed: seconds after the start")
    parser.add_argument("--away", type=int, default=90, help="seconds that it stays away")
    parser.add_argument("--data", type=Path, help="where the numbers go")
    return parser.parse_args()


class Swarm:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.names = [f"swarm-load-{number:05d}" for number in range(options.agents)]
        self.pids = []
        self.refused = []   # (monotonic time, connections refused so far)
        self.before_kib = available_kib()
        self.master = LoadMaster("/usr/bin/python3", HERE / "load_master.py", folder)

    def start(self):
        self.begun = time.monotonic()
        for name in self.names:
            environment = {
                "PATH": os.environ["PATH"], "MASTER_ENDPOINT": self.master.url, "AGENT_HOSTNAME": name,
                "AGENT_STATE_ROOT": str(self.folder / "state"), "REPORT_INTERVAL_SECONDS": str(self.options.interval),
                "AGENT_BUS": "none", "AGENT_LOG_LEVEL": "warning", "AGENT_LOG_TARGET": "json"}
            self.pids.append(spawn([self.options.agent.absolute()], environment, self.folder / "agents.log"))
        self.started = time.monotonic()

    def end(self):
        self.master.kill()
        return end_all(self.pids)

    def wait(self, until):
        """Until this many seconds after the begin; counts refused connections meanwhile."""
        while time.monotonic() < self.begun + until:
            self.refused.append((time.monotonic(), refused_connections()))
            time.sleep(min(LOOK, max(0, self.begun + until - time.monotonic())))

    def wait_all_reported(self, since, deadline):
        """Until each node has reported since then; returns when the last did, in seconds since the begin."""
        end = time.monotonic() + deadline
        while True:
            reporters = {node_id for when, kind, node_id in self.master.requests() if kind == "report" and when >= since}
            if len(reporters) == len(self.names):
                return time.monotonic() - self.begun
            if time.monotonic() > end:
                raise AssertionError(f"only {len(reporters)} of {len(self.names)} reported within {deadline} s")
            self.refused.append((time.monotonic(), refused_connections()))
            time.sleep(0.2)

    def memory(self):
        """Medians over a sample, and what the machine has less since there are agents, for each."""
        found = [memory_kib(pid) for pid in random.sample(self.pids, min(SAMPLE, len(self.pids)))]
        result = {name: statistics.median(one[name] for one in found) for name in found[0]}
        result["Machine"] = (self.before_kib - available_kib()) / len(self.pids)
        return result

    def stored_ids(self):
        return {name: json.loads((self.folder / "state" / name / "node.json").read_text())["id"] for name in self.names}


def per_second(swarm, kinds):
    seconds = [0] * int(time.monotonic() - swarm.begun + 1)
    for when, kind, _ in swarm.master.requests():
        if kind in kinds:
            seconds[int(when - swarm.begun)] += 1
    return seconds


def refused_per_second(swarm, length):
    seconds = [0] * length
    for (earlier, before), (later, after) in zip(swarm.refused, swarm.refused[1:]):
        second = int((earlier + later) / 2 - swarm.begun)
        if second < length:
            seconds[second] += after - before
    return seconds


def check(condition, words):
    print(f"  {'ok  ' if condition else 'FAIL'} {words}", flush=True)
    return 0 if condition else 1


def most_requests(swarm, first, last):
    """Of a single node, between two moments."""
    counts = {}
    for when, _, node_id in swarm.master.requests():
        if first <= when < last:
            counts[node_id] = counts.get(node_id, 0) + 1
    return max(counts.values(), default=0)


def live(swarm):
    """The whole story; returns what was measured, and how many checks failed."""
    options, failed = swarm.options, 0
    measured = {"agents": options.agents, "interval": options.interval, "steady": options.steady, "away": options.away}

    swarm.start()
    measured["start_seconds"] = swarm.started - swarm.begun
    online = swarm.wait_all_reported(swarm.begun, 60 + options.agents / 20)
    failed += check(True, f"all {options.agents} online {online - measured['start_seconds']:.1f} s after the last start, "
                          f"which came after {measured['start_seconds']:.1f} s")
    ids = swarm.master.ids
    failed += check(len(set(ids.values())) == options.agents, f"{len(set(ids.values()))} different ids")

    settled = max(online, measured["start_seconds"] + options.interval)
    swarm.wait(settled)
    cpu, begin = cpu_seconds(swarm.pids), time.monotonic()
    swarm.wait(options.steady)
    measured["cpu_seconds"], measured["cpu_span"] = cpu_seconds(swarm.pids) - cpu, time.monotonic() - begin
    measured["memory_kib"] = swarm.memory()
    measured["load"] = os.getloadavg()
    end = time.monotonic()
    measured["settled"] = begin - swarm.begun
    measured["reports_settled"] = sum(kind == "report" and begin <= when < end
                                      for when, kind, _ in swarm.master.requests())
    allowed = (end - begin) / options.interval + 2
    most = most_requests(swarm, begin, end)
    failed += check(most <= allowed, f"at most {most} requests of a node in {end - begin:.0f} s")

    refused = refused_connections()
    swarm.refused.append((time.monotonic(), refused))
    swarm.master.kill()
    killed = time.monotonic()
    swarm.wait(killed - swarm.begun + options.away)
    refused = refused_connections() - refused
    away = time.monotonic() - killed
    measured["refused_load"] = refused * options.interval / away / options.agents
    failed += check(measured["refused_load"] <= MOST_LOAD, f"{refused} tries in {away:.0f} s without a Master, "
                                                           f"{measured['refused_load']:.2f} times the steady load")

    swarm.master.start()
    back = time.monotonic()
    measured["back"] = back - swarm.begun
    took = swarm.wait_all_reported(back, options.interval + 30) - measured["back"]
    measured["return_seconds"] = took
    failed += check(took <= options.interval + SLACK, f"all back after {took:.1f} s")
    swarm.wait(measured["back"] + 2 * options.interval)

    failed += check(swarm.master.ids == ids, "no id was given anew")
    failed += check(swarm.stored_ids() == ids, "every agent has its id stored")
    kinds = {kind for when, kind, _ in swarm.master.requests() if when > back}
    failed += check(kinds == {"report"}, f"since then only reports came, none of an unknown node: {sorted(kinds)}")
    now = time.monotonic()
    most = most_requests(swarm, back, now)
    failed += check(most <= (now - back) / options.interval + 2, f"at most {most} requests of a node in {now - back:.0f} s")
    failed += check(not any(has_ended(pid) for pid in swarm.pids), "every agent still runs")

    measured["registrations"] = per_second(swarm, ("register",))
    measured["reports"] = per_second(swarm, ("report",))
    measured["refused"] = refused_per_second(swarm, len(measured["reports"]))
    return measured, failed


def show_costs(measured):
    memory = measured["memory_kib"]
    share = measured["cpu_seconds"] / measured["cpu_span"]
    print(f"\n  memory of an agent: PSS {memory['Pss']:.0f}, anonymous {memory['Anonymous']:.0f}, RSS {memory['Rss']:.0f} KiB; "
          f"the machine has {memory['Machine']:.0f} KiB less for each")
    print(f"  CPU of all: {share:.1%} of a core, {measured['cpu_seconds'] / max(measured['reports_settled'], 1) * 1e3:.2f} ms "
          f"a report")


def main():
    options = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what follows is cleaned up
    folder = Path(tempfile.mkdtemp(prefix="argus-swarm."))
    swarm = None
    try:
        swarm = Swarm(options, folder)
        measured, failed = live(swarm)
    finally:
        killed = swarm.end() if swarm else 0
        shutil.rmtree(folder)
    failed += check(killed == 0, f"all ended on SIGTERM, {killed} had to be killed")
    show_costs(measured)
    if options.data:
        options.data.parent.mkdir(parents=True, exist_ok=True)
        options.data.write_text(json.dumps(measured) + "\n")
        print(f"  written: {options.data}")
    print(f"\n{options.agents} agents; {failed or 'no'} checks failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
