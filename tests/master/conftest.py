"""A dev Master process per test, started as the integration tests do."""

import sys
from pathlib import Path

import pytest
import requests

sys.path.insert(0, str(Path(__file__).parents[1] / "integration"))

from support.master import Master  # noqa: E402


class TestedMaster(Master):
    """A Master, and an agent's two requests to it."""

    def __init__(self, folder, *arguments, **options):
        super().__init__(folder, *arguments, **options)
        self.http = requests.Session()

    def register(self, name="dev-alice-web01", **more):
        document = {"name": name, "type": "agent", "version": "1.0.0",
                    "meta_data": {"hostname": name, "ip": "10.0.0.5", "env": "dev", "user": "alice",
                                  "instance": "web01"}}
        return self.http.post(self.nodes_url, json=document | more, timeout=10)

    def report(self, node_id, health=None):
        return self.http.put(f"{self.nodes_url}/{node_id}/status", timeout=10,
                             json={"timestamp": "2026-11-24T12:13:00.123Z", "health": health or {}})


@pytest.fixture
def start_master(tmp_path):
    masters = []

    def start(*arguments, **options):
        masters.append(TestedMaster(tmp_path, *arguments, **options))
        return masters[-1]

    yield start
    for master in masters:
        master.stop()


@pytest.fixture
def master(start_master):
    return start_master()
