# SPDX-License-Identifier: MIT
"""What a start comes to: skipped only where nothing is configured, and else a failure that everybody sees."""

from support.installed import ENVIRONMENT_FILE, settings_text
from support.machine import UNIT
from support.network import ADDRESS
from support.wait import wait_until

DIRECTORY = "/etc/argus/agent.env.d"
DROP_IN = f"system/{UNIT}.d/test.conf"


def remove(machine, path):
    machine.run(["rm", "-rf", path])


def write(machine, path, text):
    """Inside, as /run is a file system of the booted machine."""
    machine.run(["sh", "-c", 'mkdir -p "$(dirname "$0")" && cat >"$0"', path], input=text)


def start(machine):
    """As an administrator starts a service that is down."""
    machine.systemctl("stop", UNIT)
    machine.systemctl("reset-failed", UNIT, check=False)
    machine.systemctl("daemon-reload")
    return machine.systemctl("start", UNIT, check=False)


def assert_skipped(machine):
    before = machine.show("ExecMainStartTimestampMonotonic")
    done = start(machine)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert machine.show("ConditionResult") == "no" and machine.show("ActiveState") == "inactive"
    assert UNIT not in machine.systemctl("--failed").stdout
    assert machine.show("ExecMainStartTimestampMonotonic") == before, "no process was needed"


def assert_failed(machine, status, said=""):
    done = start(machine)
    assert done.returncode != 0, f"the start of a service that ends with {status} is a failure"
    assert machine.show("ExecMainStatus") == str(status), machine.status()
    assert UNIT in machine.systemctl("--failed").stdout and machine.show("NRestarts") == "0"
    wait_until(lambda: said in machine.status(), 10, f"the status says {said}")


def assert_starts(machine, interval):
    done = start(machine)
    assert done.returncode == 0, done.stderr
    machine.wait_active()
    assert f"every {interval} s" in machine.events("started")[-1]["MESSAGE"]


def test_not_configured_is_skipped_and_all_else_is_a_failure(machine, master):
    (machine.root / ENVIRONMENT_FILE[1:]).unlink()
    machine.start(ADDRESS)
    assert machine.show("ConditionResult") == "no"
    assert ENVIRONMENT_FILE[1:] in machine.status()
    assert_skipped(machine)
    write(machine, DIRECTORY + "/notes.txt", "not a setting\n")
    assert_skipped(machine)

    # Lines that nobody reads are not "not configured".
    write(machine, ENVIRONMENT_FILE, "#MASTER_ENDPOINT=http://master.example:3000\n")
    assert_failed(machine, 78, "MASTER_ENDPOINT")
    write(machine, ENVIRONMENT_FILE, settings_text() + "X=\0\n")
    assert_failed(machine, 78, "MASTER_ENDPOINT")

    # Files of the directory alone; 9.env comes after 20.env.
    remove(machine, ENVIRONMENT_FILE)
    write(machine, DIRECTORY + "/20.env", settings_text(REPORT_INTERVAL_SECONDS="20"))
    write(machine, DIRECTORY + "/9.env", "REPORT_INTERVAL_SECONDS=9\n")
    assert_starts(machine, 9)
    remove(machine, DIRECTORY)
    assert_skipped(machine)

    # A drop-in is a setting, wherever it is; one without the Master's address is a wrong configuration.
    for place in "/etc/systemd", "/run/systemd", "/usr/lib/systemd":
        write(machine, f"{place}/{DROP_IN}", "[Service]\nEnvironment=REPORT_INTERVAL_SECONDS=5\n")
        assert_failed(machine, 78, "MASTER_ENDPOINT")
        write(machine, f"{place}/{DROP_IN}", f"[Service]\nEnvironment={' '.join(settings_text().split())}\n")
        assert_starts(machine, 2)
        remove(machine, f"{place}/{DROP_IN}")
        assert_skipped(machine)

    # What fails before the exec.
    write(machine, ENVIRONMENT_FILE, settings_text())
    for line, status in ("User=nobody-there", 217), ("Group=nobody-there", 216):
        write(machine, f"/run/systemd/{DROP_IN}", f"[Service]\n{line}\n")
        assert_failed(machine, status)
    # This one is tried again, as a file system may come back; until then it is no success.
    write(machine, f"/run/systemd/{DROP_IN}", "[Service]\nReadWritePaths=/late\n")
    assert start(machine).returncode != 0
    assert machine.show("ExecMainStatus") == "226" and machine.show("ActiveState") in ("failed", "activating")
    machine.run(["mkdir", "/late"])
    machine.wait_active()
