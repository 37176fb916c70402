# SPDX-License-Identifier: MIT
"""TLS and client certificates at the dev Master."""

import pytest
import requests

from support.certificates import Authority


def test_tls_and_client_certificate(start_master, tmp_path):
    authority = Authority(tmp_path)
    cert, key = authority.issue("server")
    master = start_master("--cert", cert, "--key", key, "--client-ca", authority.file)
    url = f"https://127.0.0.1:{master.port}/healthz"
    with pytest.raises(requests.RequestException):
        requests.get(url, timeout=10, verify=authority.file)
    pair = tuple(map(str, authority.issue("client")))
    assert requests.get(url, timeout=10, verify=authority.file, cert=pair).text == "ok\n"
