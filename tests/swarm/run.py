# SPDX-License-Identifier: MIT
"""Starts a swarm of real agents with one Master, runs a story, and counts the requests.

Start it in a network namespace of its own, with loopback up.
"""

import argparse
import json
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

import outage  # noqa: E402
import overload  # noqa: E402
import pause  # noqa: E402
import registering  # noqa: E402
from swarm import Scene  # noqa: E402

STORIES = {"outage": outage, "pause": pause, "registering": registering, "overload": overload}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, epilog=" ".join(
        f"{name}: {story.__doc__.splitlines()[0]}" for name, story in STORIES.items()))
    parser.add_argument("story", choices=STORIES)
    parser.add_argument("agents", type=int, nargs="?", help="how many")
    parser.add_argument("--agent", type=Path, required=True, help="the program")
    parser.add_argument("--interval", type=int)
    parser.add_argument("--steady", type=int, default=180,
                        help="outage: when the Master is killed, in seconds after the start")
    parser.add_argument("--away", type=int, default=90, help="outage: seconds that it stays away")
    parser.add_argument("--data", type=Path, help="the folder for the numbers")
    options = parser.parse_args()
    story = STORIES[options.story]
    options.agents = options.agents or story.AGENTS
    options.interval = options.interval or story.INTERVAL
    return options


def write(options, measured):
    options.data.mkdir(parents=True, exist_ok=True)
    path = options.data / f"{options.story}-{options.agents}.json"
    path.write_text(json.dumps(measured) + "\n")
    print(f"  written: {path}")


def main():
    options = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what follows is cleaned up
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="argus-swarm.") as folder:
        scene = Scene(options, Path(folder))
        verdict = scene.verdict
        try:
            measured = STORIES[options.story].tell(scene)
            verdict.check(scene.all_run(), "every agent still runs")
        finally:
            killed = scene.end()
    verdict.check(killed == 0, f"all ended on SIGTERM, {killed} had to be killed")
    if options.data:
        write(options, {"story": options.story, "agents": options.agents, "interval": options.interval,
                        "goals": verdict.goals, **measured})
    print(f"{options.agents} agents; {options.story}, {time.monotonic() - begun:.0f} s; "
          f"{verdict.failed or 'no'} checks failed\n")
    return verdict.failed > 0


if __name__ == "__main__":
    sys.exit(main())
