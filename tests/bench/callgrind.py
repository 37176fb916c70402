# SPDX-License-Identifier: MIT
"""User instructions, counted by valgrind's callgrind: the same at each run, however busy the machine is."""

import re
from collections import Counter

NAMES = re.compile(r"(c?)(ob|fn)=\((\d+)\)(?: (.*))?$")


def read_costs(path):
    """Instructions by (object, function), each function's own."""
    names = {"ob": {}, "fn": {}}
    here = {"ob": "", "fn": ""}
    costs = Counter()
    is_call = False
    for line in path.read_text(encoding="utf-8").splitlines():
        if match := NAMES.match(line):
            called, kind, number, name = match.groups()
            if name:
                names[kind][number] = name.rsplit("/", 1)[-1] if kind == "ob" else name
            if not called:
                here[kind] = names[kind][number]
        elif line.startswith("calls="):
            is_call = True  # the next line is what the call cost, which stands at the called function too
        elif line[:1].isdigit() or line[:1] in ("+", "-", "*"):
            if not is_call:
                costs[here["ob"], here["fn"]] += int(line.split()[1])
            is_call = False
    return costs


def total(costs):
    """All but those of our own tool."""
    return sum(cost for (binary, _), cost in costs.items() if binary != "skip-time.so")
