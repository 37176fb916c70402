# SPDX-License-Identifier: MIT
"""All agents wait to register and are stopped at once; the Master is there when they are continued."""

from pause import judge_load, pause
from swarm import SLACK

AGENTS, INTERVAL = 1000, 10
MOST_LOAD = 2.3        # times the steady load: a registration and a report each
LONGEST_WAIT = 60      # seconds between two registrations
# The five growing pauses take 62 s at most; then the slots begin.
BACKED_OFF = 65


def tell(scene):
    goal = scene.verdict.goal
    swarm = scene.swarm(scene.options.agents, scene.master())
    swarm.master.kill()
    swarm.start()
    started = swarm.started - swarm.begun
    swarm.wait(started + BACKED_OFF)
    scene.verdict.check(not swarm.requests(), f"nobody found a Master in {swarm.now():.0f} s")

    case = "a pause of 25 s in which the first Master comes"
    resumed = pause(swarm, 25, swarm.master.start)
    took = swarm.wait_all_reported(resumed, 2 * LONGEST_WAIT) - (resumed - swarm.begun)
    goal(case, "seconds until each is online", took, LONGEST_WAIT, margin=SLACK)
    judge_load(swarm, goal, case, resumed, MOST_LOAD)
    return {}
