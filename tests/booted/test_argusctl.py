"""argusctl on a machine with a real polkit: who may, who may not, and the password that it asks for."""

import os
import pty
import select

import pytest

from support.machine import UNIT
from support.network import ADDRESS
from support.wait import wait_until

PASSWORD = "geheim"


@pytest.fixture
def running(machine, master):
    """A machine that is online, with an administrator (by sudo's group) and an ordinary user."""
    machine.start(ADDRESS)
    master.wait_node()
    machine.run(["useradd", "--no-create-home", "somebody"])
    machine.run(["useradd", "--no-create-home", "--groups=sudo", "admin"])
    machine.run(["chpasswd"], input=f"admin:{PASSWORD}\n")
    machine.run(["argusctl", "is-online", "--wait=10"])
    return machine


def on_terminal(machine, user, command, password):
    """Runs a command inside on a terminal, and enters a password when it is asked for: (exit status, text)."""
    pid, terminal = pty.fork()
    if pid == 0:
        # script: the terminal has to be one of the machine's own
        os.execvp("nsenter", ["nsenter", "-t", str(machine.init), "-a", "--", "runuser", "-u", user, "--",
                              "script", "--quiet", "--return", "--command", command, "/dev/null"])
    text = b""
    try:
        while True:
            readable, _, _ = select.select([terminal], [], [], 1)
            if readable:
                text += os.read(terminal, 4096)
            elif b"assword:" in text:  # after a second: what comes with the prompt is thrown away by some
                os.write(terminal, password.encode() + b"\n")
    except OSError:  # the other end is closed
        pass
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), text.decode()


def test_root_may(running, master):
    before = len(master.requests("report"))
    assert running.run(["argusctl", "report"]).stdout == "Reported; the Master answered 200.\n"
    assert len(master.requests("report")) > before
    assert running.run(["argusctl", "log-level", "debug"]).stdout == ""
    assert running.run(["argusctl", "log-level"], user="somebody").stdout == "debug\n"


@pytest.mark.parametrize("command", [["report"], ["reregister"], ["node"], ["health", "--json"], ["log-level", "info"]])
def test_others_may_not(running, command):
    done = running.run(["argusctl", *command], user="somebody", check=False)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("argusctl: Permission denied")
    assert f"sudo argusctl {' '.join(command)}\n" in done.stderr


def test_others_may_look(running):
    assert "A1" in running.run(["argusctl"], user="somebody").stdout
    looked = running.run(["argusctl", "health"], user="somebody").stdout
    assert looked.splitlines()[0] == "No health files."


def test_an_administrator_is_asked_for_the_password(running, master):
    status, text = on_terminal(running, "admin", "argusctl reregister", PASSWORD)
    assert status == 0 and "Registered as A1." in text, text
    assert PASSWORD not in text
    status, text = on_terminal(running, "admin", "argusctl report; echo; stty -a", "wrong")
    assert "Permission denied" in text, text
    assert " echo " in text, "the terminal shows again what is typed"
    assert not running.run(["pgrep", "pkttyagent"], check=False).stdout


def test_without_polkit_nobody_is_asked(running):
    running.systemctl("mask", "--now", "polkit")
    status, text = on_terminal(running, "admin", "argusctl report", PASSWORD)
    assert status == 1 and "assword" not in text
    assert "Permission denied: Only root may" in text


def test_it_says_how_to_start_the_agent(running):
    running.systemctl("stop", UNIT)
    done = running.run(["argusctl"], user="somebody", check=False)
    assert done.returncode == 1 and "systemctl start argus-agent" in done.stderr
    running.systemctl("start", UNIT)
    wait_until(lambda: running.run(["argusctl"], check=False).returncode == 0, 10, "it is online")
