# SPDX-License-Identifier: MIT
"""Makes the tables of docs/performance.md and its plots from docs/performance/bench.json."""

import json
from pathlib import Path

import matplotlib
matplotlib.use("svg")
from matplotlib import pyplot  # noqa: E402

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE, FOLDER = DOCS / "performance.md", DOCS / "performance"
AGENT, PORTABLE, FLOOR, PYTHON = "argus-agent", "argus-agent, portable", "floor", "Python agent"
BARE_FLOOR = "floor, without a sandbox"  # what a sandbox costs; else it is as the floor
OURS, OTHERS = "#1f6fb2", "#9a9a9a"
# key, heading, format
COLUMNS = [
    ("rss", "RSS kB", "{:,.0f}"), ("anonymous", "anonymous kB", "{:,.0f}"), ("pss", "PSS kB", "{:,.0f}"),
    ("processes", "processes", "{:.0f}"), ("threads", "threads", "{:.0f}"),
    ("wakeups_a_minute", "wake-ups a minute", "{:,.0f}"), ("start_to_active_msec", "start → active ms", "{:.1f}"),
]
RATIOS = [
    ("rss", "RSS as a service, kB", "{:,.0f}"), ("anonymous", "anonymous memory, kB", "{:,.0f}"),
    ("start_to_active_msec", "start → active as a service, ms", "{:.1f}"),
    ("first_report_msec", "exec → first report accepted, ms", "{:.1f}"),
    ("disk_first_report_msec", "the same with the state on the disk, ms", "{:.1f}"),
    ("cold_first_report_msec", "the same with a cold page cache too, ms", "{:.1f}"),
    ("instructions", "user instructions a report, files changed", "{:,.0f}"),
    ("instructions_unchanged", "the same, files unchanged", "{:,.0f}"),
    ("cpu_usec", "CPU time a report at 20 a second, µs", "{:,.0f}"),
    ("wire_bytes", "bytes a report on the wire beside the health files, http", "{:,.0f}"),
    ("wire_bytes_tls", "the same, https", "{:,.0f}"), ("stripped_bytes", "size on disk, stripped", "{:,.0f}"),
]


def cell(row, key, form):
    value = row.get(key)
    return "–" if value is None else form.format(value)


def table(heads, rows):
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def peers_table(programs):
    rows = [[name, *(cell(row, key, form) for key, _, form in COLUMNS)]
            for name, row in programs.items() if "rss" in row]
    return table(["as a service", *(head for _, head, _ in COLUMNS)], rows)


def floor_table(programs):
    rows = []
    for key, what, form in RATIOS:
        values = [programs.get(name, {}) for name in (AGENT, FLOOR, PORTABLE, PYTHON)]
        ours, floor = (row.get(key) for row in values[:2])
        ratio = f"{ours / floor:.2f}" if ours and floor and key != "stripped_bytes" else "–"
        rows.append([what, cell(values[0], key, form), cell(values[1], key, form), ratio,
                     *(cell(row, key, form) for row in values[2:])])
    return table(["", AGENT, FLOOR, "ratio", "portable", PYTHON], rows)


def growth_table(growth):
    rows = [[f"{row['files']} × {row['bytes'] // 1024} KB",
             *(f"{row[f'{kind}_usec']:,.0f}" for kind in ("agent", "floor")),
             f"{row['agent_usec'] / row['floor_usec']:.2f}",
             *(f"{row[f'{kind}_peak_kb']:,.0f}" for kind in ("agent", "floor")),
             f"{row['agent_peak_kb'] / row['floor_peak_kb']:.2f}"] for row in growth]
    return table(["health files", "agent µs", "floor µs", "ratio", "agent peak kB", "floor peak kB", "ratio"], rows)


def save(figure, name):
    figure.tight_layout()
    figure.savefig(FOLDER / name, metadata={"Date": None})
    pyplot.close(figure)


def draw_bars(axis, rows, title):
    """Largest at the bottom; each bar with its number."""
    rows = sorted(rows, key=lambda row: -row[1])
    names, values = zip(*rows)
    bars = axis.barh(names, values, color=[OURS if name.startswith(AGENT) else OTHERS for name in names])
    labels = [f"{value:,.0f}" if value >= 20 or value == int(value) else f"{value:.1f}" for value in values]
    axis.bar_label(bars, labels, padding=3)
    axis.set_title(title, loc="left")
    axis.margins(x=0.18)
    axis.spines[["top", "right"]].set_visible(False)


def draw_peers(programs):
    figure, axes = pyplot.subplots(1, 2, figsize=(11, 3.6))
    weighed = {name: row for name, row in programs.items() if "rss" in row and name != BARE_FLOOR}
    draw_bars(axes[0], [(name, row["pss"] / 1024) for name, row in weighed.items()], "memory as a service (PSS), MiB")
    draw_bars(axes[1], [(name, row["wakeups_a_minute"]) for name, row in weighed.items()
                        if row.get("wakeups_a_minute") is not None], "wake-ups a minute, idle")
    save(figure, "peers.svg")


def draw_starts(programs):
    figure, axis = pyplot.subplots(figsize=(8, 2.4))
    draw_bars(axis, [(name, row["first_report_msec"]) for name, row in programs.items() if "first_report_msec" in row],
              "exec → first report accepted, ms")
    save(figure, "starts.svg")


def draw_growth(growth):
    figure, axes = pyplot.subplots(1, 2, figsize=(11, 3.8))
    for kind, color in (("agent", OURS), ("floor", OTHERS)):
        for shape, style, rows in (("one file", "--", [row for row in growth if row["files"] == 1]),
                                   ("files of 1 KB", "-", [row for row in growth if row["bytes"] == 1024])):
            size = [row["files"] * row["bytes"] / 1024 for row in rows]
            for axis, key, unit in ((axes[0], "usec", 1000), (axes[1], "peak_kb", 1024)):
                axis.plot(size, [row[f"{kind}_{key}"] / unit for row in rows], style, marker=".", color=color,
                          label=f"{kind}, {shape}")
    for axis, title in zip(axes, ("CPU time of a report, ms", "peak memory, MiB")):
        axis.set(xlabel="health in all, KB")
        axis.set_title(title, loc="left")
        axis.set_ylim(bottom=0)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].legend(frameon=False)
    save(figure, "growth.svg")


def main():
    found = json.loads((FOLDER / "bench.json").read_text(encoding="utf-8"))
    programs = found["programs"]
    if any("rss" in row for row in programs.values()):
        draw_peers(programs)
    draw_starts(programs)
    draw_growth(found["growth"])
    machine = found["machine"]
    parts = {
        "machine": f"Measured on {found['date']} at commit {machine['commit']}: {machine['processors']} processors, "
                   f"Linux {machine['kernel']}, Debian 12.",
        "floor": floor_table(programs), "peers": peers_table(programs), "growth": growth_table(found["growth"]),
    }
    text = PAGE.read_text(encoding="utf-8")
    for name, part in parts.items():
        begin, end = f"<!-- {name}: made by ./dev bench -->\n", "<!-- end -->"
        before, rest = text.split(begin)
        text = before + begin + part + "\n" + end + rest.split(end, 1)[1]
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
