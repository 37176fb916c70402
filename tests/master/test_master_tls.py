"""TLS and client certificates at the dev Master."""

import subprocess

import pytest
import requests


@pytest.fixture
def certificates(tmp_path):
    """A CA, and a server and a client certificate of it, as PEM files."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=tmp_path, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=test CA", "-keyout", "ca.key", "-out", "ca.pem")
    for name in ("server", "client"):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-copy_extensions", "copy", "-days", "2", "-out", f"{name}.pem")
    return tmp_path


def test_tls_and_client_certificate(start_master, certificates):
    master = start_master("--cert", certificates / "server.pem", "--key", certificates / "server.key",
                          "--client-ca", certificates / "ca.pem")
    url = f"https://127.0.0.1:{master.port}/healthz"
    pair = (str(certificates / "client.pem"), str(certificates / "client.key"))
    with pytest.raises(requests.RequestException):
        requests.get(url, timeout=10, verify=certificates / "ca.pem")
    assert requests.get(url, timeout=10, verify=certificates / "ca.pem", cert=pair).text == "ok\n"
