# SPDX-License-Identifier: MIT
"""A dev Master process per test, started as the integration tests do."""

from contextlib import ExitStack

import pytest
import requests

from support.master import Master


class TestedMaster(Master):
    """A Master, and an agent's two requests to it."""

    def __init__(self, folder, *arguments):
        super().__init__(folder, *arguments)
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
    """All of one test share a folder, so that a second one finds the database of the first."""
    with ExitStack() as masters:
        def start(*arguments):
            masters.callback((made := TestedMaster(tmp_path, *arguments)).stop)
            return made
        yield start
