#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The real agent under continual random faults, and what must hold all the same. `./dev chaos` runs it.

A seed replays which faults come, with what parameters, in what order, and when after the begin of their cycle. It
cannot replay where the agent was in its work when one hit, its own random phase and waits, how fast this machine is, and
so how long each rest between two cycles takes.
"""

import argparse
import collections
import os
import signal
import sys
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import checks  # noqa: E402
from faults import ACTS, LEFT_OUT  # noqa: E402
from plan import make_plan  # noqa: E402
from support.agent import BINARY, SANITIZER_WORDS  # noqa: E402
from support.wait import wait_until  # noqa: E402
from world import World  # noqa: E402

# faults that take a connection away, and with it what is on its way
CUTS = ("address-changed", "plain-port-shut", "tls-port-shut")


class Failed(Exception):
    """Something that must hold did not."""


class Run:
    def __init__(self, options, log):
        self._options = options
        self._log = log
        self._begun = time.monotonic()
        self._counts = collections.Counter()
        self._recoveries = []
        self._wrong = []
        self._is_sanitized = b"__asan_init" in BINARY.read_bytes()
        self._agent_log = Path(f"{options.log}-agent.log")
        self._plan = make_plan(options.seed, options.minutes, LEFT_OUT)
        self._world = World(options.seed, self._agent_log)

    def say(self, words):
        self._log.write(f"{time.monotonic() - self._begun:8.2f}  {words}\n")
        self._log.flush()

    def execute(self):
        """Returns whether all held."""
        for number, faults in enumerate(self._plan, 1):
            self.say(f"plan of cycle {number}: " + "; ".join(map(str, faults)))
        try:
            self._world.master.start()
            self._world.start_agent()
            self._world.watcher.start()
            self._world.modules.start()
            self._quiet()
            end = self._begun + self._options.minutes * 60
            for number, faults in enumerate(self._plan, 1):
                if time.monotonic() > end:
                    self.say(f"the time is over after {number - 1} of {len(self._plan)} cycles")
                    break
                self.say(f"cycle {number}")
                self._cycle(faults)
                self._quiet()
            while time.monotonic() < end - 10:
                self._rest(min(15, end - time.monotonic()))
                self._quiet()
            self._end_agent()
        except (KeyboardInterrupt, SystemExit):
            self._wrong.append("it was ended early")
            raise
        except Exception as error:
            self._wrong.append(str(error) if isinstance(error, (Failed, AssertionError)) else
                               traceback.format_exc())
        finally:
            self._check_whole_run()
            self._summary()
            self._world.close()
        return not self._wrong

    def _cycle(self, faults):
        begun = time.monotonic()
        moments = []
        for fault in faults:
            begin, end = ACTS[fault.name]
            moments.append((fault.start, 1, fault, begin))
            if end:
                moments.append((fault.start + fault.seconds, 0, fault, end))
        for at, _, fault, act in sorted(moments, key=lambda moment: moment[:2]):
            self._rest(begun + at - time.monotonic())
            is_begin = act is ACTS[fault.name][0]
            self.say(f"{fault} {'begins' if is_begin else 'ends'}")
            self._counts[fault.name] += is_begin
            act(self._world, **fault.parameters)
            if fault.name not in ("agent-killed", "agent-terminated") and not self._world.lives[-1].ended \
                    and not self._world.life.is_running:
                raise Failed(f"the agent ended by itself: {self._world.life.wait()}")

    def _rest(self, seconds):
        time.sleep(max(0, seconds))

    def _quiet(self):
        """All faults are over: the agent comes back, and then everything must add up."""
        world = self._world
        since = time.monotonic()
        world.modules.pause()  # the same few small files at each quiet point, so that memory can be compared

        def is_back():
            if not world.life.is_running:
                raise Failed(f"the agent ended by itself: {world.life.wait()}")
            good = [entry for entry in self._ledger(since).reports(world.life) if entry["good"]]
            return good and good
        first = wait_until(is_back, checks.ONLINE_WITHIN, "a report that succeeds again")[0]
        self._recoveries.append(first["at"] - since)
        wait_until(lambda: len(is_back()) >= 3, 30, "reports go on")
        world.bus.wait_agent(checks.ON_BUS_WITHIN)
        wait_until(lambda: world.bus.get("State") == "online" and world.bus.get("StatePersisted"), 20,
                   lambda: f"online and durable; it is {world.bus.get_all()}")
        wait_until(lambda: self._account() == [], 10, lambda: str(self._account()))
        world.life.measure()
        _, rss, fds, cpu = world.life.samples[-1]
        self.say(f"quiet: back after {self._recoveries[-1]:.1f} s, RSS {rss / 1e6:.2f} MB, {fds} files open, "
                 f"{cpu:.2f} s CPU, {world.life.successes} reports logged")
        wrong = [*checks.check_watchdog(world.manager, [world.life], time.monotonic()),
                 *checks.check_log([world.life], time.monotonic())]
        if world.bus.get("NodeId") != "A7":
            wrong.append(f"the id is {world.bus.get('NodeId')}")
        if world.watcher.wrong:
            wrong.append(f"node.json was {world.watcher.wrong[:3]}")
        if not (world.state / "node.json").exists():
            wrong.append("there is no node.json")
        if wrong:
            raise Failed("; ".join(wrong))
        world.modules.go_on()

    def _account(self):
        world = self._world
        counted = int(world.bus.get("ReportsSucceeded"))
        words, _, _ = self._ledger(world.life.begun).account(world.life, counted)
        return words

    def _ledger(self, since):
        return checks.Ledger(self._world.master.ledger_since(since), self._world.master.stops)

    def _end_agent(self):
        self._world.life.send(signal.SIGTERM)
        status = self._world.life.wait(10)
        if status != 0:
            raise Failed(f"SIGTERM ended the agent with {status}")

    def _check_whole_run(self):
        world, now = self._world, time.monotonic()
        ledger = self._ledger(0)
        agent_stops = [stop for life in world.lives for stop in life.stops]
        self._sure = self._possible = 0
        for life in world.lives:
            words, sure, possible = ledger.account(life, life.successes)
            self._sure += sure
            self._possible += possible
            if life.log_is_whole:
                self._wrong += words
        self._wrong += [*checks.check_watchdog(world.manager, world.lives, now),
                        *checks.check_growth(world.lives, self._is_sanitized),
                        *checks.check_cpu(world.lives, self._is_sanitized),
                        *checks.check_log(world.lives, now),
                        *checks.check_identity(ledger, agent_stops, self._counts["state-removed"],
                                               sum(self._counts[name] for name in CUTS))]
        said = self._agent_log.read_text(errors="replace")
        self._wrong += [f"the sanitizer says {words}" for words in SANITIZER_WORDS if words in said]

    def _summary(self):
        world = self._world
        longest = max(world.lives, key=lambda life: (len(life.samples), life.begun))
        samples = checks.settled(longest) or longest.samples
        lines = [f"seed {self._options.seed}, {(time.monotonic() - self._begun) / 60:.1f} minutes, "
                 f"{sum(self._counts.values())} faults:"]
        named = sorted(ACTS)
        for at in range(0, len(named), 3):
            lines.append("  " + "".join(f"{name:<20}{self._counts[name]:>5}    " for name in named[at:at + 3]).rstrip())
        logged = sum(life.successes for life in world.lives)
        lines.append(f"reports: {logged} logged as successful by the agent, {self._sure} to {self._possible} by the "
                     f"Master's ledger; {len(world.lives)} lives, {world.modules.writes} writes of modules")
        if self._recoveries:
            ordered = sorted(self._recoveries)
            lines.append(f"back after a cycle of faults: median {ordered[len(ordered) // 2]:.1f} s, "
                         f"at most {ordered[-1]:.1f} s")
        if samples:
            first, last = samples[0], samples[-1]
            lines.append(f"the longest life ({(longest.ended or time.monotonic()) - longest.begun:.0f} s): RSS "
                         f"{first[1] / 1e6:.2f} → {last[1] / 1e6:.2f} MB, files open {first[2]} → {last[2]}, "
                         f"CPU {last[3] / (last[0] - longest.begun):.2%} of a core, {longest.lines} log lines")
        lines += [f"WRONG: {words}" for words in self._wrong]
        seed = f"with seed {self._options.seed}"
        lines.append(f"{len(self._wrong)} failed {seed}" if self._wrong else
                     f"{sum(self._counts.values())} passed: faults {seed}")
        for line in lines:
            self.say(line)
            print(line, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("minutes", type=float)
    parser.add_argument("seed", type=int)
    parser.add_argument("log", help="beginning of the paths of the logs")
    options = parser.parse_args()
    log_path = f"{options.log}.log"
    print(f"chaos: {options.minutes:g} minutes with seed {options.seed}, log in {log_path}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    with open(log_path, "w", encoding="utf-8") as log:
        ended_well = Run(options, log).execute()
    os._exit(0 if ended_well else 1)  # not held up by calls that still wait for a bus


if __name__ == "__main__":
    main()
