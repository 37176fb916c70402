"""The dev Master of one test, on the test network, and how to talk to it."""

import json
import subprocess
import urllib.request
from pathlib import Path

from machine import wait_for
from network import MASTER_ADDRESS

PROGRAM = Path(__file__).parents[1] / "master/master.py"
PORT = 3000
ENDPOINT = f"http://{MASTER_ADDRESS}:{PORT}"


class DevMaster:
    def __init__(self, directory):
        self.nodes_json = directory / "nodes.json"
        self.log = directory / "master.log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["/usr/bin/python3", PROGRAM, "--listen", f"{MASTER_ADDRESS}:{PORT}",
                 "--database", directory / "master.sqlite", "--nodes-json", self.nodes_json],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for("the dev Master answers", self._answers)

    def _answers(self):
        assert self.process.poll() is None, self.log.read_text()
        try:
            with urllib.request.urlopen(ENDPOINT + "/healthz", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def stop(self):
        self.process.terminate()
        self.process.wait(10)

    def get(self, path):
        with urllib.request.urlopen(ENDPOINT + path, timeout=5) as answer:
            return json.load(answer)

    def nodes(self):
        return self.get("/api/v1/master/nodes")

    def statistics(self):
        return self.get("/api/v1/master/nodes/statistics")

    def targets(self):
        """The file that a Prometheus would be fed from."""
        return json.loads(self.nodes_json.read_text())

    def requests(self, kind):
        """What came in, oldest first: kind is "register" or "report"."""
        return self.get(f"/test/requests?kind={kind}")

    def reports(self):
        return [entry["body"] for entry in self.requests("report")]

    def behave(self, *rules):
        asking = urllib.request.Request(ENDPOINT + "/test/behave", json.dumps(rules).encode(), method="POST")
        urllib.request.urlopen(asking, timeout=5).close()

    def wait_node(self, timeout=10.0):
        """The one node that there should be, once it has reported."""
        def one():
            nodes = self.nodes()
            assert len(nodes) <= 1, f"one machine became several nodes: {nodes}"
            return nodes[0] if nodes and self.requests("report") else None
        return wait_for("a node has registered and reported", one, timeout)
