"""The dev Master as a process of one test."""

import base64
import sys
from pathlib import Path

import requests

from support.program import Program
from support.wait import wait_until

PROGRAM = Path(__file__).parents[2] / "master/master.py"
NODES = "/api/v1/master/nodes"


class Master:
    def __init__(self, folder, *arguments, host="127.0.0.1", scheme="http"):
        self._folder = folder
        self._arguments = arguments
        self._host = host
        self._scheme = scheme
        self._http = requests.Session()
        self._http.trust_env = False  # neither a proxy nor other certificates of whoever runs the tests
        self.nodes_json = folder / "nodes.json"
        self.program = None
        self.port = 0
        self.start()

    def start(self):
        """Also after stop(): on the same port, with the same database."""
        port_file = self._folder / "port"
        port_file.unlink(missing_ok=True)
        self.program = Program([sys.executable, PROGRAM, "--listen", f"{self._host}:{self.port}",
                                "--database", self._folder / "master.db", "--nodes-json", self.nodes_json,
                                "--port-file", port_file, *self._arguments])
        wait_until(lambda: port_file.exists() or not self.program.is_running, 20, "the dev Master's port")
        assert self.program.is_running, self.program.output()
        self.port = int(port_file.read_text())

    def stop(self):
        self._http.close()
        self.program.kill()

    @property
    def url(self):
        return f"{self._scheme}://{self._host}:{self.port}"

    @property
    def nodes_url(self):
        return self.url + NODES

    def trust(self, ca_file, pair=None):
        """For a Master with TLS: how the test itself talks to it."""
        self._http.verify = str(ca_file)
        self._http.cert = pair

    def ask(self, method, path, **options):
        return self._http.request(method, self.url + path, timeout=20, **options)

    def behave(self, *rules):
        """Replaces the rules of misbehaviour (see misbehaviour.py); a rule's `raw` is a body in bytes."""
        rules = [dict(rule) for rule in rules]
        for rule in rules:
            if "raw" in rule:
                rule["body_base64"] = base64.b64encode(rule.pop("raw")).decode()
        self.ask("POST", "/test/behave", json=rules).raise_for_status()

    def forget(self, node_id=None):
        self.ask("POST", "/test/forget", json={"id": node_id} if node_id else {}).raise_for_status()

    def clear_requests(self):
        self.ask("DELETE", "/test/requests").raise_for_status()

    def requests(self, kind=None):
        """The requests so far, oldest first; kind: "register", "report"."""
        return self.ask("GET", "/test/requests", params={"kind": kind} if kind else None).json()

    def nodes(self):
        return self.ask("GET", NODES).json()

    def node(self, node_id):
        return self.ask("GET", f"{NODES}/{node_id}").json()

    def statistics(self):
        return self.ask("GET", f"{NODES}/statistics").json()

    def wait_for_requests(self, count, deadline=10.0, kind=None):
        """Returns the requests as soon as there are `count` of them, answered or not."""
        return wait_until(lambda: (found := self.requests(kind)) and len(found) >= count and found, deadline,
                          lambda: f"{count} requests ({kind}), there are {len(self.requests(kind))}")

    def wait_for_answers(self, count, deadline=10.0, kind=None):
        """Like wait_for_requests(), but only answered ones count."""
        def answered():
            found = [request for request in self.requests(kind) if request["answered"]]
            return len(found) >= count and found
        return wait_until(answered, deadline,
                          lambda: f"{count} answered requests ({kind}) in {self.requests(kind)}")
