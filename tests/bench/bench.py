# SPDX-License-Identifier: MIT
"""Measures the agent beside the floor program, a Python agent and what Debian has: docs/performance/bench.json.

Run by ./dev bench, which builds what is measured. A busy machine bends the times, not the rest."""

import argparse
import json
import os
import platform
import random
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent)]

from callgrind import total  # noqa: E402
from subjects import (EXEC_STAMP, FLOOR, Surroundings, a_report, agent_costs, floor_costs, run,  # noqa: E402
                      skipping_agent, stage, start_agent, start_floor)
from support import roots  # noqa: E402
from support.agent import BINARY, clean_environment  # noqa: E402
from support.certificates import Authority  # noqa: E402
from support.proc import cpu_seconds, status  # noqa: E402
from support.program import Program  # noqa: E402

PYTHON_AGENT = HERE / "python_agent.py"
PORTABLE = REPOSITORY / "dist/argus-agent"
PEERS = ["python3-requests", "prometheus-node-exporter", "zabbix-agent", "zabbix-agent2", "collectd"]
AGENT, PORTABLE_AGENT, FLOOR_PROGRAM, PYTHON = "argus-agent", "argus-agent, portable", "floor", "Python agent"
STARTS, COLD_STARTS = 15, 3
SECOND = 20  # reports in one
MEMORY, DISK = "/dev/shm", "/var/tmp"  # the state is durable on a disk only, and waits for it


def start_python(on, wrapper=(), **variables):
    environment = clean_environment(on.folder, {"MASTER_ENDPOINT": on.master.url} | variables)
    return Program([*wrapper, "/usr/bin/python3", PYTHON_AGENT], environment)


def starters(around):
    found = {AGENT: lambda on, wrapper: start_agent(on, around, wrapper),
             FLOOR_PROGRAM: lambda on, wrapper: start_floor(on, register=True, wrapper=wrapper),
             PYTHON: start_python}
    if PORTABLE.exists() and b"libcurl.so" not in PORTABLE.read_bytes():
        found[PORTABLE_AGENT] = lambda on, wrapper: start_agent(on, around, wrapper, PORTABLE)
    return found


def first_report(start, place):
    """Milliseconds from exec to the Master's acceptance of the first report, with the state at that place."""
    with stage(place=place) as on, run(start(on, [EXEC_STAMP])) as program:
        on.master.wait_reports(1)
        return (on.master.times["PUT"][0] - float(program.output("stdout").split()[0])) * 1000


def can_drop_page_cache():
    try:
        Path("/proc/sys/vm/drop_caches").write_text("1", encoding="ascii")
    except OSError:  # not root, or in a container that may not
        return False
    return True


def first_reports(starts):
    """Medians by program. They take turns, so that a machine that gets busy does so for all, and in another order each
    time: whoever comes after a program on the same libraries finds these in the processor's caches."""
    places = {"first_report_msec": MEMORY, "disk_first_report_msec": DISK}
    found = {name: {key: [] for key in (*places, "cold_first_report_msec")} for name in starts}
    for start in starts.values():
        first_report(start, MEMORY)
    turns = [(name, key) for name in starts for key in places]
    for _ in range(STARTS):
        for name, key in random.sample(turns, len(turns)):
            found[name][key].append(first_report(starts[name], places[key]))
    for _ in range(COLD_STARTS):
        for name, start in starts.items():
            if can_drop_page_cache():
                found[name]["cold_first_report_msec"].append(first_report(start, DISK))
    return {name: {key: statistics.median(values) if values else None for key, values in row.items()}
            for name, row in found.items()}


def at_a_pace(begin, reports=100, **options):
    """What a report costs while `SECOND` of them come in a second, as the Master takes so long for an answer: the CPU
    time of user and kernel in µs."""
    with stage(**options) as on:
        used = {}

        def on_report():
            if on.master.reports in (9, 9 + reports):
                used[on.master.reports] = cpu_seconds(program.pid)
            on.files.rewrite()
            time.sleep(1 / SECOND)

        with begin(on) as program:
            on.master.on_report = on_report
            on.master.wait_reports(10 + reports, 60)
        return (used[9 + reports] - used[9]) / reports * 1e6


def begin_agent(around):
    return lambda on: skipping_agent(on, around)


def begin_floor(on):
    return run(start_floor(on, reports=1_000_000))


def begin_python(on):
    return run(start_python(on, REPORT_INTERVAL_SECONDS="0"))


def bytes_on_the_wire(begin, secure, folder):
    """Both ways, of one report on an open connection, beyond the health files."""
    context, variables = None, {}
    if secure:
        authority = Authority(Path(folder))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.issue("master"))
        variables = {"MASTER_CA_FILE": authority.file}
    with stage(ssl_context=context) as on, begin(on, variables):
        on.master.wait_reports(61)
        return (on.master.bytes_after(60) - on.master.bytes_after(10)) / 50 - on.files.bytes


