# SPDX-License-Identifier: MIT
"""A stand-in for systemd on a private bus: units with the properties that the agent reads, and their signals.

As the real one it unloads an inactive unit that nothing needs, so each look at one loads and unloads it, and says so."""

import re
import time
from collections import Counter

from dbus_next import ErrorType, Message, MessageType, Variant
from dbus_next.aio import MessageBus

from support.loop import LoopThread


NAME = "org.freedesktop.systemd1"
MANAGER_PATH = "/org/freedesktop/systemd1"
MANAGER = NAME + ".Manager"
PROPERTIES = "org.freedesktop.DBus.Properties"
TYPES = {"StateChangeTimestamp": "t", "NRestarts": "u", "MainPID": "u"}
OWN = ("Type", "Result", "NRestarts", "MainPID")  # of the type's own interface
NOT_FOUND = {"LoadState": "not-found", "ActiveState": "inactive", "SubState": "dead"}


def unit_path(name):
    """As sd_bus_path_encode()."""
    def escape(position, character):
        plain = character.isascii() and character.isalnum() and (position > 0 or not character.isdigit())
        return character if plain else f"_{ord(character):02x}"
    return f"{MANAGER_PATH}/unit/" + "".join(escape(*at) for at in enumerate(name))


def unit_name(path):
    """As sd_bus_path_decode()."""
    return re.sub("_([0-9a-f]{2})", lambda match: chr(int(match[1], 16)), path.removeprefix(f"{MANAGER_PATH}/unit/"))


def running(pid=100, **changed):
    return {"LoadState": "loaded", "ActiveState": "active", "SubState": "running", "StateChangeTimestamp": 1,
            "Type": "simple", "Result": "success", "NRestarts": 0, "MainPID": pid} | changed


class Systemd(LoopThread):
    """`units`: {name: properties}; a name that is not there is a unit that is not found."""

    def __init__(self, address, **units):
        super().__init__()
        self.units = {name.replace("_", "."): properties for name, properties in units.items()}
        self.aliases = {}
        self.calls = Counter()  # by member
        self.fetched = Counter()  # by unit, of its ActiveState
        self.fetched_at = []
        self.pinned = set()  # inactive units that stay loaded, as another needs them
        self.fails = False  # answers no call
        self._address = address
        self._bus = None
        self.start()

    def start(self):
        self._bus = self._run(self._connect())

    def stop(self):
        """Leaves the bus."""
        self._call(self._bus.disconnect)
        self._run(self._bus.wait_for_disconnect())

    def close(self):
        self.stop()
        self._end_loop()

    def change(self, name, **changed):
        """Changes properties and signals them, for the unit's type and for units in general, as systemd does."""
        self.units.setdefault(name, dict(NOT_FOUND)).update(changed)
        for interface, own in ((self._interface(name), True), (NAME + ".Unit", False)):
            mine = {key: self._variant(key, value) for key, value in changed.items() if (key in OWN) == own}
            self.signal(unit_path(name), PROPERTIES, "PropertiesChanged", "sa{sv}as", interface, mine, [])

    def reload(self):
        self.signal(MANAGER_PATH, MANAGER, "Reloading", "b", True)
        self.signal(MANAGER_PATH, MANAGER, "Reloading", "b", False)

    def unit_new(self, name):
        self.signal(MANAGER_PATH, MANAGER, "UnitNew", "so", name, unit_path(name))

    def unit_removed(self, name):
        self.signal(MANAGER_PATH, MANAGER, "UnitRemoved", "so", name, unit_path(name))

    def signal(self, path, interface, member, signature, *body):
        message = Message.new_signal(path, interface, member, signature, list(body))
        self._call(self._bus.send, message)

    async def _connect(self):
        bus = await MessageBus(bus_address=self._address).connect()
        bus.add_message_handler(self._on_message)
        await bus.request_name(NAME)
        return bus

    @staticmethod
    def _interface(name):
        return f"{NAME}.{name.rsplit('.', 1)[1].capitalize()}"

    @staticmethod
    def _variant(key, value):
        return value if isinstance(value, Variant) else Variant(TYPES.get(key, "s"), value)

    def _on_message(self, message):
        if message.message_type != MessageType.METHOD_CALL:
            return None
        self.calls[message.member] += 1
        if self.fails:
            return Message.new_error(message, ErrorType.FAILED, "not today")
        if message.member == "Subscribe":
            return Message.new_method_return(message)
        if message.member == "Get":
            return self._get(message, *message.body)
        return None

    def _get(self, message, interface, key):
        asked = unit_name(message.path)
        name = self.aliases.get(asked, asked)
        unit = {"StateChangeTimestamp": 0, "Type": "simple", "Result": "success", "NRestarts": 0, "MainPID": 0,
                **NOT_FOUND, **self.units.get(name, {}), "Id": name}
        if interface != (self._interface(name) if key in OWN else NAME + ".Unit"):
            return Message.new_error(message, ErrorType.UNKNOWN_INTERFACE, f"{interface} of {name}")
        if key == "ActiveState":
            self.fetched[name] += 1
            self.fetched_at.append(time.monotonic())
        if unit["ActiveState"] == "inactive" and name not in self.pinned:
            self.unit_new(name)
            self.unit_removed(name)
        return Message.new_method_return(message, "v", [self._variant(key, unit[key])])
