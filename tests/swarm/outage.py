# SPDX-License-Identifier: MIT
"""The Master is killed and comes back.

Every agent comes online, and back, with its id, and none asks more often than is promised. The connections that are
refused are counted for the whole network namespace.
"""

import os
import time

from processes import refused_connections
from support.proc import cpu_seconds
from swarm import SLACK, most_of_a_node, per_second

AGENTS, INTERVAL = 2000, 60
MOST_LOAD = 1.25  # times the steady load, while the Master is away: chance allows this for a hundred agents


def refused_per_second(swarm, length):
    seconds = [0] * length
    for (earlier, before), (later, after) in zip(swarm.refused, swarm.refused[1:]):
        second = int((earlier + later) / 2 - swarm.begun)
        if second < length:
            seconds[second] += after - before
    return seconds


def settle(swarm, check):
    online = swarm.wait_all_reported(swarm.begun, 60 + len(swarm.names) / 20)
    started = swarm.started - swarm.begun
    check(True, f"all {len(swarm.names)} online {online - started:.1f} s after the last start, "
                f"which came after {started:.1f} s")
    ids = set(swarm.master.ids.values())
    check(len(ids) == len(swarm.names), f"{len(ids)} different ids")
    swarm.wait(max(online, started + swarm.interval))


def live_on(swarm, check, steady):
    """Waits until `steady` seconds after the start; returns the CPU time and memory until then."""
    cpu, begin = sum(map(cpu_seconds, swarm.pids)), time.monotonic()
    swarm.wait(steady)
    cost = {"cpu_seconds": sum(map(cpu_seconds, swarm.pids)) - cpu, "cpu_span": time.monotonic() - begin,
            "memory_kib": swarm.memory(), "load": os.getloadavg(), "settled": begin - swarm.begun}
    end = time.monotonic()
    cost["reports_settled"] = len(swarm.requests(begin, end, kinds=("report",)))
    check_pace(swarm, check, begin, end)
    return cost


def check_pace(swarm, check, begin, end):
    most = most_of_a_node(swarm.requests(begin, end))
    check(most <= (end - begin) / swarm.interval + 2, f"at most {most} requests of a node in {end - begin:.0f} s")


def be_without_master(swarm, check, seconds):
    """Returns the load of the refused connections."""
    refused = refused_connections()
    swarm.refused.append((time.monotonic(), refused))
    swarm.master.kill()
    killed = time.monotonic()
    swarm.wait(swarm.now() + seconds)
    refused = refused_connections() - refused
    away = time.monotonic() - killed
    load = refused / away / swarm.steady
    check(load <= MOST_LOAD, f"{refused} attempts in {away:.0f} s without a Master, {load:.2f} times the steady load")
    return load


def come_back(swarm, check):
    """Returns when the Master was back, and how long each agent took to come back after that."""
    swarm.master.start()
    back = time.monotonic()
    took = swarm.wait_all_reported(back, swarm.interval + 30) - (back - swarm.begun)
    check(took <= swarm.interval + SLACK, f"all back after {took:.1f} s")
    swarm.wait(back - swarm.begun + 2 * swarm.interval)
    return back, took


def tell(scene):
    """Runs the whole story; returns what was measured."""
    options, check = scene.options, scene.verdict.check
    swarm = scene.swarm(options.agents, scene.master())
    swarm.start()
    settle(swarm, check)
    ids = swarm.master.ids
    cost = live_on(swarm, check, options.steady)
    refused_load = be_without_master(swarm, check, options.away)
    back, took = come_back(swarm, check)

    check(swarm.master.ids == ids, "no id was given anew")
    check(swarm.stored_ids() == ids, "every agent has its id stored")
    kinds = {request.kind for request in swarm.requests(back)}
    check(kinds == {"report"}, f"since then only reports came, none of an unknown node: {sorted(kinds)}")
    check_pace(swarm, check, back, time.monotonic())
    show_costs(cost)

    reports = per_second(swarm, "report")
    return {"steady": options.steady, "away": options.away, "start_seconds": swarm.started - swarm.begun,
            "refused_load": refused_load, "back": back - swarm.begun, "return_seconds": took, **cost,
            "registrations": per_second(swarm, "register"), "reports": reports,
            "refused": refused_per_second(swarm, len(reports))}


def show_costs(cost):
    memory, share = cost["memory_kib"], cost["cpu_seconds"] / cost["cpu_span"]
    print(f"  memory of an agent: PSS {memory['Pss']:.0f}, anonymous {memory['Anonymous']:.0f}, "
          f"RSS {memory['Rss']:.0f} KiB; the machine has {memory['Machine']:.0f} KiB less for each")
    print(f"  CPU of all: {share:.1%} of a core, "
          f"{cost['cpu_seconds'] / max(cost['reports_settled'], 1) * 1e3:.2f} ms a report")