def growth(around):
    """CPU time and peak memory of a report, by files of 1 KB and by the size of one; all are new each time."""
    shapes = [(count, 1024) for count in (1, 4, 16, 64, 256)] + [(1, 4 ** power * 1024) for power in range(1, 6)]
    shapes += [(256, 32 << 10)]
    found = []
    for count, size in shapes:
        row = {"files": count, "bytes": size}
        for name, begin in (("agent", lambda on: skipping_agent(on)), ("floor", begin_floor)):
            with stage(count=count, size=size) as on:
                used = []

                def on_report():
                    if on.master.reports in (2, 22):
                        used.append(cpu_seconds(program.pid))
                    if len(used) < 2:
                        on.files.rewrite()

                with begin(on) as program:
                    on.master.on_report = on_report
                    on.master.wait_reports(24, 60)
                    row |= {f"{name}_usec": (used[1] - used[0]) / 20 * 1e6,
                            f"{name}_peak_kb": status(program.pid, "VmHWM")}
        found.append(row)
    return found


def stripped_size(binary, folder):
    out = Path(folder) / "stripped"
    subprocess.run(["strip", "-o", out, binary], check=True)
    return out.stat().st_size


def booted(folder):
    """See tests/booted/bench_peers.py."""
    extra, result = Path(folder) / "extra", Path(folder) / "booted.json"
    extra.mkdir()
    shutil.copy(PYTHON_AGENT, extra)
    subprocess.run(["strip", "-o", extra / "floor", FLOOR], check=True)
    if PORTABLE.exists():
        shutil.copy(PORTABLE, extra / "portable-agent")
    root = roots.cached_root("bookworm", [*roots.PACKAGES["bookworm"], *PEERS])
    variables = {"ARGUS_BUILD_DIR": BINARY.parent, "ARGUS_BENCH_ROOT": root, "ARGUS_BENCH_EXTRA": extra,
                 "ARGUS_BENCH_RESULT": result}
    done = subprocess.run([HERE.parent / "booted/run", "-q", "bench_peers.py"], check=False, capture_output=True,
                          text=True, env=os.environ | {name: str(value) for name, value in variables.items()})
    if done.returncode != 0:
        sys.exit(f"the booted measurement failed:\n{done.stdout[-4000:]}{done.stderr[-2000:]}")
    return json.loads(result.read_text(encoding="utf-8"))


def say(text):
    print(text, flush=True)


def measure():
    around = Surroundings()
    with tempfile.TemporaryDirectory(prefix="argus-bench-") as folder:
        try:
            say("exec to first report")
            programs = first_reports(starters(around))

            say("instructions and CPU time of a report")
            programs[AGENT] |= {
                "instructions": total(a_report(agent_costs, around=around, changing=True)),
                "instructions_unchanged": total(a_report(agent_costs, around=around)),
                "cpu_usec": at_a_pace(begin_agent(around)),
                "stripped_bytes": stripped_size(BINARY, folder)}
            programs[FLOOR_PROGRAM] |= {
                "instructions": total(a_report(floor_costs)),
                "instructions_put": total(a_report(floor_costs, mode="put")),
                "cpu_usec": at_a_pace(begin_floor), "stripped_bytes": stripped_size(FLOOR, folder)}
            programs[PYTHON] |= {"cpu_usec": at_a_pace(begin_python)}
            if PORTABLE_AGENT in programs:
                programs[PORTABLE_AGENT]["stripped_bytes"] = PORTABLE.stat().st_size

            say("bytes on the wire")
            for name, begin in ((AGENT, lambda on, variables: skipping_agent(on, around, **variables)),
                                (PYTHON, lambda on, variables: run(start_python(on, REPORT_INTERVAL_SECONDS="0",
                                                                                **variables)))):
                programs[name] |= {"wire_bytes": bytes_on_the_wire(begin, False, folder),
                                   "wire_bytes_tls": bytes_on_the_wire(begin, True, folder)}
            say("growth")
            grown = growth(around)
        finally:
            around.close()
        if os.geteuid() == 0:
            say("all of them as services of a booted machine")
            for name, row in booted(folder).items():
                programs.setdefault(name, {}).update(row)
        else:
            say("SKIP: memory beside the peers needs a booted machine, which needs root")
    return {"date": str(date.today()), "machine": machine(), "programs": programs, "growth": grown}


def machine():
    commit = subprocess.run(["git", "-C", REPOSITORY, "rev-parse", "--short", "HEAD"], capture_output=True, text=True,
                            check=False).stdout.strip()
    return {"kernel": platform.release(), "processors": os.cpu_count(), "commit": commit}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=REPOSITORY / "docs/performance/bench.json")
    options = parser.parse_args()
    found = measure()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
