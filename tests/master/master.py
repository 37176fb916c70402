#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A development Master: registers nodes, takes their reports, and misbehaves on request."""

import argparse
import os
import signal
import ssl
import sys
import threading

from flask import Flask

from api import api_blueprint
from control import control_blueprint
from journal import Journal
from misbehaviour import Rules
from nodes_file import NodesFile
from server import Server
from store import Store

END_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", default="127.0.0.1:3000", metavar="HOST:PORT",
                        help="port 0 takes a free one; IPv6 as [::1]:0 (default %(default)s)")
    parser.add_argument("--database", required=True, metavar="FILE", help="SQLite file, made when missing")
    parser.add_argument("--nodes-json", required=True, metavar="FILE", help="where the online nodes are listed")
    parser.add_argument("--port-file", metavar="FILE", help="where the port is written once it is open")
    parser.add_argument("--offline-after", type=float, default=180, metavar="SECONDS",
                        help="a node whose last report is older is offline (default %(default)s)")
    parser.add_argument("--prefix", default="", metavar="/PATH", help="serve the API under this path too")
    parser.add_argument("--token", metavar="WORD", help="bearer token to ask for")
    parser.add_argument("--cert", metavar="FILE", help="PEM certificate: serve TLS")
    parser.add_argument("--key", metavar="FILE", help="PEM key of the certificate")
    parser.add_argument("--client-ca", metavar="FILE", help="ask each client for a certificate signed by this CA")
    options = parser.parse_args(arguments)
    if bool(options.cert) != bool(options.key):
        parser.error("--cert and --key go together")
    if options.client_ca and not options.cert:
        parser.error("--client-ca needs --cert and --key")
    return options


def tls_context(options):
    if not options.cert:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.cert, options.key)
    if options.client_ca:
        context.load_verify_locations(options.client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def write_whole(path, text):
    with open(f"{path}.tmp", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(f"{path}.tmp", path)


def main(arguments):
    options = parse_arguments(arguments)
    host, _, port = options.listen.rpartition(":")

    store = Store(options.database, options.offline_after)
    nodes_file = NodesFile(options.nodes_json, store)
    journal = Journal()
    rules = Rules()
    application = Flask("argus-dev-master")
    application.register_blueprint(api_blueprint(store, nodes_file, options.token))
    application.register_blueprint(control_blueprint(store, nodes_file, journal, rules))
    server = Server(host.strip("[]"), int(port), application, journal, rules, options.prefix, tls_context(options))

    # Before the first thread, which inherits it: a handler could come a moment too late to end a wait.
    signal.pthread_sigmask(signal.SIG_BLOCK, END_SIGNALS)
    nodes_file.keep_fresh(min(1.0, options.offline_after / 4))
    print(server.server_port, flush=True)
    if options.port_file:
        write_whole(options.port_file, f"{server.server_port}\n")
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 60}, daemon=True, name="server").start()
    signal.sigwait(END_SIGNALS)


if __name__ == "__main__":
    main(sys.argv[1:])
