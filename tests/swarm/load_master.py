"""A Master for load: it takes registrations and reports, keeps the id of each name, and notes every request.

Ids and requests go to files in FOLDER with one write each, so that a kill loses none of them. A later start goes on with
the same ids.
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


class Connection(asyncio.Protocol):
    def __init__(self, ids, requests):
        self._ids, self._requests = ids, requests
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
            self._transport.write(self._answer(head, body))

    def _answer(self, head, body):
        report = REPORT.match(head)
        if not report:
            return self._answer_registration(json.loads(body))
        node_id = report.group(1).decode()
        self._note("report", node_id)
        return NO_CONTENT if node_id in self._ids.given else self._text("404 Not Found", "{}")

    def _answer_registration(self, node):
        given = node.get("id")
        node["id"] = self._ids.register(node["name"])
        self._note("register" if given in (None, node["id"]) else "register-with-another-id", node["id"])
        return self._text("201 Created", json.dumps(node))

    def _note(self, kind, node_id):
        self._requests.write(f"{time.monotonic():.6f} {kind} {node_id}")

    @staticmethod
    def _text(status, text):
        return (f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
                f"{text}").encode()


async def serve(port, folder):
    ids = Ids(folder / "ids")
    requests = AppendFile(folder / "requests")
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(ids, requests), "127.0.0.1", port, backlog=65535)
    (folder / "port.new").write_text(str(server.sockets[0].getsockname()[1]))
    (folder / "port.new").rename(folder / "port")
    await server.serve_forever()


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
