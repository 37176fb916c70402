# SPDX-License-Identifier: MIT
"""Runs pytest in namespaces of its own (network, mounts, processes): nothing of a run is left behind, however it ends, and
no test reaches a real network."""

import os
import shutil
import signal
import subprocess
import sys

from conditions import require

# process 1 of the run: a container cannot end while a child of it is not reaped
REAPER = ["sh", "-c", '"$@"; exit $?', "reaper"]
TOOLS = {"ip": "iproute2", "nsenter": "util-linux", "unshare": "util-linux"}


def need(tools, *conditions):
    """Ends the program if it has not what the tests need: root, programs ({name: its package}), conditions."""
    require("root")
    if missing := sorted({package for tool, package in (TOOLS | tools).items() if not shutil.which(tool)}):
        sys.exit(f"missing: apt-get install {' '.join(missing)}")
    require("mounts", "network", *conditions)


def mounts():
    return os.readlink("/proc/self/ns/mnt")


def mount_scratch(*directories):
    """Empty directories of the run's own, which are gone with its mount namespace. Never in that of the machine."""
    assert os.environ.get("ARGUS_OUTER_MOUNTS", mounts()) != mounts(), "start these tests by the program `run` beside them"
    for directory in directories:
        os.makedirs(directory, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", directory], check=True)


def run_pytest(folder, seconds, *options, **variables):
    """In this folder, for so long; the program's own arguments go to pytest. Returns the exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # with all the cleaning up
    tests = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", "--",
         "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--", *REAPER,
         "/usr/bin/python3", "-m", "pytest", "-ra", "--tb=short", *options, *sys.argv[1:]], cwd=folder,
        env={**os.environ, **variables, "PYTHONDONTWRITEBYTECODE": "1", "ARGUS_OUTER_MOUNTS": mounts()})
    try:
        return tests.wait(float(seconds))
    except KeyboardInterrupt:
        return tests.wait(60)  # the tests got it too, and clean up
    except subprocess.TimeoutExpired:
        print(f"the tests took longer than {seconds} s and were ended", file=sys.stderr)
        return 1
    finally:
        tests.kill()  # with it go all processes, namespaces and mounts of the run
        tests.wait()
