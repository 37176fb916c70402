# SPDX-License-Identifier: MIT
"""An idle agent sleeps: the wake-ups of a minute, on the bus and supervised."""

import time

from budgets import SWITCHES_A_MINUTE
from subjects import run, stage, start_agent
from support.proc import state, status
from support.wait import wait_until


def test_voluntary_switches_of_a_minute(around):
    with stage() as on, run(start_agent(on, around)) as agent:
        on.master.wait_reports(1)
        around.bus.wait_agent()
        wait_until(lambda: state(agent.pid) == "S", 10, "the agent waits")
        before = status(agent.pid, "voluntary_ctxt_switches")
        time.sleep(60)  # not for something to happen: a minute is what is measured
        switches = status(agent.pid, "voluntary_ctxt_switches") - before
    assert on.master.reports == 2
    assert switches <= SWITCHES_A_MINUTE
