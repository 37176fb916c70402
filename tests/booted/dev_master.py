"""The dev Master of one test, on the test network, and how to talk to it."""

import json
import ssl
import subprocess
import urllib.request
from pathlib import Path

from machine import wait_for
from network import MASTER_ADDRESS

PROGRAM = Path(__file__).parents[1] / "master/master.py"
PORT = 3000
ENDPOINT = f"http://{MASTER_ADDRESS}:{PORT}"
TOKEN = "open-sesame"


def make_certificates(directory):
    """A CA, and a server's and a client's certificate of it."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *key, "-days", "2", "-subj", "/CN=test CA", "-keyout", "ca.key", "-out", "ca.pem")
    for name in "server", "client":
        openssl("req", *key, "-subj", f"/CN={name}", "-addext", f"subjectAltName=IP:{MASTER_ADDRESS}",
                "-keyout", f"{name}.key", "-out", f"{name}.csr")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-copy_extensions", "copy", "-days", "2", "-out", f"{name}.pem")


class DevMaster:
    def __init__(self, directory, certificates=None):
        """With a directory of certificates (see make_certificates) it speaks TLS only, and asks for everything."""
        self.nodes_json = directory / "nodes.json"
        self.log = directory / "master.log"
        self.endpoint, self.tls, secured = ENDPOINT, None, []
        if certificates:
            self.endpoint = ENDPOINT.replace("http:", "https:")
            self.tls = ssl.create_default_context(cafile=certificates / "ca.pem")
            self.tls.load_cert_chain(certificates / "client.pem", certificates / "client.key")
            secured = ["--cert", certificates / "server.pem", "--key", certificates / "server.key",
                       "--client-ca", certificates / "ca.pem", "--token", TOKEN]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["/usr/bin/python3", PROGRAM, "--listen", f"{MASTER_ADDRESS}:{PORT}",
                 "--database", directory / "master.sqlite", "--nodes-json", self.nodes_json, *secured],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for("the dev Master answers", self._answers)

    def _answers(self):
        assert self.process.poll() is None, self.log.read_text()
        try:
            with self._open("/healthz") as answer:
                return answer.status == 200
        except OSError:
            return False

    def stop(self):
        self.process.terminate()
        self.process.wait(10)

    def _open(self, path, body=None):
        asking = urllib.request.Request(self.endpoint + path, body, {"Authorization": f"Bearer {TOKEN}"})
        return urllib.request.urlopen(asking, timeout=5, context=self.tls)

    def get(self, path):
        with self._open(path) as answer:
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
        self._open("/test/behave", json.dumps(rules).encode()).close()

    def wait_node(self, timeout=10.0):
        """The one node that there should be, once it has reported."""
        def one():
            nodes = self.nodes()
            assert len(nodes) <= 1, f"one machine became several nodes: {nodes}"
            return nodes[0] if nodes and self.requests("report") else None
        return wait_for("a node has registered and reported", one, timeout)
