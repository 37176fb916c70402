# SPDX-License-Identifier: MIT
"""A Master that lies below the level at which the dev Master can: it sends the bytes that a test chose."""

import asyncio
import json
from dataclasses import dataclass

from support.loop import LoopThread

CHUNK = 64 * 1024


@dataclass
class Request:
    kind: str  # "register" or "report"
    path: str
    body: dict
    connection: int


def answer(status=200, body=b"", *headers, reason="Whatever"):
    """A well-formed answer."""
    lines = [f"HTTP/1.1 {status} {reason}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def node(node_id, **members):
    return json.dumps({"id": node_id, "name": "dev-alice-web01"} | members).encode()


def forever(head, filler):
    """Sends `head`, and then `filler` until the other side has had enough."""
    filler *= -(-CHUNK // len(filler))

    async def send(liar, writer):
        writer.write(head)
        while True:
            writer.write(filler)
            await writer.drain()
            liar.sent += len(filler)
    return send


def trickle(data, pause):
    """One byte at a time."""
    async def send(_, writer):
        for at in range(len(data)):
            writer.write(data[at:at + 1])
            await writer.drain()
            await asyncio.sleep(pause)
    return send


def hold(data):
    """Sends it and then nothing, and keeps the connection."""
    async def send(_, writer):
        writer.write(data)
        await asyncio.sleep(3600)
    return send


class Liar(LoopThread):
    """Tells the truth (node `A1`, or what the agent says that it is) until told to lie."""

    def __init__(self, first_id="A1"):
        super().__init__()
        self.requests = []
        self.sent = 0  # bytes of endless answers
        self.first_id = first_id
        self._lies = {}
        self._connections = 0
        self._server = self._run(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def lie(self, kind, data, closes=True):
        """From now on each request of this kind ("register", "report") gets these bytes, or what this coroutine of
        (liar, writer) sends; then the connection is closed."""
        self._lies = {kind: (data, closes)}

    def tell_the_truth(self):
        self._lies = {}

    def stop(self):
        self._run(self._end())
        self._end_loop()

    async def _end(self):
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def truth(self, request):
        if request.kind == "report":
            return answer(204)
        return answer(200, node(request.body.get("id", self.first_id)))

    async def _serve(self, reader, writer):
        self._connections += 1
        connection = self._connections
        try:
            while await self._answer(reader, writer, connection):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer(self, reader, writer, connection):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, path, _ = head.split(" ", 2)
        length = next(int(line[15:]) for line in head.split("\r\n") if line.lower().startswith("content-length:"))
        body = json.loads(await reader.readexactly(length))
        request = Request("register" if method == "POST" else "report", path, body, connection)
        self.requests.append(request)
        data, closes = self._lies.get(request.kind, (None, False))
        if callable(data):
            await data(self, writer)
        else:
            writer.write(self.truth(request) if data is None else data)
            await writer.drain()
        return not closes
