# SPDX-License-Identifier: MIT
"""Draws what a swarm of real agents asked beside what the simulation foretells for it, and compares the spread."""

import argparse
import json
import math
import statistics
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "fleet"))
from plot import draw_swarm  # noqa: E402  (it is in the folder that was just named)

SEEDS = range(1, 21)


def simulate(program, swarm, seed):
    """Requests in each second of a simulated swarm with the same story."""
    back = round(swarm["back"])
    away = back - swarm["away"]
    done = subprocess.run(
        [program, f"--nodes={swarm['agents']}", f"--seed={seed}", f"--interval={swarm['interval']}",
         f"--boot={math.ceil(swarm['start_seconds'])}", f"--seconds={back + 300}", f"--warm-up={away}", "--capacity=1000",
         "--one-machine", f"{away} answer refused", f"{back} serve"],
        check=True, capture_output=True, text=True)
    return [int(line.split(",")[1]) for line in done.stdout.splitlines()]


def asked(swarm):
    return [sum(second) for second in zip(swarm["registrations"], swarm["reports"], swarm["refused"])]


def spread(requests, swarm):
    """Standard deviation of the seconds of one interval of the steady state, by their mean."""
    last = round(swarm["back"] - swarm["away"]) - 2
    seconds = requests[last - swarm["interval"]:last]
    return statistics.pstdev(seconds) / statistics.mean(seconds)


def compare(swarm, simulations):
    spreads = [spread(one, swarm) for one in simulations]
    steady = swarm["agents"] / swarm["interval"]
    return {"spread": spread(asked(swarm), swarm), "simulated_spread": [min(spreads), statistics.mean(spreads), max(spreads)],
            "largest": max(swarm["reports"][round(swarm["back"]):]) / steady,
            "simulated_largest": statistics.mean(max(one[round(swarm["back"]):]) for one in simulations) / steady}


def compare_and_draw(program, swarm, path):
    simulations = [simulate(program, swarm, seed) for seed in SEEDS]
    swarm["compared"] = found = compare(swarm, simulations)
    path.write_text(json.dumps(swarm) + "\n")
    least, mean, most = found["simulated_spread"]
    print(f"  spread of the seconds of an interval: {found['spread']:.3f}; "
          f"simulated {mean:.3f} ({least:.3f} to {most:.3f} of {len(SEEDS)} seeds)")
    print(f"  largest second when the Master is back: {found['largest']:.2f} × the steady load; "
          f"simulated {found['simulated_largest']:.2f}")
    drawing = path.with_suffix(".svg")
    draw_swarm(swarm, asked(swarm), simulations[0], drawing)
    print(f"  drawn: {drawing}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("data", type=Path, nargs="+", help="those that are compared already are skipped")
    options = parser.parse_args()
    for path in options.data:
        swarm = json.loads(path.read_text())
        if "compared" not in swarm:
            compare_and_draw(options.program, swarm, path)


if __name__ == "__main__":
    main()
