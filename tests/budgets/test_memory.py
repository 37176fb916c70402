# SPDX-License-Identifier: MIT
"""Memory: beside the floor's in the same run, after thousands of reports, and in blocks allocated."""

import re

import pytest

from budgets import ALLOCATIONS_NOW, ANONYMOUS, ANONYMOUS_KB, GROWTH, RSS
from subjects import finish_skipping, run, skipping_agent, stage, start_floor, weigh_agent, weigh_floor
from support.proc import memory, state, status
from support.wait import wait_until


def test_resident_and_anonymous_memory(around):
    agent, floor = weigh_agent(around), weigh_floor()
    assert agent["Rss"] <= RSS * floor["Rss"], f"{agent} against {floor}"
    assert agent["Anonymous"] <= ANONYMOUS * floor["Anonymous"], f"{agent} against {floor}"
    assert agent["Anonymous"] <= ANONYMOUS_KB


@pytest.mark.timeout(260)
def test_memory_is_the_same_after_20000_reports(around):
    """Two weeks of a node whose files change all the time."""
    weights = []
    with stage() as on:
        def on_report():
            on.files.rewrite()
            if on.master.reports in (10, 19_999):
                weights.append(memory(agent.pid)["Rss"])

        with skipping_agent(on, around) as agent:
            on.master.on_report = on_report
            on.master.wait_reports(20_000, 240)
    assert weights[1] - weights[0] <= 64, f"kB: {weights}"


def heap(reports, around):
    """(blocks allocated in all, bytes at the end of the run) of a run with so many reports."""
    with stage() as on:
        log = on.folder / "dhat.log"
        on.master.on_report = on.files.rewrite
        with skipping_agent(on, around, reports, ["valgrind", "--tool=dhat", f"--dhat-out-file={on.folder}/dhat.out",
                                                  f"--log-file={log}"]) as agent:
            finish_skipping(on, agent, reports)
        totals = dict(re.findall(r"(Total|At t-gmax|At t-end): +[\d,]+ bytes in ([\d,]+) blocks", log.read_text()))
        return {name: int(blocks.replace(",", "")) for name, blocks in totals.items()}


def test_a_report_allocates_little_and_frees_it_again(around):
    few, many = heap(20, around), heap(120, around)
    blocks = (many["Total"] - few["Total"]) / 100
    assert blocks <= ALLOCATIONS_NOW, f"{blocks} blocks a report"
    assert many["At t-gmax"] - few["At t-gmax"] <= 10, f"{few}, {many}"
    assert many["At t-end"] == few["At t-end"], f"{few}, {many}"


def peak(start, reports, count, size):
    """Peak memory of a run, in kB; the files of each report are new."""
    with stage(count=count, size=size) as on:
        on.master.on_report = on.files.rewrite
        with start(on, reports) as program:
            on.master.wait_reports(reports)
            wait_until(lambda: state(program.pid) == "S", 10, "the program waits")
            return status(program.pid, "VmHWM")


def peaks(count, size):
    agent = peak(lambda on, reports: skipping_agent(on, reports=reports), 4, count, size)
    floor = peak(lambda on, reports: run(start_floor(on, reports=reports)), 4, count, size)
    return agent, floor


def test_peak_memory_grows_with_the_files_as_the_floors_does():
    for count, size in (1, 1024), (256, 1024), (1, 1 << 20), (256, 32 << 10):
        agent, floor = peaks(count, size)
        assert agent <= GROWTH * floor, f"{count} files of {size} bytes: {agent} kB, the floor {floor} kB"
