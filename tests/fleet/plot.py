# SPDX-License-Identifier: MIT
"""Draws the fleets, simulated and real, as SVG."""

import textwrap

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "argus-agent"  # the same data gives the same file
from matplotlib import pyplot  # noqa: E402  (after the choice of what draws)

COLORS = {"argus": "#1f5fa8", "naive": "#e07b00"}
LABELS = {"argus": "argus-agent", "naive": "naive agent: fixed interval,\nretries every 5 s"}
LEAST = 0.1  # what is less is drawn there: the scale is logarithmic
POINTS = 160  # in a line
COLUMNS = 3
NOTE = """Grey: the time of the fault or the pause.
Each point is the largest second of its
stretch of time, in multiples of the steady
load at that interval (60 s if none is named)."""


def largest_of_each(values, size):
    return [max(values[first:first + size]) for first in range(0, len(values), size)]


def draw_run(axes, run):
    size = max(1, len(run.requests) // POINTS)
    loads = [max(value / run.steady, LEAST) for value in largest_of_each(run.requests, size)]
    minutes = [(number * size - run.scenario.begin) / 60 for number in range(len(loads))]
    axes.plot(minutes, loads, color=COLORS[run.agent], linewidth=1.2 if run.agent == "argus" else 0.9,
              label=LABELS[run.agent], zorder=3 if run.agent == "argus" else 2)


def draw_panel(axes, runs):
    scenario = runs[0].scenario
    for run in runs:
        draw_run(axes, run)
    if scenario.end is not None:
        axes.axvspan(0, (scenario.end - scenario.begin) / 60, color="#dddddd", zorder=0)
    elif scenario.begin:
        axes.axvline(0, color="#999999", linewidth=0.8)
    axes.axhline(1, color="black", linewidth=0.5, linestyle=":")
    axes.set_yscale("log")
    axes.set_ylim(LEAST * 0.9, 120)
    axes.set_yticks([0.1, 1, 3, 10, 60], ["≤ 0.1", "1", "3", "10", "60"])
    axes.minorticks_off()
    axes.set_xlim(left=-1 if scenario.begin else 0, right=(scenario.seconds - scenario.begin) / 60)
    axes.set_title(textwrap.fill(scenario.title, 46), fontsize=9)
    axes.set_xlabel("minutes", fontsize=7)
    axes.set_ylabel("requests, × steady load", fontsize=7)
    axes.tick_params(labelsize=7)
    axes.grid(axis="y", color="#eeeeee")


def draw_scenarios(runs, path):
    scenarios = list(dict.fromkeys(run.scenario.name for run in runs))
    rows = len(scenarios) // COLUMNS + 1  # leaves at least one panel for the legend
    figure, grid = pyplot.subplots(rows, COLUMNS, figsize=(12, 2.5 * rows), squeeze=False)
    panels = list(grid.flat)
    for axes, name in zip(panels, scenarios):
        draw_panel(axes, [run for run in runs if run.scenario.name == name])
    for axes in panels[len(scenarios):]:
        axes.axis("off")
    handles, labels = panels[0].get_legend_handles_labels()
    panels[-1].legend(handles, labels, loc="upper left", fontsize=8, frameon=False)
    panels[-1].text(0.03, 0.6, NOTE, fontsize=8, va="top", transform=panels[-1].transAxes)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def draw_swarm(swarm, asked, simulated, path):
    """The start is cut off: it is too high for the rest to be seen."""
    steady = swarm["agents"] / swarm["interval"]
    back = swarm["back"]
    length = min(len(asked), len(simulated)) - 1
    figure, axes = pyplot.subplots(figsize=(10, 4))
    seconds = [second + 0.5 for second in range(length)]
    axes.plot(seconds, [value / steady for value in simulated[:length]], color="#999999", linewidth=0.9, label="simulated")
    axes.plot(seconds, [value / steady for value in asked[:length]], color=COLORS["argus"], linewidth=1,
              label=f"{swarm['agents']:,} real agents")
    axes.axvspan(back - swarm["away"], back, color="#dddddd", zorder=0)
    axes.text(back - swarm["away"] / 2, 3.7, "no Master", ha="center", fontsize=9)
    axes.set_ylim(0, 4)
    axes.set_xlim(0, length)
    axes.set_xlabel("seconds since the first agent was started", fontsize=9)
    axes.set_ylabel("requests a second, × steady load", fontsize=9)
    axes.annotate(f"start of all, in {swarm['start_seconds']:.0f} s: up to {max(asked[:length]) / steady:.1f} ×",
                  (swarm["start_seconds"] + 1, 3.8), fontsize=9, va="top", xytext=(swarm["start_seconds"] + 4, 3.8))
    axes.grid(axis="y", color="#eeeeee")
    axes.legend(loc="upper right", fontsize=9, frameon=False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
