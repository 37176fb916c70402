# SPDX-License-Identifier: MIT
"""Simulates a fleet in every scenario, draws what it does, and fails if it does not keep what is promised."""

import argparse
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from runs import COLUMNS, NODES_MIN, Run
from scenarios import Scenario, all_scenarios

SECONDS_FOR_A_MILLION_HOURS = 60


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("nodes", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--program", required=True)
    parser.add_argument("--only", default="", help="names of scenarios, with commas between")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hold", type=int, default=400, help="seconds that a fault, or the steady state, holds")
    parser.add_argument("--folder", type=Path, help="where the data and the plot go; none are made without")
    return parser.parse_args()


def show(run, is_fleet):
    """Prints a line for each goal; returns how many were missed."""
    found, is_judged = run.goals(), is_fleet or run.scenario.nodes
    for what, measured, most in found:
        sign = "ok  " if measured <= most else "MISS" if is_judged else "    "
        print(f"  {sign} {run.scenario.name:20s} {what:40s} {measured:8.2f}   at most {most:g}", flush=True)
    return sum(measured > most for _, measured, most in found) if is_judged else 0


def seconds_for_a_million_hours(runs):
    """CPU time of as many events: a timer and a response for each of 60 reports."""
    events, cpu = (sum(run.summary[key] for run in runs) for key in ("events", "cpu_seconds"))
    return cpu * 120_000_000 / max(events, 1)


def show_speed(runs, is_judged):
    seconds = seconds_for_a_million_hours(runs)
    print(f"\n  {120 / max(seconds, 1e-9):.1f} million events a second; "
          f"an hour of a million nodes in {seconds:.1f} s, at most {SECONDS_FOR_A_MILLION_HOURS}")
    return is_judged and seconds > SECONDS_FOR_A_MILLION_HOURS


def scenarios_of(options):
    chosen = all_scenarios(options.hold)
    if options.folder:
        day = next(scenario for scenario in chosen if scenario.name == "steady")
        chosen.append(Scenario("day", "a day in which nothing happens", 24 * 3600, [], day.goals, begin=day.begin, plot=""))
    return [scenario for scenario in chosen if not options.only or scenario.name in options.only.split(",")]


def simulate_all(options):
    """Yields the runs in order; runs as many at a time as there are processors."""
    agents = ("argus", "naive") if options.folder else ("argus",)
    runs = [Run(scenario, agent, options.nodes) for scenario in scenarios_of(options) for agent in agents
            if agent == "argus" or scenario.plot]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(lambda run: run.simulate(options.program, options.seed), runs)


def keep(options, runs):
    """Writes what was measured, and draws it."""
    from plot import draw_scenarios  # only this needs matplotlib
    options.folder.mkdir(parents=True, exist_ok=True)
    ours = [run for run in runs if run.agent == "argus"]
    fleets = [run for run in ours if not run.scenario.nodes]
    (options.folder / "fleet.json").write_text(json.dumps({
        "nodes": options.nodes, "seed": options.seed, "hold": options.hold,
        "seconds_for_a_million_hours": seconds_for_a_million_hours(fleets),
        "goals": [(run.scenario.title, run.nodes, *goal) for run in ours for goal in run.goals()]}) + "\n")
    (options.folder / "fleet.csv").write_text(",".join(("scenario", "agent", "second") + COLUMNS) + "\n" + "".join(
        f"{run.scenario.name},{run.agent},{line}\n" for run in runs for line in run.csv.splitlines()))
    for plot in dict.fromkeys(run.scenario.plot for run in runs if run.scenario.plot):
        path = options.folder / f"fleet-{plot}.svg"
        draw_scenarios([run for run in runs if run.scenario.plot == plot], path)
        print(f"\n  drawn: {path}, from {options.folder}/fleet.csv")


def main():
    options = parse_arguments()
    is_judged = options.nodes >= NODES_MIN
    runs, missed = [], 0

    print(f"{options.nodes:,} nodes, seed {options.seed}, a fault lasts {options.hold} s\n")
    for run in simulate_all(options):
        runs.append(run)
        if run.agent == "argus":
            missed += show(run, is_judged)
    missed += show_speed([run for run in runs if run.agent == "argus" and not run.scenario.nodes], is_judged)
    if options.folder:
        keep(options, runs)
    if not is_judged:
        print(f"\n  (loads are checked from {NODES_MIN:,} nodes on: with fewer, chance may add more than a tenth)")
    print(f"\n{len(runs)} runs; {missed or 'no'} goals missed")
    return missed > 0


if __name__ == "__main__":
    sys.exit(main())
