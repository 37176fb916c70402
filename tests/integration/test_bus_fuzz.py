# SPDX-License-Identifier: MIT
"""Calls that nobody meant: every method and property with arguments of any type and value, by the thousand."""

import asyncio
import os
import random
import time

import pytest
from dbus_next import Message, MessageType, Variant

from support.bus import NAME, PATH
from support.wait import wait_until

CALLS = 20000
AT_ONCE = 10  # dbus-next cannot wait for a full socket
INTERFACES = ["org.argus.Agent1", "org.freedesktop.DBus.Properties", "org.freedesktop.DBus.Introspectable",
              "org.freedesktop.DBus.Peer", "org.freedesktop.LogControl1", "org.example.None"]
MEMBERS = ["Reregister", "Report", "GetNode", "GetHealth", "Get", "GetAll", "Introspect", "Ping", "GetMachineId", "None"]
PATHS = [PATH, PATH, PATH, "/org/freedesktop/LogControl1", "/", "/org", "/org/argus/Agent1/none"]
WORDS = ["", "NodeId", "HealthFiles", "LogLevel", "org.argus.Agent1", "\u4e2d\u6587", "x" * 300, "x" * 4000, "%s%n", "a\nb"]
BASIC = "ybnqiuxtdsog"
LIMITS = {"y": (0, 255), "n": (-2**15, 2**15 - 1), "q": (0, 2**16 - 1), "i": (-2**31, 2**31 - 1), "u": (0, 2**32 - 1),
          "x": (-2**63, 2**63 - 1), "t": (0, 2**64 - 1)}


def any_type(chance, depth=0):
    kind = chance.choice("bbbbasev" if depth < 3 else "b")
    if kind == "a":
        return "a" + any_type(chance, depth + 1)
    if kind == "s":
        return "(" + "".join(any_type(chance, depth + 1) for _ in range(chance.randint(1, 3))) + ")"
    if kind == "e":
        return "a{" + chance.choice("sui") + any_type(chance, depth + 1) + "}"
    return "v" if kind == "v" else chance.choice(BASIC)


def any_value(chance, tree):
    token = tree.token
    if token in LIMITS:
        return chance.choice([*LIMITS[token], 0, chance.randint(*LIMITS[token])])
    if token == "b":
        return chance.random() < 0.5
    if token == "d":
        return chance.choice([0.0, -1e300, float("nan"), float("inf")])
    if token == "s":
        return chance.choice(WORDS)
    if token == "o":
        return chance.choice(PATHS)
    if token == "g":
        return chance.choice(["", "s", "a{sv}"])
    if token == "v":
        inner = any_type(chance, 3)
        return Variant(inner, any_value(chance, signature_tree(inner)[0]))
    if token == "(":
        return [any_value(chance, child) for child in tree.children]
    child = tree.children[0]
    if child.token == "{":
        return {any_value(chance, child.children[0]): any_value(chance, child.children[1])
                for _ in range(chance.randint(0, 3))}
    if child.token == "y":
        return bytes(chance.randint(0, 255) for _ in range(chance.randint(0, 5)))
    return [any_value(chance, child) for _ in range(chance.randint(0, 3))]


def signature_tree(signature):
    from dbus_next.signature import SignatureTree
    return SignatureTree(signature).types


def any_message(chance):
    interface = chance.choice(INTERFACES)
    member = chance.choice(MEMBERS)
    if chance.random() < 0.4:  # well typed, for what is behind the check of types
        known = {"Get": ("ss", [chance.choice(INTERFACES), chance.choice(WORDS)]),
                 "GetAll": ("s", [chance.choice(INTERFACES)])}
        signature, body = known.get(member, ("", []))
    else:
        signature = "".join(any_type(chance) for _ in range(chance.randint(0, 4)))
        body = [any_value(chance, tree) for tree in signature_tree(signature)]
    return Message(destination=NAME, path=chance.choice(PATHS), interface=interface, member=member,
                   signature=signature, body=body)


@pytest.mark.timeout(240)
def test_calls_that_nobody_meant(agent, master, bus, connect):
    seed = int(os.environ.get("ARGUS_FUZZ_SEED", time.time_ns() % 2**32))
    print(f"ARGUS_FUZZ_SEED={seed}")
    chance = random.Random(seed)
    started = agent(REPORT_INTERVAL_SECONDS="1")
    started.wait_online()
    bus.wait_agent()
    client = connect(bus.address)

    async def send(messages):
        return await asyncio.gather(*[client._bus.call(message) for message in messages])

    kinds = set()
    settled = None
    begun, reports_before = time.monotonic(), len(master.requests("report"))
    for done in range(0, CALLS, AT_ONCE):
        replies = client._run(send([any_message(chance) for _ in range(AT_ONCE)]), 30)
        kinds |= {reply.message_type for reply in replies}
        assert started.is_running, started.output()
        if done == CALLS // 4:
            settled = started.rss()
    took = time.monotonic() - begun

    assert kinds == {MessageType.METHOD_RETURN, MessageType.ERROR}
    assert started.rss() <= settled * 1.35, "the memory stays flat"
    assert len(master.requests("report")) - reports_before >= 0.7 * took - 2, "reports are on time"
    assert bus.get("State") in ("online", "retrying")
    wait_until(lambda: bus.call("Report") == 200, 10, "an answer to a right call")
