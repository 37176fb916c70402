# SPDX-License-Identifier: MIT
"""The test network: a bridge in this process's own network namespace, and a namespace of its own for each node.

Nothing here touches a real network: namespaces.py starts the tests in an empty network namespace.
"""

import subprocess

from support.certificates import Authority
from support.master import Master

SUBNET = "10.77.0."
MASTER_ADDRESS, MASTER_PORT = SUBNET + "1", 3000
MASTER_URL = f"http://{MASTER_ADDRESS}:{MASTER_PORT}"
ADDRESS, OTHER_ADDRESS = SUBNET + "11", SUBNET + "12"  # of a machine
TOKEN = "open-sesame"
BRIDGE = "lan0"


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


class Network:
    def __init__(self):
        ip("link", "set", "lo", "up")
        ip("link", "add", BRIDGE, "type", "bridge", "forward_delay", "0")
        ip("addr", "add", MASTER_ADDRESS + "/24", "dev", BRIDGE)
        ip("link", "set", BRIDGE, "up")
        self.attached = set()

    def attach(self, node, address):
        """Makes the network namespace of a node, with one interface of this address; returns its path."""
        cable = f"v-{node}"[:15]
        ip("netns", "add", node)
        self.attached.add(node)
        ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", node)
        ip("link", "set", cable, "master", BRIDGE, "up")
        ip("-n", node, "link", "set", "lo", "up")
        ip("-n", node, "addr", "add", address + "/24", "dev", "eth0")
        ip("-n", node, "link", "set", "eth0", "up")
        ip("-n", node, "route", "add", "default", "via", MASTER_ADDRESS)
        return f"/run/netns/{node}"

    def detach(self, node):
        """Pulls the cable and forgets the namespace; doing it twice is fine."""
        if node in self.attached:
            self.attached.remove(node)
            ip("link", "del", f"v-{node}"[:15])
            ip("netns", "del", node)


def master_of(directory):
    """The dev Master of a test, where booted machines look for it."""
    return Master(directory, host=MASTER_ADDRESS, port=MASTER_PORT)


def secured_master_of(directory):
    """One that speaks TLS only, and asks for a token and a certificate: ca.pem, client.pem, client.key in the directory."""
    authority = Authority(directory)
    (cert, key), client = (authority.issue(name, f"IP:{MASTER_ADDRESS}") for name in ("server", "client"))
    return Master(directory, "--cert", cert, "--key", key, "--client-ca", authority.file, host=MASTER_ADDRESS,
                  port=MASTER_PORT, trusts=authority.file, pair=client, token=TOKEN)
