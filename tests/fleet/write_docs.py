# SPDX-License-Identifier: MIT
"""Takes what ./dev fleet and ./dev swarm measured last into docs/performance/, and its numbers into the page."""

import json
import shutil
from pathlib import Path

DATA = Path("docs/performance")
PAGE = Path("docs/performance-fleet.md")
MEASURED = [Path("build/fleet/fleet.json"), *Path("build/fleet").glob("*.svg"), *Path("build/swarm").glob("*000.*")]


def take_over():
    DATA.mkdir(exist_ok=True)
    for path in MEASURED:
        if path.exists():
            shutil.copy(path, DATA / f"swarm-{path.name}" if path.parent.name == "swarm" else DATA)


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def fleet_table():
    fleet = json.loads((DATA / "fleet.json").read_text())
    rows, before = [], None
    for title, nodes, what, measured, most in fleet["goals"]:
        rows.append((title if title != before else "", what, f"{measured:.2f}".removesuffix(".00"), f"{most:g}",
                     f"{nodes:,}" if title != before else ""))
        before = title
    return (f"{fleet['nodes']:,} nodes, seed {fleet['seed']}; fewer where it takes long. A fault lasts "
            f"{fleet['hold']} s unless its row says otherwise. An hour of a million nodes took "
            f"{fleet['seconds_for_a_million_hours']:.0f} s on one core.\n\n"
            + table(("what happens", "what is measured", "measured", "at most", "nodes"), rows))


def swarm_column(swarm):
    memory, compared = swarm["memory_kib"], swarm["compared"]
    least, mean, most = compared["simulated_spread"]
    reports = max(swarm["reports_settled"], 1)
    return (f"{swarm['start_seconds']:.0f} s", f"{memory['Pss']:,.0f} KiB", f"{memory['Anonymous']:,.0f} KiB",
            f"{memory['Rss']:,.0f} KiB", f"{memory['Machine']:,.0f} KiB",
            f"{swarm['cpu_seconds'] / swarm['cpu_span']:.1%} of a core", f"{swarm['cpu_seconds'] / reports * 1e3:.2f} ms",
            f"{compared['spread']:.3f}", f"{mean:.3f} ({least:.3f} to {most:.3f})",
            f"{swarm['refused_load']:.2f}", f"{swarm['return_seconds']:.1f} s",
            f"{compared['largest']:.2f}", f"{compared['simulated_largest']:.2f}", f"{swarm['load'][0]:.1f}")


STORIES = ("pause", "registering", "overload")
SWARM_ROWS = (
    "all started within", "PSS of an agent", "anonymous memory", "RSS", "less available memory on the machine, for each",
    "CPU of all, in the steady state", "CPU a report", "spread of the seconds of an interval (deviation by mean)",
    "the same, simulated (20 seeds)", "tries without the Master, × steady load", "all back, each with its id, after",
    "largest second after that, × steady load", "the same, simulated", "load average of the machine (2 cores) meanwhile")


def swarm_table():
    swarms = sorted((json.loads(path.read_text()) for path in DATA.glob("swarm-outage-*.json")),
                    key=lambda swarm: swarm["agents"])
    columns = [swarm_column(swarm) for swarm in swarms]
    head = ("", *(f"{swarm['agents']:,} agents" for swarm in swarms))
    return table(head, [(name, *values) for name, *values in zip(SWARM_ROWS, *columns)])


def stories_table():
    rows = []
    for path in (path for story in STORIES for path in sorted(DATA.glob(f"swarm-{story}-*.json"))):
        swarm, before = json.loads(path.read_text()), None
        for case, what, measured, most, allowed in swarm["goals"]:
            limit = f"{most:g}" if allowed == most else f"{most:g} ({allowed:.2f})"
            rows.append((f"{swarm['agents']:,} agents: {case}" if case != before else "", what,
                         f"{measured:.2f}".removesuffix(".00"), limit))
            before = case
    return table(("what happens", "what is measured", "measured", "at most (allowed)"), rows)


def replace_generated(page, name, text):
    begin, end = f"<!-- generated: {name} -->", f"<!-- end: {name} -->"
    before, _, rest = page.partition(begin)
    _, found, after = rest.partition(end)
    assert found, f"{PAGE} lacks {end}"
    return f"{before}{begin}\n{text}\n{end}{after}"


if __name__ == "__main__":
    take_over()
    text = replace_generated(PAGE.read_text(), "fleet", fleet_table())
    text = replace_generated(text, "swarm", swarm_table())
    PAGE.write_text(replace_generated(text, "stories", stories_table()))
    print(f"written: {PAGE}")
