# SPDX-License-Identifier: MIT
"""A Master for load: it takes registrations and reports, keeps the id of each name, and notes every request.

Ids and requests go to files in FOLDER with one write each, so that a kill loses none of them. A later start
continues with the same ids. It listens on several ports, which are its addresses: while there is a file overloaded-0,
the first of them answers 503, with what the file holds as Retry-After.
"""

import asyncio
import json
import os
import re
import resource
import sys
import time
from pathlib import Path

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
REPORT = re.compile(rb"PUT /api/v1/master/nodes/([^/ ]+)/status ")
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


def response(status, text="{}", header=""):
    return (f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{header}Content-Length: {len(text)}\r\n\r\n"
            f"{text}").encode()


class AppendFile:
    def __init__(self, path):
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def write(self, line):
        os.write(self._fd, line.encode() + b"\n")


class Ids:
    """The id of each name; a number that was given stays given."""

    def __init__(self, path):
        self.of_name = dict(line.split() for line in path.read_text().splitlines()) if path.exists() else {}
        self.given = set(self.of_name.values())
        self._file = AppendFile(path)

    def register(self, name):
        if name not in self.of_name:
            self.of_name[name] = f"S{len(self.of_name) + 1}"
            self.given.add(self.of_name[name])
            self._file.write(f"{name} {self.of_name[name]}")
        return self.of_name[name]


class Master:
    def __init__(self, folder):
        self._folder = folder
        self._ids, self._requests = Ids(folder / "ids"), AppendFile(folder / "requests")

    def respond(self, address, head, body):
        report = REPORT.match(head)
        node = None if report else json.loads(body)
        kind, node_id = ("report", report.group(1).decode()) if report else self._kind_of(node)
        reply = self._overload(address) or (self._take_report(node_id) if report else self._register(node))
        self._requests.write(f"{time.monotonic():.6f} {kind} {node_id} {address} {reply[9:12].decode()}")
        return reply

    def _overload(self, address):
        try:
            seconds = (self._folder / f"overloaded-{address}").read_text()
        except FileNotFoundError:
            return None
        return response("503 Service Unavailable", header=f"Retry-After: {seconds}\r\n" if seconds else "")

    def _kind_of(self, node):
        known = self._ids.of_name.get(node["name"])
        return "register" if node.get("id") in (None, known) else "register-with-another-id", known or node["name"]

    def _take_report(self, node_id):
        return NO_CONTENT if node_id in self._ids.given else response("404 Not Found")

    def _register(self, node):
        node["id"] = self._ids.register(node["name"])
        return response("201 Created", json.dumps(node))


class Connection(asyncio.Protocol):
    def __init__(self, master, address):
        self._master, self._address = master, address
        self._unread = b""

    def connection_made(self, transport):
        self._transport = transport

    def data_received(self, data):
        self._unread += data
        while (head_size := self._unread.find(b"\r\n\r\n") + 4) >= 4:
            head = self._unread[:head_size]
            size = head_size + int(LENGTH.search(head).group(1))
            if len(self._unread) < size:
                return
            body, self._unread = self._unread[head_size:size], self._unread[size:]
            self._transport.write(self._master.respond(self._address, head, body))


async def serve(folder, ports):
    master, loop = Master(folder), asyncio.get_running_loop()
    servers = [await loop.create_server(lambda address=address: Connection(master, address), "127.0.0.1", port,
                                        backlog=65535) for address, port in enumerate(ports)]
    found = [str(server.sockets[0].getsockname()[1]) for server in servers]
    (folder / "ports.new").write_text(" ".join(found))
    (folder / "ports.new").rename(folder / "ports")
    await servers[0].serve_forever()


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(serve(Path(sys.argv[1]), sys.argv[2:]))
