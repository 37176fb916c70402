"""Simulates a fleet in every scenario, draws what it does, and fails if it does not keep what is promised."""

import argparse
import json
import sys
from pathlib import Path

import scenarios
from scenarios import Run, goals, simulate_all

# below this the chance alone of 60 random seconds is above a tenth
JUDGED_FROM = 100_000
SECONDS_FOR_A_MILLION_HOURS = 60


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("nodes", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--program", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hold", type=int, default=3600, help="seconds that a fault, or the steady state, holds")
    parser.add_argument("--folder", type=Path, help="where the data and the plot go; none are made without")
    return parser.parse_args()


def show(run, is_judged):
    """Prints a line for each goal; returns how many were missed."""
    found = list(goals(run))
    for what, measured, most in found:
        is_met = measured <= most
        sign = "ok  " if is_met else "MISS" if is_judged else "    "
        print(f"  {sign} {run.scenario:15s} {what:38s} {measured:8.2f}   at most {most:g}", flush=True)
    return sum(measured > most for _, measured, most in found) if is_judged else 0


def seconds_for_a_million_hours(runs):
    node_hours = sum(run.nodes * len(run.requests) / 3600 for run in runs)
    return sum(run.seconds for run in runs) / (node_hours / 1_000_000)


def show_speed(runs, is_judged):
    seconds = seconds_for_a_million_hours(runs)
    print(f"\n  {sum(run.events for run in runs) / sum(run.seconds for run in runs) / 1e6:.1f} million events a second; "
          f"an hour of a million nodes in {seconds:.1f} s, at most {SECONDS_FOR_A_MILLION_HOURS}")
    return is_judged and seconds > SECONDS_FOR_A_MILLION_HOURS


def steady_day(options):
    """A whole day, of a tenth of the fleet: 2,880 events a node."""
    run = Run("steady", "argus", options.nodes // 10, 24 * 3600)
    run.simulate(options.program, options.seed)
    return run


def main():
    options = parse_arguments()
    is_judged = options.nodes >= JUDGED_FROM
    runs, missed = [], 0

    print(f"{options.nodes:,} nodes, seed {options.seed}, a fault holds {options.hold} s; "
          f"the Master serves 1.2 times the steady load\n")
    for run in simulate_all(options.program, options.nodes, options.hold, options.seed, options.folder is not None):
        runs.append(run)
        if run.agent == "argus":
            missed += show(run, is_judged)
    if options.folder:
        day = steady_day(options)
        print(f"\na day of {day.nodes:,} nodes:")
        missed += show(day, day.nodes >= JUDGED_FROM)
    missed += show_speed([run for run in runs if run.agent == "argus"], is_judged)

    if options.folder:
        from plot import draw_scenarios  # only this needs matplotlib
        options.folder.mkdir(parents=True, exist_ok=True)
        ours = [run for run in [*runs, day] if run.agent == "argus"]
        (options.folder / "fleet.json").write_text(json.dumps({
            "nodes": options.nodes, "seed": options.seed, "hold": options.hold, "day_nodes": day.nodes,
            "seconds_for_a_million_hours": seconds_for_a_million_hours(ours),
            "goals": [(run.scenario, run.nodes, *goal) for run in ours for goal in goals(run)]}) + "\n")
        (options.folder / "fleet.csv").write_text(
            ",".join(("scenario", "agent", "second") + scenarios.COLUMNS) + "\n" + "".join(run.csv for run in runs))
        draw_scenarios(runs, options.folder / "fleet.svg")
        print(f"\n  drawn: {options.folder}/fleet.svg, from {options.folder}/fleet.csv")
    if not is_judged:
        print(f"\n  (judged from {JUDGED_FROM:,} nodes on: below, chance alone may be more than a tenth)")
    print(f"\n{len(runs)} runs; {missed or 'no'} goals missed")
    return missed > 0


if __name__ == "__main__":
    sys.exit(main())
