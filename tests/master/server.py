# SPDX-License-Identifier: MIT
"""HTTP/1.1 with keep-alive and TLS in front of a Flask application.

Werkzeug's own server closes the connection after each answer and lets nobody send a broken one; both are what a test of
a client needs. So the connection is ours, and the application is asked through WSGI.
"""

import io
import socket
import ssl
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote_to_bytes

from werkzeug.test import run_wsgi_app

from api import request_kind
from control import PREFIX as CONTROL_PREFIX
from misbehaviour import Answer, Dropped, Misdeed


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave together; flushed after each answer
    server_version = "argus-dev-master"

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith(CONTROL_PREFIX + "/"):
            self.send(self.ask_application(body))
            return

        kind = request_kind(self.command, self.path)
        entry = self.server.journal.add(kind, self.command, self.path, list(self.headers.items()), body,
                                        f"{self.client_address[0]}:{self.client_address[1]}")
        try:
            self.serve(kind, body, entry)
        except Dropped:
            self.close_connection = True
        finally:
            entry["answered"] = time.monotonic()

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = handle_any

    def serve(self, kind, body, entry):
        rule, released = self.server.rules.take(kind) if kind != "other" else (None, None)
        if rule is None:
            answer = self.ask_application(body)
            entry["status"] = answer.status
            self.send(answer)
        else:
            misdeed = Misdeed(rule, released, self.connection)
            answer = misdeed.make_answer(lambda: self.ask_application(body))
            entry["status"] = answer.status
            self.send(answer, misdeed.send_body)

    def send(self, answer, send_body=None):
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        if answer.status != 204 and not any(name.lower() == "content-length" for name, _ in answer.headers):
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD" and answer.status != 204:
            if send_body:
                send_body(answer.body, self.write_now)
            else:
                self.wfile.write(answer.body)
        self.wfile.flush()

    def write_now(self, data):
        self.wfile.write(data)
        self.wfile.flush()

    def ask_application(self, body):
        chunks, status, headers = run_wsgi_app(self.server.application, self.environ(body), buffered=True)
        headers = [(name, value) for name, value in headers if name.lower() != "content-length"]  # send() counts anew
        return Answer(int(status.split()[0]), headers, b"".join(chunks))

    def environ(self, body):
        path, _, query = self.path.partition("?")
        prefix = self.server.prefix if path.startswith(self.server.prefix) else ""
        environ = {"REQUEST_METHOD": self.command,
                   "SCRIPT_NAME": prefix,
                   "PATH_INFO": unquote_to_bytes(path[len(prefix):]).decode("latin-1"),
                   "QUERY_STRING": query,
                   "SERVER_NAME": "dev-master",
                   "SERVER_PORT": str(self.server.server_port),
                   "SERVER_PROTOCOL": self.request_version,
                   "REMOTE_ADDR": self.client_address[0],
                   "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                   "CONTENT_LENGTH": str(len(body)),
                   "wsgi.version": (1, 0),
                   "wsgi.url_scheme": "https" if self.server.tls else "http",
                   "wsgi.input": io.BytesIO(body),
                   "wsgi.errors": sys.stderr,
                   "wsgi.multithread": True,
                   "wsgi.multiprocess": False,
                   "wsgi.run_once": False}
        for name, value in self.headers.items():
            environ["HTTP_" + name.upper().replace("-", "_")] = value
        return environ

    def log_message(self, format, *args):  # the journal holds more than an access log could
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host, port, application, journal, rules, prefix="", tls=None):
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.application = application
        self.journal = journal
        self.rules = rules
        self.prefix = prefix.rstrip("/")
        self.tls = tls
        super().__init__((host, port), Handler)

    def server_bind(self):
        # HTTPServer's own asks the resolver for the host's name, which may take seconds
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_port = self.server_address[1]

    def finish_request(self, request, client_address):
        # in the connection's own thread: a slow handshake holds up nobody else
        if self.tls:
            with self.tls.wrap_socket(request, server_side=True) as wrapped:
                super().finish_request(wrapped, client_address)
        else:
            super().finish_request(request, client_address)

    def handle_error(self, request, client_address):
        # clients that hang up and handshakes that fail are what tests are made of
        if not isinstance(sys.exc_info()[1], (ConnectionError, ssl.SSLError, TimeoutError)):
            super().handle_error(request, client_address)
