# SPDX-License-Identifier: MIT
"""All agents are stopped and continued at once, as by a suspended host or a frozen control group."""

import math
import signal
import time

from processes import signal_all
from swarm import SLACK, busiest_second

AGENTS, INTERVAL = 1000, 10
MOST_LOAD = 2.2   # times the steady load, in any second after a common pause
# The standard deviation of a random count is the root of its mean; one count in 10^6 is more than five of them above.
DEVIATIONS = 5


def pause(swarm, seconds, meanwhile=None):
    """Stops all for `seconds`; returns when they were continued."""
    signal_all(swarm.pids, signal.SIGSTOP)
    if meanwhile:
        meanwhile()
    time.sleep(seconds)
    resumed = time.monotonic()
    signal_all(swarm.pids, signal.SIGCONT)
    return resumed


def judge_load(swarm, goal, case, resumed, most=MOST_LOAD):
    """Checks the load of every second since then, whenever it begins."""
    load = busiest_second(swarm.requests(resumed)) / swarm.steady
    goal(case, "busiest second, × steady load", load, most, margin=DEVIATIONS * math.sqrt(most / swarm.steady))


def judge(swarm, goal, case, resumed):
    """Waits until each has reported since then, or should have."""
    took = swarm.wait_all_reported(resumed, 3 * swarm.interval) - (resumed - swarm.begun)
    goal(case, "seconds until each has reported", took, swarm.interval, margin=SLACK)
    swarm.wait(resumed - swarm.begun + swarm.interval + 1)
    judge_load(swarm, goal, case, resumed)


def pause_in_a_row(swarm, goal, seconds, awake):
    """`awake`: the times between the pauses, so there is one pause more."""
    case = f"a pause of {seconds:g} s"
    for between in awake:
        resumed = pause(swarm, seconds)
        swarm.wait(swarm.now() + between)
        judge_load(swarm, goal, case, resumed)
        case = f"the next one after {between:g} s awake"
    judge(swarm, goal, case, pause(swarm, seconds))


def tell(scene):
    goal = scene.verdict.goal
    swarm = scene.swarm(scene.options.agents, scene.master())
    swarm.start()
    swarm.wait_all_reported(swarm.begun, 60 + len(swarm.names) / 20)
    swarm.wait(swarm.now() + 2 * swarm.interval)
    long = 2.5 * swarm.interval

    judge(swarm, goal, f"a pause of {long:g} s", pause(swarm, long))

    pause_in_a_row(swarm, goal, 1.2 * swarm.interval, (0.3 * swarm.interval, 0.5))

    swarm.master.kill()
    swarm.wait(swarm.now() + swarm.interval + 1)
    judge(swarm, goal, f"a pause of {long:g} s in which the Master returns", pause(swarm, long, swarm.master.start))
    return {}
