# SPDX-License-Identifier: MIT
"""The interface through another client than busctl and dbus-next: GLib's gdbus."""

import ast
import json
import subprocess

from support.bus import INTERFACE, NAME, PATH


def gdbus(bus, *arguments):
    verb, rest = arguments[0], arguments[1:]
    return subprocess.run(["gdbus", verb, "--address", bus.address, "--dest", NAME, "--object-path", PATH, *rest],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30)


def test_gdbus(agent, master, bus):
    agent().wait_online()
    bus.wait_agent()

    described = gdbus(bus, "introspect")
    assert described.returncode == 0 and "readonly s NodeId = 'A1';" in described.stdout
    assert "Reregister(out s node_id);" in described.stdout

    assert gdbus(bus, "call", "--method", f"{INTERFACE}.Report").stdout == "(uint32 200,)\n"
    assert gdbus(bus, "call", "--method", f"{INTERFACE}.Reregister").stdout == "('A1',)\n"
    node = gdbus(bus, "call", "--method", f"{INTERFACE}.GetNode").stdout
    assert json.loads(ast.literal_eval(node)[0])["id"] == "A1"

    got = gdbus(bus, "call", "--method", "org.freedesktop.DBus.Properties.Get", INTERFACE, "ConsecutiveFailures")
    assert got.stdout == "(<uint32 0>,)\n"
    wrong = gdbus(bus, "call", "--method", f"{INTERFACE}.Report", "5")
    assert wrong.returncode != 0
