#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The Master of a chaos run: small, fast for hours, and a bookkeeper of every answer.

It listens on a plain and on a TLS port. Commands come as JSON lines on stdin, those with `answer` are answered with a line.
The ledger gets a line before and after each answer, so that also a kill in the middle leaves a true account:
{"at": monotonic, "what": "answering" | "sent", "kind": "register" | "report", "status": N, "good": bool,
 "took": seconds, "id": …, "stamp": …}. `good` is an answer as the API promises it, sent whole.
"""

import argparse
import asyncio
import json
import os
import random
import ssl
import sys
import time

NODES = "/api/v1/master/nodes"
WRONG_OBJECTS = [b"", b"[]", b"hello", b'{"id": ""}', b'{"name": "dev-alice-web01"}', b'{"id": "A1"', b"\xff\xfe{}",
                 b"[" * 5000, b'{"id": {"id": "A1"}}']


class Master:
    def __init__(self, folder):
        self._known_file = os.path.join(folder, "known.json")
        self._ledger = os.open(os.path.join(folder, "ledger"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._known = {}  # name: id, all that were ever given
        if os.path.exists(self._known_file):
            with open(self._known_file, encoding="utf-8") as file:
                self._known = json.load(file)
        self._forgotten = False
        self._token = None
        self._misdeed = None
        self._changed = asyncio.Event()
        self._connections = set()

    def command(self, words):
        if "token" in words:
            self._token = words["token"]
        if words.get("forget"):
            self._forgotten = True
        if "misdeed" in words:
            self._misdeed = words["misdeed"]
            self._changed.set()
            self._changed = asyncio.Event()

    def drop_connections(self):
        for writer in list(self._connections):
            writer.transport.abort()

    async def serve(self, reader, writer):
        self._connections.add(writer)
        try:
            while await self._one_request(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, asyncio.LimitOverrunError):
            pass
        finally:
            self._connections.discard(writer)
            writer.transport.abort()

    async def _one_request(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        request, *lines = head.split("\r\n")
        method, path, _ = request.split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        begun = time.monotonic()

        entry = {"kind": "register" if method == "POST" and path == NODES else "report"}
        misdeed = self._misdeed
        if misdeed and (random.random() >= misdeed.get("share", 1) or misdeed.get("only") not in (None, entry["kind"])):
            misdeed = None
        if misdeed and "delay" in misdeed:
            await self._wait(misdeed["delay"])
        if misdeed and misdeed.get("applies", True) is False:
            status, node, good = 500, b"", False
        else:
            status, node, good = self._ask_api(entry, path, headers, body)
        if misdeed and misdeed["name"] != "slow":
            good = False
        status = misdeed.get("status", status) if misdeed else status

        self._account(entry, "answering", status, good, begun)
        alive = await self._answer(writer, misdeed, status, node)
        self._account(entry, "sent", status, good, begun)
        return alive

    async def _answer(self, writer, misdeed, status, node):
        """Returns whether the connection is to be kept."""
        name = misdeed["name"] if misdeed else None
        extra = ""
        if name == "hang":
            await self._wait(3600)
            return False
        if name in ("close", "reset"):
            if name == "close":
                writer.close()
            return False
        if name == "garbage":
            writer.write(random.Random(misdeed["salt"]).randbytes(3000))
            await writer.drain()
            writer.close()
            return False
        if name == "wrong-object":
            status, node = 200, WRONG_OBJECTS[misdeed["salt"] % len(WRONG_OBJECTS)]
        elif name == "other-id":
            status, node = 200, b'{"id": "B666", "name": "dev-alice-web01"}'
        elif name == "huge":
            node = node.ljust(3 << 20)
        elif name == "headers":
            extra = "".join(f"X-Flood-{at}: {'x' * 900}\r\n" for at in range(200))
        elif name == "status":
            node = b'{"error": "a bad day"}'
            extra = "".join(f"{key}: {value}\r\n" for key, value in misdeed.get("headers", {}).items())
        writer.write(f"HTTP/1.1 {status} Answer\r\nContent-Type: application/json\r\n{extra}"
                     f"Content-Length: {len(node)}\r\n\r\n".encode())
        if name == "cut":
            writer.write(node[:len(node) // 2])
            await writer.drain()
            writer.close()
            return False
        if name == "trickle":
            for at in range(len(node)):
                writer.write(node[at:at + 1])
                await writer.drain()
                await self._wait(0.05)
            return True
        writer.write(node)
        await writer.drain()
        return True

    async def _wait(self, seconds):
        try:
            await asyncio.wait_for(self._changed.wait(), seconds)
        except asyncio.TimeoutError:
            pass

    def _ask_api(self, entry, path, headers, body):
        """Returns status, body, and whether this is a success as the API promises it."""
        if self._token and headers.get("authorization") != f"Bearer {self._token}":
            return 401, b'{"error": "another token"}', False
        document = json.loads(body)
        if entry["kind"] == "register":
            name = document["name"]
            entry["id"] = document.get("id")
            if "id" not in document and name not in self._known:
                self._known[name] = f"A{7 + len(self._known)}"
                self._save()
            elif "id" in document and document["id"] not in self._known.values():
                return 404, b'{"error": "no such id"}', False
            self._forgotten = False
            return 200, self._node(name), True
        entry["id"] = path[len(NODES) + 1:].split("/")[0]
        entry["stamp"] = document["timestamp"]
        entry["torn"] = [key for key, value in document["health"].items() if value["first"] != value["last"]]
        if self._forgotten or entry["id"] not in self._known.values():
            return 404, b'{"error": "no such node"}', False
        return 200, self._node("dev-alice-web01"), True

    def _node(self, name):
        return json.dumps({"id": self._known[name], "name": name, "type": "agent",
                           "meta_data": {"env": "dev", "user": "alice", "instance": "web01"},
                           "last_report": time.time()}).encode()

    def _save(self):
        with open(self._known_file + ".new", "w", encoding="utf-8") as file:
            json.dump(self._known, file)
        os.replace(self._known_file + ".new", self._known_file)

    def _account(self, entry, what, status, good, begun):
        now = time.monotonic()
        line = entry | {"at": now, "what": what, "status": status, "good": good, "took": round(now - begun, 3)}
        os.write(self._ledger, (json.dumps(line) + "\n").encode())


def tls_context(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


class Doors:
    """The two ports, each of which can be shut; TLS with the certificate of the day."""

    def __init__(self, master, ports):
        self._master = master
        self._ports = ports
        self._servers = {}
        self._context = None

    async def use_certificate(self, pair):
        self._context = tls_context(*pair)
        if "tls" in self._servers:
            await self.shut("tls")
            await self.open("tls")

    async def open(self, name):
        if name not in self._servers:
            self._servers[name] = await asyncio.start_server(
                self._master.serve, "127.0.0.1", self._ports[name], limit=1 << 20,
                ssl=self._context if name == "tls" else None)

    async def shut(self, name):
        if name in self._servers:
            self._servers.pop(name).close()
            self._master.drop_connections()


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("plain_port", type=int)
    parser.add_argument("tls_port", type=int)
    options = parser.parse_args()
    master = Master(options.folder)
    doors = Doors(master, {"plain": options.plain_port, "tls": options.tls_port})
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while line := await commands.readline():
        words = json.loads(line)
        if "certificate" in words:
            await doors.use_certificate(words["certificate"])
        for name in words.get("shut", []):
            await doors.shut(name)
        for name in words.get("open", []):
            await doors.open(name)
        master.command(words)
        if words.get("answer"):
            print("done", flush=True)


asyncio.run(main())
