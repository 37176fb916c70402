# SPDX-License-Identifier: MIT
"""nginx with TLS in front of the dev Master, and a proxy: as they stand between agents and Masters in earnest."""

import os
import signal

from support import proc
from support.network import MASTER_ADDRESS
from support.program import Program
from support.wait import wait_until

NAME = "master.test"
HTTPS = f"https://{NAME}"
FAST = {"REPORT_INTERVAL_SECONDS": "2"}

NGINX = """
user root;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr notice;
events {{ worker_connections 128; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_timeout 300s;
    proxy_read_timeout 1s;
    log_format handshakes 'connection=$connection requests=$connection_requests $request_method $status '
                          'tls=$ssl_protocol reused=$ssl_session_reused';
    server {{
        listen {address}:443 ssl;
        server_name _;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        access_log /dev/stdout handshakes;
        {settings}
        location / {{
            proxy_pass http://127.0.0.1:{port};
            proxy_http_version 1.1;
            {location}
        }}
    }}
}}
"""


class Nginx(Program):
    """Its output is one line for each request, by which a connection and its handshake are known."""

    def __init__(self, folder, master, pair, settings="", location=""):
        self._folder, self._master, self._pair = folder, master, pair
        self._settings, self._location = settings, location
        self.start()

    def start(self):
        """Also after kill()."""
        self._write()
        super().__init__(["nginx", "-p", self._folder, "-c", self._folder / "nginx.conf", "-g", "daemon off;"])
        self.wait_line("start worker process ")

    def _write(self):
        certificate, key = self._pair
        (self._folder / "nginx.conf").write_text(NGINX.format(
            folder=self._folder, address=MASTER_ADDRESS, certificate=certificate, key=key, port=self._master.port,
            settings=self._settings, location=self._location))

    def reload(self, pair=None, settings=None, location=None):
        """With other settings where they are given; returns when the old worker has closed its connections."""
        self._pair = pair or self._pair
        self._settings = self._settings if settings is None else settings
        self._location = self._location if location is None else location
        self._write()
        old = self._workers()
        self.send(signal.SIGHUP)
        wait_until(lambda: (now := self._workers()) and not set(now) & set(old), 10, "a new worker of nginx")

    def _workers(self):
        return proc.children(self.pid)

    def kill(self):
        """With its worker, as an out-of-memory kill or a crash: no farewell to anyone."""
        if self.is_running:
            self.signal_all(signal.SIGKILL)
        return self.wait_exit()

    def signal_all(self, number):
        for pid in [self.pid, *self._workers()]:
            os.kill(pid, number)

    def connections(self):
        """The connection of each request, in their order."""
        return [line.split()[0] for line in self.lines if line.startswith("connection=")]


PROXY_USER, PROXY_PASSWORD = "robot", "pr0xy-s3cret-Kx7"
PROXY_ADDRESS = f"{MASTER_ADDRESS}:8888"

TINYPROXY = f"""
User root
Listen {MASTER_ADDRESS}
Port 8888
LogLevel Info
MaxClients 20
ConnectPort 443
BasicAuth {PROXY_USER} {PROXY_PASSWORD}
"""


class Tinyproxy(Program):
    """A proxy that asks for a password; only it knows the Master's name."""

    def __init__(self, folder):
        (folder / "tinyproxy.conf").write_text(TINYPROXY)
        (folder / "hosts").write_text(f"{MASTER_ADDRESS} {NAME}\n")
        super().__init__(["unshare", "--mount", "--", "sh", "-c", 'mount --bind "$0/hosts" /etc/hosts && '
                          'exec tinyproxy -d -c "$0/tinyproxy.conf"', folder])
        self.wait_line("Accepting connections")

    def asked_for(self):
        """The requests that it has passed on or refused."""
        return [line.partition("): ")[2] for line in self.lines if "Request (file descriptor" in line]
