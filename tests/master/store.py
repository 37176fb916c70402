# SPDX-License-Identifier: MIT
"""What the dev Master remembers: nodes keyed by id, in one SQLite file that survives a restart."""

import json
import sqlite3
import threading
import time
from datetime import datetime, timezone

SCHEMA = """
CREATE TABLE IF NOT EXISTS node (
    number        INTEGER PRIMARY KEY AUTOINCREMENT,  -- never reused, so a forgotten node is told from a new one
    name          TEXT NOT NULL,
    type          TEXT NOT NULL,
    version       TEXT NOT NULL,
    meta_data     TEXT NOT NULL,
    health        TEXT NOT NULL DEFAULT '{}',
    registered    REAL NOT NULL,
    last_report   REAL,
    agent_time    TEXT
)"""


class UnknownNode(Exception):
    """No node has this id."""


class BadDocument(Exception):
    """The document that was sent is not what the API takes; the text says why."""


def iso_time(seconds):
    if seconds is None:
        return None
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Store:
    def __init__(self, path, offline_after, clock=time.time):
        self._offline_after = offline_after
        self._clock = clock
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")  # a test's data: speed before durability
        self._db.execute(SCHEMA)

    def register(self, document):
        """Returns the node and whether it is new. A known name without an id gets its node back.

        Agents get their node without the health that they sent: it may be megabytes.
        """
        name = document.get("name")
        if not isinstance(name, str) or not name:
            raise BadDocument("name must be a string that is not empty")
        meta_data = document.get("meta_data", {})
        if not isinstance(meta_data, dict):
            raise BadDocument("meta_data must be an object")
        values = (name, str(document.get("type", "agent")), str(document.get("version", "")), json.dumps(meta_data))

        with self._lock:
            if "id" in document:
                number = self._row(document["id"])["number"]
            else:
                known = self._db.execute(
                    "SELECT number FROM node WHERE name = ? ORDER BY number DESC LIMIT 1", (name,)).fetchone()
                number = known["number"] if known else None
            created = number is None
            if created:
                number = self._db.execute(
                    "INSERT INTO node (name, type, version, meta_data, registered) VALUES (?, ?, ?, ?, ?)",
                    (*values, self._clock())).lastrowid
            else:
                self._db.execute("UPDATE node SET name = ?, type = ?, version = ?, meta_data = ? WHERE number = ?",
                                 (*values, number))
            return self._as_node(self._row(f"A{number}"), with_health=False), created

    def report(self, node_id, document):
        health = document.get("health", {})
        if not isinstance(health, dict):
            raise BadDocument("health must be an object")
        with self._lock:
            number = self._row(node_id)["number"]
            self._db.execute("UPDATE node SET health = ?, last_report = ?, agent_time = ? WHERE number = ?",
                             (json.dumps(health), self._clock(), str(document.get("timestamp", "")), number))
            return self._as_node(self._row(node_id), with_health=False)

    def node(self, node_id):
        with self._lock:
            return self._as_node(self._row(node_id))

    def nodes(self):
        with self._lock:
            return [self._as_node(row) for row in self._db.execute("SELECT * FROM node ORDER BY number")]

    def statistics(self):
        counts = {"online": 0, "offline": 0}
        for node in self.nodes():
            counts[node["status"]] += 1
        return {"total": sum(counts.values()),
                "status_statistics": [{"status": status, "count": count} for status, count in counts.items()]}

    def online_targets(self):
        """The online nodes in the shape that a file-based service discovery is fed from."""
        return [{"node_id": node["id"],
                 "user_id": node["meta_data"].get("user"),
                 "ip": node["meta_data"].get("ip"),
                 "hostname": node["meta_data"].get("hostname", node["name"]),
                 "labels": {"env": node["meta_data"].get("env"), "instance": node["meta_data"].get("instance")}}
                for node in self.nodes() if node["status"] == "online"]

    def forget(self, node_id=None):
        with self._lock:
            if node_id is None:
                self._db.execute("DELETE FROM node")
            else:
                self._db.execute("DELETE FROM node WHERE number = ?", (self._row(node_id)["number"],))

    def _row(self, node_id):
        text = str(node_id)
        if text[:1] == "A" and text[1:].isascii() and text[1:].isdigit() and len(text) < 18:
            row = self._db.execute("SELECT * FROM node WHERE number = ?", (int(text[1:]),)).fetchone()
            if row:
                return row
        raise UnknownNode(f"no node has the id {text!r}")

    def _as_node(self, row, with_health=True):
        age = None if row["last_report"] is None else self._clock() - row["last_report"]
        node = {"id": f"A{row['number']}",
                "name": row["name"],
                "type": row["type"],
                "version": row["version"],
                "status": "online" if age is not None and age <= self._offline_after else "offline",
                "meta_data": json.loads(row["meta_data"]),
                "register_time": iso_time(row["registered"]),
                "last_report": iso_time(row["last_report"]),
                "agent_last_report": row["agent_time"]}
        if with_health:
            node["health"] = json.loads(row["health"])
        return node
