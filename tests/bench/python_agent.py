#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A straightforward agent in Python: what one would write with requests in an afternoon. The same settings, files and
requests as argus-agent; no D-Bus, no strict limits, no log but a line for each report."""

import json
import os
import random
import signal
import socket
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

import requests

NODES = "/api/v1/master/nodes"


class Agent:
    def __init__(self):
        self.endpoint = os.environ["MASTER_ENDPOINT"].rstrip("/")
        self.interval = float(os.environ.get("REPORT_INTERVAL_SECONDS", "60"))
        self.hostname = os.environ.get("AGENT_HOSTNAME") or socket.gethostname()
        self.folder = Path(os.environ.get("AGENT_STATE_ROOT", "/private/argus/agent")) / self.hostname
        self.health = self.folder / "health"
        self.health.mkdir(parents=True, exist_ok=True)
        self.session = requests.Session()
        self.session.verify = os.environ.get("MASTER_CA_FILE", True)
        self.node = self.load()

    def load(self):
        try:
            return json.loads((self.folder / "node.json").read_text())
        except (OSError, ValueError):
            return {}

    def save(self, node):
        self.node = node
        new = self.folder / ".node.json"
        with open(new, "w", encoding="utf-8") as file:
            json.dump(node, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, self.folder / "node.json")

    def send(self, method, path, body):
        answer = self.session.request(method, self.endpoint + path, json=body, timeout=10, allow_redirects=False)
        answer.raise_for_status()
        return answer.json() if answer.content else self.node

    def register(self):
        env, user, instance = self.hostname.split("-")[:3]
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        body = {"name": self.hostname, "type": "agent", "version": "1.0.0",
                "meta_data": {"hostname": self.hostname, "ip": self.address(), "env": env, "user": user,
                              "instance": instance, "cpu_number": os.cpu_count(), "memory_in_bytes": memory,
                              "gpu_number": 0}}
        if "id" in self.node:
            body["id"] = self.node["id"]
        self.save(self.send("POST", NODES, body))

    def address(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))
            return probe.getsockname()[0]

    def read_health(self):
        health = {}
        for path in sorted(self.health.glob("*-*.json"))[:256]:
            try:
                health[path.stem] = json.loads(path.read_text())
            except (OSError, ValueError) as error:
                print(f"{path.name} is left out: {error}", file=sys.stderr)
        return health

    def report(self):
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        node = self.send("PUT", f"{NODES}/{self.node['id']}/status", {"timestamp": now, "health": self.read_health()})
        if node != self.node:
            self.save(node)
        print("reported", flush=True)

    def run(self):
        notify("READY=1")
        failures = 0
        is_registered = False
        while True:
            try:
                if not is_registered:
                    self.register()
                    is_registered = True
                self.report()
                failures = 0
                time.sleep(self.interval)
            except requests.RequestException as error:
                is_registered = is_registered and getattr(error.response, "status_code", 0) != 404
                failures += 1
                print(f"failed: {error}", file=sys.stderr)
                time.sleep(min(60, 2 ** failures) * random.uniform(0.5, 1))


def notify(state):
    if path := os.environ.get("NOTIFY_SOCKET"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.sendto(state.encode(), path)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    Agent().run()
