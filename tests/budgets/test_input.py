# SPDX-License-Identifier: MIT
"""What is read of the health directory: each changed file once, of an unchanged one only its stat."""

import re
from collections import Counter

from subjects import SKIP_TIME, skipping_agent, stage
from support.wait import wait_until

OPENED = re.compile(r'openat\([^"]*"(metric-[^"]+)"')
READ = re.compile(r"read\((\d+)<[^>]*/(metric-[^>]+)>, .*\) = (\d+)")
LOOKED_AT = re.compile(r'newfstatat\(\d+<[^>]*>, "(metric-[^"]+)"')
REPORTS = 12


def trace(changing):
    """The calls of each report but the first three, in which files are too young to be trusted."""
    with stage() as on:
        log = on.folder / "trace"
        if changing:
            on.master.on_report = on.files.rewrite
        strace = ["strace", "-D", "-y", "-s", "64", "-o", log, "-E", f"LD_PRELOAD={SKIP_TIME}",
                  "-e", "trace=openat,newfstatat,read,pread64,sendto"]
        with skipping_agent(on, None, REPORTS, strace, LD_PRELOAD=None) as agent:
            on.master.wait_reports(REPORTS)
            assert agent.stop() == 0, agent.output()
        wait_until(lambda: "+++ exited" in log.read_text(), 10, "strace has written all")
        parts = re.split(r'"PUT /', log.read_text())
        return on.files.names, parts[3:REPORTS]


def test_a_changed_file_is_opened_and_read_once():
    names, reports = trace(changing=True)
    for calls in reports:
        size = Counter()
        for _, name, count in READ.findall(calls):
            size[name] += int(count)
        assert Counter(OPENED.findall(calls)) == Counter(names)
        assert size == Counter({name: 400 for name in names})


def test_an_unchanged_file_is_only_looked_at():
    names, reports = trace(changing=False)
    for calls in reports:
        assert not OPENED.findall(calls)
        assert Counter(LOOKED_AT.findall(calls)) == Counter(names)
