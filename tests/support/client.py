# SPDX-License-Identifier: MIT
"""A D-Bus client that stays connected: for signals, and for many calls at once."""

import asyncio
import time
from dataclasses import dataclass

from dbus_next import Message, MessageType
from dbus_next.aio import MessageBus

from support.bus import INTERFACE, NAME, PATH
from support.loop import LoopThread


@dataclass
class Change:
    monotonic: float
    changed: dict
    invalidated: list


class BusClient(LoopThread):
    def __init__(self, address):
        self.changes = []  # PropertiesChanged of the agent's interface
        super().__init__()
        self._bus = self._run(self._connect(address))
        self._bus.add_message_handler(self._on_message)
        self._run(self._ask("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch", "s",
                             [f"type='signal',interface='org.freedesktop.DBus.Properties',path='{PATH}'"]))

    def close(self):
        self._call(self._bus.disconnect)
        self._run(self._bus.wait_for_disconnect())
        self._end_loop()

    def request_name(self, name):
        return self._run(self._bus.request_name(name))

    def release_name(self, name):
        return self._run(self._bus.release_name(name))

    def call_many(self, method, count, deadline=30.0):
        """Sends `count` calls of an agent's method at once; returns the replies in order (messages)."""
        async def all_at_once():
            return await asyncio.gather(*[self._ask(NAME, PATH, INTERFACE, method) for _ in range(count)])
        return self._run(all_at_once(), deadline)

    @staticmethod
    async def _connect(address):
        return await MessageBus(bus_address=address).connect()  # made here: it takes the loop that it is made in

    def _ask(self, destination, path, interface, member, signature="", body=()):
        return self._bus.call(Message(destination=destination, path=path, interface=interface, member=member,
                                      signature=signature, body=list(body)))

    def _on_message(self, message):
        if message.message_type == MessageType.SIGNAL and message.member == "PropertiesChanged" \
                and message.body[0] == INTERFACE:
            changed = {name: variant.value for name, variant in message.body[1].items()}
            self.changes.append(Change(time.monotonic(), changed, message.body[2]))
