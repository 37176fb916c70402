# SPDX-License-Identifier: MIT
"""A Master that costs next to nothing, in a thread: every registration gets a new id, every report 200 and the node."""

import asyncio
import json
import socket
import struct
import threading
import time

from support.loop import LoopThread

REGISTER, REPORT = "POST", "PUT"
BYTES_ACKED = 120  # where tcp_info has it, and the bytes received behind it


class Connection(asyncio.Protocol):
    def __init__(self, master):
        self.master = master
        self.unread = b""

    def connection_made(self, transport):
        self.transport = transport
        self.master.add_connection(transport)

    def data_received(self, data):
        self.unread += data
        while (end := self.unread.find(b"\r\n\r\n") + 4) > 3:
            head = self.unread[:end].lower()
            size = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
            if len(self.unread) < end + size:
                return
            method, path = head.split(b" ", 2)[:2]
            self.unread = self.unread[end + size:]
            self.transport.write(self.master.answer(method.decode().upper(), path.decode()))
            self.master.note_bytes(self.transport)


class FastMaster(LoopThread):
    """`times` has the monotonic time of each request by its method; `on_report`, if set, is called before each report
    counts and is answered. `handshakes` tells of each connection by TLS whether its session was "new" or "resumed"."""

    def __init__(self, ssl_context=None):
        super().__init__()
        self.times = {REGISTER: [], REPORT: []}
        self.connections = []
        self.handshakes = []
        self.on_report = None
        self._bytes = []
        self._changed = threading.Condition()
        self._server = self._run(self._loop.create_server(lambda: Connection(self), "127.0.0.1", 0, ssl=ssl_context))
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"{'https' if ssl_context else 'http'}://127.0.0.1:{self.port}"

    def add_connection(self, transport):
        self.connections.append(transport)
        if tls := transport.get_extra_info("ssl_object"):
            self.handshakes.append("resumed" if tls.session_reused else "new")

    def note_bytes(self, transport):
        """What TCP has carried on this connection, both ways, when an answer is sent."""
        info = transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)
        self._bytes.append(sum(struct.unpack_from("=QQ", info, BYTES_ACKED)))

    def bytes_after(self, reports):
        """On one connection: all until the answer to this report, which is under way itself."""
        return self._bytes[reports]  # the registration was the first

    def answer(self, method, path):
        now = time.monotonic()
        if method == REPORT and self.on_report:
            self.on_report()
        with self._changed:
            self.times[method].append(now)
            self._changed.notify_all()
        node_id = f"n{len(self.times[REGISTER])}" if method == REGISTER else path.split("/")[-2]
        text = json.dumps({"id": node_id, "name": "node"}).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text)

    @property
    def reports(self):
        return len(self.times[REPORT])

    def wait_reports(self, count, deadline=60.0):
        with self._changed:
            if not self._changed.wait_for(lambda: self.reports >= count, deadline):
                raise AssertionError(f"{self.reports} reports of {count} within {deadline} s")

    def close_connections(self):
        """Once what is to be sent is sent; at most from on_report: after its answer."""
        def close():
            for transport in self.connections:
                transport.close()
            self.connections.clear()
        self._call(close)

    def stop(self):
        self._call(self._server.close)
        self._end_loop()
