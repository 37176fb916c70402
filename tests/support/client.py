"""A D-Bus client that stays connected: for signals, and for many calls at once. Its loop runs in a thread."""

import asyncio
import threading
import time
from dataclasses import dataclass

from dbus_next import Message, MessageType
from dbus_next.aio import MessageBus

from support.bus import INTERFACE, NAME, PATH


@dataclass
class Change:
    monotonic: float
    changed: dict
    invalidated: list


class BusClient:
    def __init__(self, address):
        self.changes = []  # PropertiesChanged of the agent's interface
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._bus = self._run(self._connect(address))
        self._bus.add_message_handler(self._on_message)
        self._run(self._call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch", "s",
                             [f"type='signal',interface='org.freedesktop.DBus.Properties',path='{PATH}'"]))

    def close(self):
        self._loop.call_soon_threadsafe(self._bus.disconnect)
        self._run(self._bus.wait_for_disconnect())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def request_name(self, name):
        return self._run(self._bus.request_name(name))

    def release_name(self, name):
        return self._run(self._bus.release_name(name))

    def call_many(self, method, count, deadline=30.0):
        """Sends `count` calls of an agent's method at once; returns the replies in order (messages)."""
        async def all_at_once():
            return await asyncio.gather(*[self._call(NAME, PATH, INTERFACE, method) for _ in range(count)])
        return self._run(all_at_once(), deadline)

    @staticmethod
    async def _connect(address):
        return await MessageBus(bus_address=address).connect()  # made here: it takes the loop that it is made in

    def _call(self, destination, path, interface, member, signature="", body=()):
        return self._bus.call(Message(destination=destination, path=path, interface=interface, member=member,
                                      signature=signature, body=list(body)))

    def _run(self, coroutine, deadline=30.0):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(deadline)

    def _on_message(self, message):
        if message.message_type == MessageType.SIGNAL and message.member == "PropertiesChanged" \
                and message.body[0] == INTERFACE:
            changed = {name: variant.value for name, variant in message.body[1].items()}
            self.changes.append(Change(time.monotonic(), changed, message.body[2]))
