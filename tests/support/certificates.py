# SPDX-License-Identifier: MIT
"""Certificates of a test: a CA, and what it signs."""

import subprocess

EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


class Authority:
    def __init__(self, folder, name="ca"):
        self._folder = folder
        self._name = name
        self.file = folder / f"{name}.pem"
        self._openssl("req", "-x509", *EC, "-days", "2", "-subj", f"/CN=test {name}",
                      "-keyout", f"{name}.key", "-out", f"{name}.pem")

    def issue(self, name, addresses="IP:127.0.0.1,DNS:localhost", days=2):
        """Returns the files of a certificate and its key; with days=-1 it has expired."""
        self._openssl("req", *EC, "-subj", f"/CN={name}", "-addext", f"subjectAltName={addresses}",
                      "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", self.file, "-CAkey", f"{self._name}.key",
                      "-CAcreateserial", "-copy_extensions", "copy", "-days", str(days), "-out", f"{name}.pem")
        return self._folder / f"{name}.pem", self._folder / f"{name}.key"

    def encrypt(self, file):
        """The key in this file with a pass phrase, in a file of its own."""
        self._openssl("pkey", "-in", file, "-aes256", "-passout", "pass:secret", "-out", f"{file.name}.encrypted")
        return self._folder / f"{file.name}.encrypted"

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self._folder, check=True, capture_output=True)
