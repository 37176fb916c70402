# SPDX-License-Identifier: MIT
"""What is measured: the release build of the agent, as its unit runs it, and the floor program."""

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

from callgrind import read_costs
from fast_master import FastMaster
from health_files import HealthFiles
from support.agent import BINARY, HOSTNAME, Agent
from support.bus import Bus
from support.notify import NotifySocket
from support.proc import memory, state
from support.program import Program
from support.wait import wait_until

FLOOR = BINARY.parent / "tests/bench/floor"
EXEC_STAMP = BINARY.parent / "tests/bench/exec-stamp"
SKIP_TIME = BINARY.parent / "tests/bench/skip-time.so"
WATCHDOG_USEC = 60_000_000  # as the unit has it


class Stage:
    """A folder, a Master and health files for one run of one program."""

    def __init__(self, count=5, size=400, ssl_context=None, place="/tmp"):
        self.folder = Path(tempfile.mkdtemp(prefix="argus-budget-", dir=place))
        self.master = FastMaster(ssl_context)
        self.health = self.folder / HOSTNAME / "health"
        self.files = HealthFiles(self.health, count, size)

    def close(self):
        self.master.stop()
        shutil.rmtree(self.folder)


@contextmanager
def stage(**options):
    opened = Stage(**options)
    try:
        yield opened
    finally:
        opened.close()


class Surroundings:
    """The bus and the service manager of the agents; several may use them one after another."""

    def __init__(self):
        self.bus = Bus()
        self._folder = tempfile.mkdtemp(prefix="argus-notify-", dir="/tmp")
        self.manager = NotifySocket(Path(self._folder) / "notify")

    @property
    def variables(self):
        return {"AGENT_BUS": "system", "DBUS_SYSTEM_BUS_ADDRESS": self.bus.address,
                "NOTIFY_SOCKET": self.manager.path, "WATCHDOG_USEC": WATCHDOG_USEC}

    def close(self):
        self.manager.close()
        shutil.rmtree(self._folder)
        self.bus.remove()


@contextmanager
def run(program):
    try:
        yield program
    finally:
        program.kill()


def start_agent(on, around=None, wrapper=(), binary=BINARY, **variables):
    """On the bus and supervised if there is something around it."""
    variables = {"MASTER_ENDPOINT": on.master.url, "AGENT_LOG_TARGET": "console"} | variables
    if around:
        variables = around.variables | variables
    return Agent(on.folder, variables, wrapper=wrapper, binary=binary)


def start_floor(on, mode="splice", register=False, reports=1, wrapper=()):
    return Program([*wrapper, FLOOR, mode, *(["--register"] if register else []), on.master.url, on.health, reports])


@contextmanager
def skipping_agent(on, around=None, reports=None, wrapper=(), **variables):
    """An agent for which all time passes at once in which it only waits, once it is online; up to `reports`."""
    when = on.folder / "skip"
    tool = {"LD_PRELOAD": SKIP_TIME, "SKIP_TIME_WHEN": when}
    if reports:
        tool["SKIP_TIME_REQUESTS"] = reports + 1  # and the registration
    with run(start_agent(on, around, wrapper, **tool | variables)) as agent:
        on.master.wait_reports(1)
        if around:
            around.bus.wait_agent()
        when.touch()
        yield agent


def finish_skipping(on, agent, reports):
    on.master.wait_reports(reports, 120)
    wait_until(lambda: agent.output().count("Report accepted") == reports, 10, lambda: f"{reports} reports logged")
    assert agent.stop(30) == 0, agent.output()
    assert on.master.reports == reports


def agent_costs(reports, around=None, changing=False, tool="callgrind", **options):
    """Instructions of a whole run with so many reports; `changing`: all files are replaced before each."""
    with stage(**options) as on:
        out = on.folder / "callgrind.out"
        if changing:
            on.master.on_report = on.files.rewrite
        with skipping_agent(on, around, reports, callgrind(out)) as agent:
            finish_skipping(on, agent, reports)
        return read_costs(out)


def agent_start_costs(around):
    """Instructions from exec to the first report, and of the end."""
    with stage() as on:
        out = on.folder / "callgrind.out"
        with run(start_agent(on, around, callgrind(out))) as agent:
            on.master.wait_reports(1)
            around.bus.wait_agent()
            assert agent.stop(30) == 0, agent.output()
        return read_costs(out)


def floor_costs(reports, mode="splice", register=False, **options):
    with stage(**options) as on:
        out = on.folder / "callgrind.out"
        with run(start_floor(on, mode, register, reports, callgrind(out))) as floor:
            on.master.wait_reports(reports)
            wait_until(lambda: state(floor.pid) == "S", 10, "the floor program waits")
            floor.stop(30)
        return read_costs(out)


def callgrind(out):
    # callgrind counts "rep movsb" as an instruction for each byte: memcpy() shall not use it
    return ["env", "GLIBC_TUNABLES=glibc.cpu.x86_rep_movsb_threshold=1000000000",
            "valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={out}"]


def a_report(costs_of, few=20, many=120, **options):
    """What one report costs: the difference of two runs, by (object, function)."""
    less, more = costs_of(few, **options), costs_of(many, **options)
    return {key: (more[key] - less[key]) / (many - few) for key in less.keys() | more.keys()}


def weigh(program, on):
    """The memory of a program that has made its first report and waits."""
    on.master.wait_reports(1)
    wait_until(lambda: state(program.pid) == "S", 10, "the program waits")
    return memory(program.pid)


def weigh_agent(around, **options):
    with stage() as on, run(start_agent(on, around, **options)) as agent:
        around.bus.wait_agent()
        return weigh(agent, on)


def weigh_floor():
    with stage() as on, run(start_floor(on)) as floor:
        return weigh(floor, on)
