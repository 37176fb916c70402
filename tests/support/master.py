# SPDX-License-Identifier: MIT
"""The dev Master as a process of one test."""

import base64
import json
import sys
from pathlib import Path

import requests

from support.program import Program
from support.wait import wait_until

PROGRAM = Path(__file__).parents[1] / "master/master.py"
NODES = "/api/v1/master/nodes"


class Master:
    def __init__(self, folder, *arguments, host="127.0.0.1", port=0, trusts=None, pair=None, token=None):
        """`trusts`, `pair` and `token`: how the test itself talks to a Master with TLS, or that asks for a token."""
        self._folder = folder
        self._arguments = [*arguments, *(["--token", token] if token else [])]
        self._host = host
        self._scheme = "https" if trusts else "http"
        self._http = requests.Session()
        self._http.trust_env = False  # neither a proxy nor other certificates of whoever runs the tests
        self._http.verify, self._http.cert = trusts and str(trusts), pair and tuple(map(str, pair))
        self._http.headers.update({"Authorization": f"Bearer {token}"} if token else {})
        self.nodes_json = folder / "nodes.json"
        self.program = None
        self.port = port
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

    def documents(self, kind):
        """The documents that were sent, oldest first."""
        return [json.loads(request["body"]) for request in self.requests(kind)]

    def ids_registered(self):
        """The id that each registration brought, or None."""
        return [sent.get("id") for sent in self.documents("register")]

    def targets(self):
        """The file that a Prometheus would be fed from."""
        return json.loads(self.nodes_json.read_text())

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

    def wait_for_more(self, count=1, deadline=10.0, kind="report"):
        """Returns all requests of this kind as soon as there are `count` more of them than now."""
        return self.wait_for_requests(len(self.requests(kind)) + count, deadline, kind)

    def wait_for_answers(self, count, deadline=10.0, kind=None):
        """Like wait_for_requests(), but only answered ones count."""
        def answered():
            found = [request for request in self.requests(kind) if request["answered"]]
            return len(found) >= count and found
        return wait_until(answered, deadline,
                          lambda: f"{count} answered requests ({kind}) in {self.requests(kind)}")

    def wait_node(self, deadline=10.0, ip=None):
        """The one node that there should be, once it has reported, and, if that is given, has this address."""
        def one():
            nodes = self.nodes()
            assert len(nodes) <= 1, f"one machine became several nodes: {nodes}"
            return [node for node in nodes if ip in (None, node["meta_data"]["ip"]) and self.requests("report")]
        return wait_until(one, deadline, lambda: f"a node with the address {ip or 'of any kind'} has reported: {self.nodes()}")[0]
