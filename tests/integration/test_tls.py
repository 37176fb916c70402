# SPDX-License-Identifier: MIT
"""TLS towards the Master: who is believed, client certificates, and secrets that change while the agent runs."""

import json
import shutil

import pytest

from support.certificates import Authority

SECRET = "s3cr3t-Wq8"
FAST = {"REPORT_INTERVAL_SECONDS": "4"}


@pytest.fixture
def start_tls_master(start_master, authority):
    def start(*arguments, addresses="IP:127.0.0.1", client_pair=None):
        cert, key = authority.issue("server", addresses)
        return start_master("--cert", cert, "--key", key, *arguments, trusts=authority.file, pair=client_pair)

    return start


@pytest.fixture
def tls_master(start_tls_master):
    return start_tls_master()


def test_a_master_signed_by_the_given_authority(agent, authority, tls_master):
    agent(MASTER_ENDPOINT=tls_master.url, MASTER_CA_FILE=authority.file).wait_online()
    register, report = tls_master.requests()
    assert register["peer"] == report["peer"]


def test_an_unknown_authority_is_not_believed(agent, tls_master):
    entry = agent(MASTER_ENDPOINT=tls_master.url).wait_log("register-failed")
    assert "certificate" in entry["MESSAGE"].lower()
    assert tls_master.requests() == []


def test_a_certificate_for_another_host_is_not_believed(agent, authority, start_tls_master):
    master = start_tls_master(addresses="DNS:other.example")
    entry = agent(MASTER_ENDPOINT=f"https://127.0.0.1:{master.port}", MASTER_CA_FILE=authority.file).wait_log(
        "register-failed")
    assert "certificate" in entry["MESSAGE"].lower() or "127.0.0.1" in entry["MESSAGE"]


def test_a_new_authority_file_heals(agent, authority, tls_master, tmp_path):
    (tmp_path / "other").mkdir()
    ca_file = tmp_path / "trusted.pem"
    shutil.copy(Authority(tmp_path / "other").file, ca_file)
    started = agent(MASTER_ENDPOINT=tls_master.url, MASTER_CA_FILE=ca_file)
    started.wait_log("register-failed")
    shutil.copy(authority.file, ca_file)
    started.wait_online(15)


def test_a_client_certificate(agent, authority, start_tls_master):
    cert, key = authority.issue("client")
    pair = (str(cert), str(key))
    master = start_tls_master("--client-ca", authority.file, client_pair=pair)
    agent(MASTER_ENDPOINT=master.url, MASTER_CA_FILE=authority.file, MASTER_CLIENT_CERT_FILE=cert,
          MASTER_CLIENT_KEY_FILE=key).wait_online()
    assert [node["id"] for node in master.nodes()] == ["A1"]


def test_a_key_with_a_pass_phrase_is_named(agent, authority, tls_master):
    cert, key = authority.issue("client")
    entry = agent(MASTER_ENDPOINT=tls_master.url, MASTER_CA_FILE=authority.file, MASTER_CLIENT_CERT_FILE=cert,
                  MASTER_CLIENT_KEY_FILE=authority.encrypt(key)).wait_log("register-failed")
    assert f"{key}.encrypted" in entry["MESSAGE"] and "pass phrase" in entry["MESSAGE"]


def test_nobody_is_asked_for_a_pass_phrase(agent, authority, tls_master, tmp_path):
    """OpenSSL asks on the terminal or reads stdin, and the loop would wait for that. What says so here is a certificate,
    as keys are looked at before."""
    cert, key = authority.issue("client")
    odd = tmp_path / "odd.pem"
    head, *rest = cert.read_text().splitlines(keepends=True)
    odd.write_text(head + f"Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,{'00' * 16}\n\n" + "".join(rest))
    started = agent(MASTER_ENDPOINT=tls_master.url, MASTER_CA_FILE=authority.file, MASTER_CLIENT_CERT_FILE=odd,
                    MASTER_CLIENT_KEY_FILE=key, open_stdin=True)
    assert "certificate" in started.wait_log("register-failed")["MESSAGE"]
    assert started.stop() == 0
    assert "Enter PEM" not in started.output()


def test_without_the_client_certificate_it_is_refused(agent, authority, start_tls_master):
    pair = tuple(map(str, authority.issue("client")))
    master = start_tls_master("--client-ca", authority.file, client_pair=pair)
    agent(MASTER_ENDPOINT=master.url, MASTER_CA_FILE=authority.file).wait_log("register-failed")
    assert master.requests() == []


def test_a_token_from_a_systemd_credential(agent, authority, start_tls_master, tmp_path):
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials/master-token").write_text(SECRET + "\n")
    master = start_tls_master("--token", SECRET)
    agent(MASTER_ENDPOINT=master.url, MASTER_CA_FILE=authority.file,
          CREDENTIALS_DIRECTORY=tmp_path / "credentials").wait_online()


@pytest.mark.parametrize("content", [f"{SECRET}\r\nX-Evil: 1", f"{SECRET}\nX-Evil: 1\n", "a\x00b", "", "\n", "x" * 100000])
def test_a_token_that_is_no_token_is_not_sent(agent, master, tmp_path, content):
    (tmp_path / "token").write_text(content)
    started = agent(MASTER_TOKEN_FILE=tmp_path / "token")
    entry = started.wait_log("register-failed")
    assert "token" in entry["MESSAGE"].lower()
    assert master.requests() == []
    assert SECRET not in started.output()


def test_a_missing_token_file_is_named_and_healed(agent, start_master, tmp_path):
    master = start_master("--token", SECRET)
    token = tmp_path / "token"
    started = agent(MASTER_ENDPOINT=master.url, MASTER_TOKEN_FILE=token)
    assert str(token) in started.wait_log("register-failed")["MESSAGE"]
    assert master.requests() == []
    token.write_text(SECRET)
    started.wait_online(15)


def test_a_token_that_changes_between_reports(agent, start_master, tmp_path):
    """The Master takes the new one only: the next report has it."""
    (tmp_path / "token").write_text(SECRET)
    master = start_master()
    started = agent(MASTER_ENDPOINT=master.url, MASTER_TOKEN_FILE=tmp_path / "token", REPORT_INTERVAL_SECONDS="1")
    started.wait_online()
    (tmp_path / "token").write_text("second-token")
    started.wait_log("secret-reloaded")
    assert ["Authorization", "Bearer second-token"] in master.requests("report")[-1]["headers"] \
        or master.wait_for_requests(len(master.requests("report")) + 1, kind="report")
    assert "second-token" not in started.output()


def test_no_token_no_header(agent, master):
    agent().wait_online()
    for request in master.requests():
        assert "authorization" not in {name.lower() for name, _ in request["headers"]}
        json.loads(request["body"])
