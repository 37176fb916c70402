"""A DNS server that knows a few names: just enough to see which way a name was looked up."""

import socket
import threading

TYPE_A = 1
ANSWER, NO_SUCH_NAME = b"\x81\x80", b"\x81\x83"


class DnsServer:
    def __init__(self, address, names):
        self.names = names
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 53))
        self.socket.settimeout(0.1)
        self.ended = False
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended = True
        self.thread.join()
        self.socket.close()

    def _serve(self):
        while not self.ended:
            try:
                query, peer = self.socket.recvfrom(512)
            except TimeoutError:
                continue
            self.socket.sendto(self._answer(query), peer)

    def _answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode("ascii", "replace"))
            at += 1 + query[at]
        question = query[12:at + 5]
        address = self.names.get(".".join(labels).lower())
        found = address and int.from_bytes(query[at + 1:at + 3], "big") == TYPE_A
        record = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04" + socket.inet_aton(address) if found else b""
        return (query[:2] + (ANSWER if address else NO_SUCH_NAME) + b"\x00\x01" + bytes([0, bool(found)])
                + b"\x00\x00\x00\x00" + question + record)
