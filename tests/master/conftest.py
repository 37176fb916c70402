"""A dev Master process per test."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

PROGRAM = Path(__file__).with_name("master.py")


class RunningMaster:
    def __init__(self, folder, *arguments):
        self.nodes_json = folder / "nodes.json"
        self.process = subprocess.Popen(
            [sys.executable, PROGRAM, "--listen", "127.0.0.1:0", "--database", folder / "master.db",
             "--nodes-json", self.nodes_json, "--port-file", folder / "port", *arguments],
            stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}"
        self.nodes_url = f"{self.url}/api/v1/master/nodes"
        self.http = requests.Session()

    def register(self, name="dev-alice-web01", **more):
        document = {"name": name, "type": "agent", "version": "1.0.0",
                    "meta_data": {"hostname": name, "ip": "10.0.0.5", "env": "dev", "user": "alice",
                                  "instance": "web01"}}
        return self.http.post(self.nodes_url, json=document | more, timeout=10)

    def report(self, node_id, health=None):
        return self.http.put(f"{self.nodes_url}/{node_id}/status", timeout=10,
                             json={"timestamp": "2026-11-24T12:13:00.123Z", "health": health or {}})

    def behave(self, *rules):
        self.http.post(f"{self.url}/test/behave", json=rules, timeout=10).raise_for_status()

    def journal(self):
        return self.http.get(f"{self.url}/test/requests", timeout=10).json()

    def stop(self):
        self.http.close()
        self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()


@pytest.fixture
def start_master(tmp_path):
    masters = []

    def start(*arguments):
        masters.append(RunningMaster(tmp_path, *arguments))
        return masters[-1]

    yield start
    for master in masters:
        master.stop()


@pytest.fixture
def master(start_master):
    return start_master()


@pytest.fixture
def eventually():
    def wait(predicate, seconds=5):
        end = time.monotonic() + seconds
        while not predicate():
            assert time.monotonic() < end, "did not come true in time"
            time.sleep(0.02)

    return wait
