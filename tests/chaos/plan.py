# SPDX-License-Identifier: MIT
"""Which faults come when: all drawn from the seed before the run begins."""

import random
from dataclasses import dataclass, field

CYCLE_SECONDS = 15.0  # of faults; then all is healed, and looked at when it is quiet
CYCLE_WITH_REST = 22.0  # about what one takes in all


@dataclass
class Fault:
    name: str
    start: float  # seconds after the begin of its cycle
    seconds: float  # how long it lasts
    parameters: dict = field(default_factory=dict)

    def __str__(self):
        words = "".join(f" {name}={value}" for name, value in self.parameters.items())
        return f"+{self.start:5.2f} s  {self.name}{words} ({self.seconds:.2f} s)"


def status_misdeed(draw):
    status = draw.choice([301, 302, 400, 401, 403, 408, 418, 422, 429, 500, 502, 503, 504])
    misdeed = {"name": "status", "status": status}
    if status in (429, 503) and draw.random() < 0.5:
        misdeed["headers"] = {"Retry-After": str(draw.randint(1, 3))}
    if status in (301, 302):
        misdeed["headers"] = {"Location": "http://192.0.2.1/elsewhere"}
    return misdeed


def misdeed(draw):
    name = draw.choice(["status", "status", "status", "hang", "close", "reset", "garbage", "cut", "huge", "headers",
                        "trickle", "wrong-object", "other-id", "slow"])
    chosen = status_misdeed(draw) if name == "status" else {"name": name}
    if name == "slow":
        chosen["delay"] = round(draw.uniform(0.05, 1.5), 2)
    if name == "other-id":
        chosen["only"] = "report"
    chosen |= {"salt": draw.randrange(1 << 30), "share": draw.choice([1, 1, 0.5]), "applies": draw.random() < 0.5}
    if name == "slow":
        chosen["applies"] = True
    return {"misdeed": chosen}


def call(draw):
    return {"method": draw.choice(["Report", "Reregister", "GetNode", "GetHealth", "GetAll"])}


def flood(draw):
    return {"method": draw.choice(["Report", "Reregister", "GetNode", "GetHealth"]), "count": draw.randint(50, 200)}


# target: [(weight, fault, longest seconds (0: a moment), parameters)]; one fault at a time for each target
FAULTS = {
    "master": [(6, "master-misbehaves", 6, misdeed), (2, "master-killed", 5, None), (1, "master-stopped", 4, None),
               (1, "master-forgets", 0, None)],
    "endpoint": [(2, "plain-port-shut", 6, None), (1, "tls-port-shut", 6, None)],
    "secret": [(2, "token-rotated", 2, lambda draw: {"file_first": draw.random() < 0.5}),
               (1, "ca-rotated", 2, lambda draw: {"file_first": draw.random() < 0.5})],
    "bus": [(3, "bus-killed", 4, None), (2, "bus-stopped", 4, None)],
    "agent": [(4, "agent-killed", 2, None), (2, "agent-terminated", 2, None), (3, "agent-stopped", 5, None),
              (2, "agent-reloaded", 0, None)],
    "state": [(2, "state-read-only", 5, None), (2, "state-full", 5, None), (2, "state-removed", 0, None)],
    "log": [(1, "log-not-read", 6, None)],
    "calls": [(4, "called", 0, call), (2, "flooded", 0, flood), (1, "argusctl", 0, None)],
    "address": [(1, "address-changed", 0, None)],
}
# how often a target has its fault, on average, in a cycle
PER_CYCLE = {"master": 2, "endpoint": 0.7, "secret": 0.6, "bus": 0.8, "agent": 1, "state": 0.8, "log": 0.3,
             "calls": 2.5, "address": 0.3}
RESTARTS = ("agent-killed", "agent-terminated")


def draw_target(draw, target, without):
    choices = [choice for choice in FAULTS[target] if choice[1] not in without]
    if not choices:
        return
    at = 0.0
    gap = CYCLE_SECONDS / PER_CYCLE[target]
    while (at := at + draw.expovariate(1 / gap)) < CYCLE_SECONDS:
        _, name, longest, parameters = draw.choices(choices, [choice[0] for choice in choices])[0]
        seconds = min(draw.uniform(0.3, longest), CYCLE_SECONDS - at) if longest else 0.0
        yield Fault(name, round(at, 2), round(seconds, 2), parameters(draw) if parameters else {})
        at += seconds


def make_plan(seed, minutes, without=()):
    """A list of cycles, each a list of faults. The second half spares the agent's life, so that a slow leak shows.

    Each target has its own stream of random numbers, so that what this machine cannot do (`without`) changes nothing
    of the others."""
    count = max(2, int(minutes * 60 / CYCLE_WITH_REST))
    cycles = []
    for number in range(count):
        spared = RESTARTS if number >= count // 2 else ()
        faults = []
        for target in FAULTS:
            faults += draw_target(random.Random(f"{seed} {number} {target}"), target, (*without, *spared))
        cycles.append(sorted(faults, key=lambda fault: fault.start))
    return cycles
