# SPDX-License-Identifier: MIT
"""The LAN of the tests: the Master's side is the network namespace of the worker itself, each node has one of its own.

    worker: Master, nginx, dnsmasq ── lan0 (bridge) ── v-web01 ═ cable ═ eth0 ── node: the agent
"""

import os
import re
import signal
import subprocess

from support.master import Master
from support.network import MASTER_ADDRESS, SUBNET, ip
from support.program import Program
from support.wait import wait_until

NAME = "web01"
ADDRESS, OTHER_ADDRESS, THIRD_ADDRESS = (f"{SUBNET}{last}" for last in (2, 102, 103))
# the C library puts addresses that are nearer to the node's own in front of this one
SECOND_MASTER_ADDRESS = SUBNET + "201"
NEAR_ADDRESSES = [SUBNET + last for last in "345"]
DEAD_ADDRESS = SUBNET + "99"  # nobody has it: not even ARP is answered
SUBNET6 = "fd77::"
MASTER_ADDRESS6, ADDRESS6, OTHER_ADDRESS6 = (f"{SUBNET6}{last}" for last in (1, 2, 102))
LAN_ADDRESSES = [SECOND_MASTER_ADDRESS + "/24", MASTER_ADDRESS6 + "/64"]

NSSWITCH = "passwd: files\ngroup: files\nhosts: files dns\n"


class LanMaster(Master):
    """The dev Master on all addresses of the LAN, IPv4 and IPv6."""

    def __init__(self, folder, *arguments):
        super().__init__(folder, *arguments, host="[::]")

    @property
    def url(self):
        return f"http://{MASTER_ADDRESS}:{self.port}"

    @property
    def url6(self):
        return f"http://[{MASTER_ADDRESS6}]:{self.port}"

    def url_of(self, host):
        return f"http://{host}:{self.port}"

    def ips(self):
        """What each registration said of the own address; None where it said nothing."""
        return [sent["meta_data"].get("ip") for sent in self.documents("register")]

    kill = Master.stop  # as the other servers of a test


HAS_SLOW_END = ["ip", "link", "show", "slow0"]


class Node:
    def __init__(self, network, folder, address=ADDRESS, slow=None):
        """`slow` is a cable of this latency (a round trip, in ms) and loss (in percent)."""
        self.folder = folder / NAME
        self.folder.mkdir()
        self._network, self._slow_cable = network, None
        self.etc = {}
        for name, text in {"resolv.conf": f"nameserver {MASTER_ADDRESS}\noptions timeout:2 attempts:2\n",
                           "nsswitch.conf": NSSWITCH, "hosts": "127.0.0.1 localhost\n::1 localhost\n"}.items():
            self.write_etc(name, text)
        try:
            network.attach(NAME, address)
            if slow:
                self._replace_cable(*slow)
            self._settle(address)
        except BaseException:
            self.remove()
            raise

    def write_etc(self, name, text):
        """A file of this machine's /etc, laid over the real one for its programs."""
        self.etc[name] = self.folder / name.replace("/", "-")
        self.etc[name].write_text(text)

    @property
    def wrapper(self):
        """What puts a program on this machine; it stays one process, with the same number."""
        binds = " && ".join(f"mount --bind {file} /etc/{name}" for name, file in self.etc.items())
        return ["nsenter", f"--net=/run/netns/{NAME}", "unshare", "--mount", "--",
                "sh", "-c", f'{binds} && exec "$@"', "sh"]

    def run(self, *command, **options):
        return subprocess.run([*self.wrapper, *command], check=True, capture_output=True, text=True, **options).stdout

    def ip(self, *arguments):
        subprocess.run(["ip", "-n", NAME, *arguments], check=True)

    def ip_batch(self, lines):
        subprocess.run(["ip", "-n", NAME, "-batch", "-"], input="\n".join(lines), text=True, check=True)

    def sysctl(self, name, value):
        self.run("sh", "-c", f"echo {value} >/proc/sys/net/{name}")

    def add_address(self, address, device="eth0"):
        self.ip("addr", "add", address + ("/64" if ":" in address else "/24"), "dev", device,
                *(["nodad"] if ":" in address else []))

    def remove_address(self, address, device="eth0"):
        self.ip("addr", "del", address + ("/64" if ":" in address else "/24"), "dev", device)

    def pull_cable(self):
        ip("link", "set", f"v-{NAME}", "down")

    def plug_cable(self):
        ip("link", "set", f"v-{NAME}", "up")

    def remove(self):
        if self._slow_cable:
            os.killpg(self._slow_cable.pid, signal.SIGKILL)
            wait_until(lambda: subprocess.run(HAS_SLOW_END, capture_output=True).returncode != 0, 10, "no slow cable")
        self._network.detach(NAME)

    def _settle(self, address):
        """Nothing of the set-up is still to come when the test begins: IPv6 looks for duplicates for seconds."""
        self.ip("link", "set", "eth0", "down")
        self.sysctl("ipv6/conf/eth0/accept_dad", 0)
        self.ip("addr", "flush", "dev", "eth0")
        self.add_address(address)
        self.add_address(ADDRESS6)
        self.ip("link", "set", "eth0", "up")
        self.ip("route", "add", "default", "via", MASTER_ADDRESS)

    def _replace_cable(self, latency, loss):
        """By one that wirefilter(1) makes bad: tc-netem(8) would need a module that not every kernel has."""
        self.ip("link", "set", "eth0", "down", "name", "spare")
        # dpipe makes a process group of its own
        self._slow_cable = Program(["dpipe", "vde_plug", "tap://slow0", "=",
                                    "wirefilter", "-d", str(latency / 2), "-l", str(loss), "=",
                                    "nsenter", f"--net=/run/netns/{NAME}", "vde_plug", "tap://eth0"])
        has_devices = [HAS_SLOW_END, ["ip", "-n", NAME, "link", "show", "eth0"]]
        wait_until(lambda: all(subprocess.run(has, capture_output=True).returncode == 0 for has in has_devices), 10,
                   lambda: f"both ends of the slow cable: {self._slow_cable.output()}")
        ip("link", "set", "slow0", "master", "lan0", "up")


class Firewall:
    """nftables of a node: rules that a test puts there and takes away."""

    def __init__(self, node):
        self._node = node

    def set(self, *rules):
        """Each rule: (hook, text); replaces those before."""
        chains = "".join(f"chain c{n} {{ type filter hook {hook} priority 0; {text}; }}\n"
                         for n, (hook, text) in enumerate(rules))
        self._node.run("nft", "-f", "-",
                       input=f"table inet t {{}}\ndelete table inet t\ntable inet t {{ {chains} }}\n")

    def hits(self):
        """How many packets the rules that say "counter" have met."""
        listed = self._node.run("nft", "list", "table", "inet", "t")
        return [int(count) for count in re.findall(r"counter packets (\d+)", listed)]

    def clear(self):
        self.set()
