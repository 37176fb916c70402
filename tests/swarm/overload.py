# SPDX-License-Identifier: MIT
"""A Master with several addresses, some or all of which respond with 503; half of the agents know 3, half 16."""

import time

from swarm import SLACK

AGENTS, INTERVAL = 1000, 10
MOST_REQUESTS = 1.1    # in a slot
ADDRESSES = (3, 16)


class Period:
    """Some slots during which some addresses respond with 503; `overloaded` has their Retry-After."""

    def __init__(self, swarms, goal, slots, overloaded, case):
        self.swarms, self.goal, self.slots, self.case = swarms, goal, slots, case
        self.begun = time.monotonic()
        self.end = self.begun + slots * swarms[0].interval
        swarms[0].master.overload(overloaded)
        time.sleep(self.end - self.begun)

    def judge(self, lost_attempts=0):
        """`lost_attempts`: one more request per newly overloaded address is allowed; in few slots it counts."""
        for swarm in self.swarms:
            requests = len(swarm.requests(self.begun, self.end)) / self.slots / len(swarm.names)
            self.goal(f"{swarm.addresses} addresses: {self.case}", "requests a slot", requests, MOST_REQUESTS,
                      margin=lost_attempts / self.slots)

    def judge_lost(self):
        for swarm in self.swarms:
            self.goal(f"{swarm.addresses} addresses: {self.case}", "reports that a node lost at most",
                      most_lost(swarm, self.begun, self.end), 1)


def most_lost(swarm, begun, end):
    """The most reports that any node lost between two times: slots never move, so a gap shows a loss."""
    accepted = {node_id: [] for node_id in swarm.own_ids()}
    for request in swarm.requests(begun - 2 * swarm.interval, end, kinds=("report",)):
        if request.status < 300:
            accepted[request.node_id].append(request.when)
    return max(lost_of(times, begun, end, swarm.interval) for times in accepted.values())


def lost_of(times, begun, end, interval):
    before = [when for when in times if when < begun][-1:] or [begun - interval]
    times = before + [when for when in times if when >= begun]
    gaps = sum(round((later - earlier) / interval) - 1 for earlier, later in zip(times, times[1:]))
    return gaps + int(max(0, end - times[-1] - SLACK) / interval)


def start_all(scene, master):
    swarms = [scene.swarm(scene.options.agents // len(ADDRESSES), master, addresses) for addresses in ADDRESSES]
    for swarm in swarms:
        swarm.start()
    for swarm in swarms:
        swarm.wait_all_reported(swarm.begun, 60 + scene.options.agents / 20)
    time.sleep(scene.options.interval)
    return swarms


def tell(scene):
    goal = scene.verdict.goal
    swarms = start_all(scene, scene.master(max(ADDRESSES)))

    for overloaded, case in (({0: ""}, "the first answers 503"),
                             ({0: "", 1: "3600"}, "the second too, with Retry-After: 3600")):
        period = Period(swarms, goal, 3, overloaded, case)
        period.judge(lost_attempts=1)
        period.judge_lost()
    for seconds, case in (("", "all answer 503"), ("1", "all answer 503 with Retry-After: 1")):
        Period(swarms, goal, 4, dict.fromkeys(range(max(ADDRESSES)), seconds), case).judge()

    over = Period(swarms, goal, 0, {}, "none is overloaded any more")
    for swarm in swarms:
        took = swarm.wait_all_reported(over.begun, 3 * swarm.interval) - (over.begun - swarm.begun)
        goal(f"{swarm.addresses} addresses: {over.case}", "seconds until each has reported", took, swarm.interval,
             margin=SLACK)
    return {}
