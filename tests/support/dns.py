# SPDX-License-Identifier: MIT
"""dnsmasq as the DNS server of the LAN: real answers to real queries."""

import signal
import socket

from support.network import MASTER_ADDRESS
from support.program import Program
from support.wait import wait_until

CONFIGURATION = """
port={port}
listen-address={address}
bind-interfaces
user=root
pid-file=
no-resolv
no-hosts
log-queries
log-facility=-
addn-hosts={hosts}
local=/test/
local-ttl=3600
"""

NO_ERROR, SERVER_FAILED, NO_SUCH_NAME = 0, 2, 3
# for a server that checks signatures, which the zone "broken" of the server on port 54 does not have
CHECKS_SIGNATURES = f"""
dnssec
dnssec-no-timecheck
trust-anchor=.,20326,8,2,E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D
trust-anchor=broken,1,8,2,E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D
server=/broken/{MASTER_ADDRESS}#54
"""
KNOWS_BROKEN = f"""
local=/broken/
address=/broken/{MASTER_ADDRESS}
"""


def result_code(name):
    """What the server on the LAN answers of it."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(5)
        asking.sendto(b"\x12\x34\x01\0\0\1\0\0\0\0\0\0" + labels + b"\0\0\1\0\1", (MASTER_ADDRESS, 53))
        return asking.recv(512)[3] & 15


class Dnsmasq(Program):
    def __init__(self, folder, extra="", port=53):
        self._hosts = folder / "hosts"
        self._hosts.touch()
        configuration = folder / "dnsmasq.conf"
        configuration.write_text(CONFIGURATION.format(address=MASTER_ADDRESS, hosts=self._hosts, port=port) + extra)
        super().__init__(["dnsmasq", "--keep-in-foreground", f"--conf-file={configuration}"])
        self.wait_line("started")

    def answer(self, name, *addresses):
        """From now on; the only name that it knows."""
        self._hosts.write_text("".join(f"{address} {name}\n" for address in addresses))
        seen = len(self.lines)
        self.send(signal.SIGHUP)
        wait_until(lambda: any("read " in line for line in self.lines[seen:]), 10, "the new names")

    def queries(self, name):
        return [line for line in self.lines if "query[" in line and name in line]
