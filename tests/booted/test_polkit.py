# SPDX-License-Identifier: MIT
"""Who asks for what he may not have costs the agent nothing: with a polkit that hangs, and in floods."""

import os
import subprocess
import sys
import time
from pathlib import Path


from support.wait import wait_until

FLOODER = Path(__file__).with_name("flood_bus.py")


def rss(machine):
    pages = machine.run(["cat", f"/proc/{machine.main_pid()}/statm"]).stdout.split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def report_count(master):
    return len(master.requests("report"))


def test_a_polkit_that_hangs_is_a_no_and_holds_nobody_up(running, master):
    master.wait_node()
    running.run(["useradd", "--no-create-home", "somebody"])
    running.systemctl("start", "polkit")
    running.systemctl("kill", "--signal=STOP", "polkit")

    before, begun = report_count(master), time.monotonic()
    refused = running.bus_call("Report", user="somebody", check=False)  # may be asked for a password
    assert refused.returncode != 0 and "timed out" not in refused.stderr and time.monotonic() - begun < 12
    assert running.bus_call("Report", timeout=5).stdout == "u 200\n"  # root needs no polkit
    wait_until(lambda: report_count(master) > before + 2, 10, "reports go on")

    running.systemctl("kill", "--signal=CONT", "polkit")
    running.assert_refused("somebody", "Report")


def test_a_flood_of_an_ordinary_user(running, master):
    master.wait_node()
    running.run(["useradd", "--no-create-home", "somebody"])
    uid = running.run(["id", "-u", "somebody"]).stdout.strip()
    settled, before, begun = rss(running), report_count(master), time.monotonic()

    flood = subprocess.run([sys.executable, FLOODER, uid, "8"], cwd=f"/proc/{running.init}/root/run/dbus",
                           stdout=subprocess.PIPE, text=True, timeout=30, check=True)
    took = time.monotonic() - begun
    assert int(flood.stdout) > 1000
    assert rss(running) < settled + 4 * 1024 * 1024
    assert report_count(master) - before >= int(took / 2) - 1, "one each two seconds"
    assert running.show("NRestarts") == "0"
    assert running.bus_call("Report", timeout=10).stdout == "u 200\n"
