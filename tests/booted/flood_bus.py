# SPDX-License-Identifier: MIT
"""flood_bus.py UID SECONDS [BYTES]: as this user, in the directory of the bus's socket, calls every method of the agent and
reads its properties as fast as the bus takes it, and reads no answer. With BYTES, it pings the agent with a text of so many.
Prints how many calls were sent."""

import os
import socket
import sys
import time

NAME, PATH, INTERFACE = "org.argus.Agent1", "/org/argus/Agent1", "org.argus.Agent1"


def text(value):
    data = value.encode()
    return len(data).to_bytes(4, "little") + data + b"\0"


def padded(data, to):
    return data + b"\0" * (-len(data) % to)


def call(serial, destination, path, interface, member, *arguments):
    """A method call whose arguments are strings; D-Bus specification, message format."""
    body = b""
    for argument in arguments:
        body = padded(body, 4) + text(argument)
    fields = b""
    for code, kind, value in (1, "o", path), (2, "s", interface), (3, "s", member), (6, "s", destination):
        fields = padded(fields, 8) + bytes([code, 1]) + kind.encode() + b"\0" + text(value)
    if arguments:
        signature = "s" * len(arguments)
        fields = padded(fields, 8) + bytes([8, 1]) + b"g\0" + bytes([len(signature)]) + signature.encode() + b"\0"
    header = b"l\1\0\1" + len(body).to_bytes(4, "little") + serial.to_bytes(4, "little")
    return padded(header + len(fields).to_bytes(4, "little") + fields, 8) + body


def main():
    uid, seconds = int(sys.argv[1]), float(sys.argv[2])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    bus = socket.socket(socket.AF_UNIX)
    bus.connect("system_bus_socket")
    bus.sendall(b"\0AUTH EXTERNAL " + str(uid).encode().hex().encode() + b"\r\n")
    assert bus.recv(200).startswith(b"OK")
    bus.sendall(b"BEGIN\r\n" + call(1, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello"))
    bus.recv(4096)

    properties = "org.freedesktop.DBus.Properties"
    kinds = [(INTERFACE, "Reregister"), (INTERFACE, "Report"), (INTERFACE, "GetNode"), (INTERFACE, "GetHealth"),
             (properties, "GetAll", INTERFACE), (properties, "Get", INTERFACE, "NodeId")]
    if len(sys.argv) > 3:
        kinds = [("org.freedesktop.DBus.Peer", "Ping", "x" * int(sys.argv[3]))]
    end, sent = time.monotonic() + seconds, 0
    bus.settimeout(1)
    while time.monotonic() < end:
        interface, member, *arguments = kinds[sent % len(kinds)]
        try:
            bus.sendall(call(sent + 2, NAME, PATH, interface, member, *arguments))
            sent += 1
        except TimeoutError:  # it takes no more: half a message would be all that it is sent from now on
            time.sleep(max(0, end - time.monotonic()))
        except OSError:  # thrown out
            break
    print(sent)


main()
