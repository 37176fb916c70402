# SPDX-License-Identifier: MIT
"""https through nginx: who is believed, and what a gateway does to those behind it."""

import json
import shutil
import subprocess

import pytest

from support.agent import health_folder
from support.certificates import Authority
from support.network import MASTER_ADDRESS
from support.wait import wait_until
from web import FAST, HTTPS, NAME

STORE = "ssl/certs/ca-certificates.crt"


def failed_words(started, event="register-failed"):
    """What a person reads of the first failure, behind the request that failed."""
    request = {"register-failed": f"Registration failed: POST {HTTPS}/api/v1/master/nodes: ",
               "report-failed": f"Report failed: PUT {HTTPS}/api/v1/master/nodes/A1/status: "}[event]
    return started.wait_log(event)["MESSAGE"].removeprefix(request)


def assert_back(started, deadline=6):
    started.wait_log("report-recovered", deadline)


# ---- who is believed ----

def test_the_system_store(agent, nginx, node, master, authority):
    """Without MASTER_CA_FILE: what the machine's own store says."""
    server = nginx()
    refused = agent(MASTER_ENDPOINT=HTTPS, AGENT_STATE_ROOT=node.folder)
    assert failed_words(refused).startswith("TLS: SSL certificate problem: unable to get local issuer certificate")
    assert master.requests() == []
    refused.stop()

    node.write_etc(STORE, authority.file.read_text())
    agent(MASTER_ENDPOINT=HTTPS, **FAST).wait_online()
    assert "tls=TLS" in server.wait_line("POST 201")


def test_a_file_takes_the_place_of_the_system_store(agent, nginx, node, master, authority, tmp_path_factory):
    node.write_etc(STORE, authority.file.read_text())
    nginx()
    other = Authority(tmp_path_factory.mktemp("other"))
    assert failed_words(agent(MASTER_ENDPOINT=HTTPS, MASTER_CA_FILE=other.file)).startswith(
        "TLS: SSL certificate problem: unable to get local issuer certificate; retrying in ")
    assert master.requests() == []


def test_a_certificate_of_another_name(https_agent, nginx, master, authority):
    nginx(authority.issue("other", "DNS:other.test"))
    assert failed_words(https_agent()).startswith(
        f"TLS: SSL: no alternative certificate subject name matches target host name '{NAME}'; retrying in ")
    assert master.requests() == []


def test_a_certificate_that_has_expired(https_agent, nginx, master, authority):
    server = nginx(authority.issue("old", f"DNS:{NAME}", days=-1))
    started = https_agent()
    assert failed_words(started).startswith("TLS: SSL certificate problem: certificate has expired; retrying in ")
    assert master.requests() == []
    server.reload(authority.issue("server", f"DNS:{NAME}"))
    started.wait_online()


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1.1"])
def test_old_tls_is_refused(https_agent, nginx, master, version):
    server = nginx(settings=f"ssl_protocols {version}; ssl_ciphers ALL:@SECLEVEL=0;")
    # the server does speak it
    option = "-" + version.lower().replace(".", "_").replace("v", "")
    spoken = subprocess.run(["openssl", "s_client", "-connect", f"{MASTER_ADDRESS}:443", "-cipher", "ALL:@SECLEVEL=0",
                             option], input="", capture_output=True, text=True)
    assert f"Protocol  : {version}" in spoken.stdout, spoken
    words = failed_words(https_agent())
    assert words.startswith("TLS: ") and ("protocol version" in words or "unsupported protocol" in words), words
    assert master.requests() == [] and server.connections() == []


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_new_tls_is_spoken(https_agent, nginx, version):
    server = nginx(settings=f"ssl_protocols {version};")
    https_agent().wait_online()
    assert f"tls={version} " in server.wait_line("POST 201")


# ---- certificates of clients, and what changes while it runs ----

def client_files(authority, folder, name="client"):
    return [shutil.copy(file, folder / f"client.{kind}")
            for file, kind in zip(authority.issue(name), ("crt", "key"))]


def test_nginx_asks_for_a_client_certificate(https_agent, nginx, master, authority, tmp_path_factory):
    """Without one nginx's own words are passed on; with one it works; after a change of the files the new one is shown
    on a new connection."""
    nginx(settings=f"ssl_client_certificate {authority.file}; ssl_verify_client on;",
          location="proxy_set_header X-Client $ssl_client_s_dn;")
    without = https_agent(AGENT_STATE_ROOT=tmp_path_factory.mktemp("without"))
    words = failed_words(without)
    assert words.startswith("400 Bad Request: an HTML page, \"")
    assert "No required SSL certificate was sent" in words
    assert without.stop() == 0
    assert master.requests() == []

    certificate, key = client_files(authority, tmp_path_factory.mktemp("pair"))
    started = https_agent(MASTER_CLIENT_CERT_FILE=certificate, MASTER_CLIENT_KEY_FILE=key)
    started.wait_online()

    def shown():
        return dict(master.requests()[-1]["headers"]).get("X-Client")

    assert shown() == "CN=client"
    client_files(authority, certificate.parent, "renewed")
    wait_until(lambda: shown() == "CN=renewed", 6, lambda: f"the new certificate, not {shown()}")
    started.wait_log("secret-reloaded")
    assert not started.entries("report-failed")


def test_the_servers_certificate_changes(https_agent, nginx, master, authority):
    """Renewed under the same authority: nobody notices."""
    server = nginx()
    started = https_agent()
    started.wait_online()
    server.reload(authority.issue("renewed", f"DNS:{NAME}"))
    before = server.connections()[-1]
    wait_until(lambda: server.connections()[-1] != before, 4, "a request on a new connection")
    started.wait_log("report-ok", count=4)
    assert not started.entries("report-failed")


def test_the_servers_certificate_changes_for_a_wrong_one(https_agent, nginx, master, authority, tmp_path_factory):
    """And is mended: the words tell the admin what to mend."""
    good = authority.issue("server", f"DNS:{NAME}")
    bad = Authority(tmp_path_factory.mktemp("evil")).issue("x", f"DNS:{NAME}")
    server = nginx(good)
    started = https_agent()
    started.wait_online()
    server.reload(bad)
    words = failed_words(started, "report-failed")
    assert words.startswith("TLS: ") and "certificate" in words, words
    received = len(master.requests())
    server.reload(good)
    assert_back(started)
    assert len(master.requests()) > received


# ---- what gateways do ----

def test_a_reload_of_nginx_is_no_failure(https_agent, nginx):
    """It closes the kept connection."""
    server = nginx()
    started = https_agent()
    started.wait_online()
    for count in (1, 2, 3):
        server.reload()
        started.wait_log("report-ok", count=count + 1)
    assert not started.entries("report-failed")


def test_nginx_is_killed_and_comes_back(https_agent, nginx):
    server = nginx()
    started = https_agent()
    started.wait_online()
    server.kill()
    assert failed_words(started, "report-failed").startswith("cannot connect: Connection refused; retrying in ")
    server.start()
    assert_back(started)


def test_the_master_behind_it_is_down(https_agent, nginx, master):
    """502: a gateway's answer is no answer of a Master, and of its page the title is shown."""
    nginx()
    started = https_agent()
    started.wait_online()
    master.stop()
    words = failed_words(started, "report-failed")
    assert words.startswith('502 Bad Gateway: an HTML page, "502 Bad Gateway"; retrying in '), words
    master.start()
    assert_back(started)
    assert [node["id"] for node in master.nodes()] == ["A1"]


def test_the_master_behind_it_hangs(https_agent, nginx, master):
    """504, after nginx's own patience of 1 s."""
    nginx()
    started = https_agent()
    started.wait_online()
    master.behave({"match": "report", "hang": True})
    assert failed_words(started, "report-failed") \
        .startswith('504 Gateway Timeout: an HTML page, "504 Gateway Time-out"; retrying in ')
    master.behave()
    assert_back(started)


def test_a_report_that_is_too_big_for_nginx(https_agent, nginx, master, state_root):
    """413 names what is wrong; when the limit is raised or the files shrink, reports are accepted again."""
    big = health_folder(state_root) / "log-big.json"
    big.write_text(json.dumps("x" * 200_000))
    server = nginx(settings="client_max_body_size 100k;")
    started = https_agent()
    words = failed_words(started, "report-failed")
    assert words.startswith('413 Content Too Large: an HTML page, "413 Request Entity Too Large"; the report has 200'), words
    assert ", its largest health files: log-big 200002; retrying in " in words
    assert master.requests("report") == []
    big.write_text('"small"')
    assert_back(started)
    big.write_text(json.dumps("x" * 200_000))
    wait_until(lambda: len(started.entries("report-failed")) == 2, 6, "it fails again")
    server.reload(settings="client_max_body_size 1m;")
    wait_until(lambda: "xxx" in master.requests("report")[-1]["body"], 6, "the big report")


@pytest.mark.parametrize("status", [301, 308])
def test_a_redirect_is_named_and_not_followed(https_agent, nginx, master, status):
    server = nginx(settings=f"return {status} https://elsewhere.test$request_uri;")
    started = https_agent()
    assert failed_words(started).startswith(
        f"redirected ({status}) to https://elsewhere.test/api/v1/master/nodes: redirects are not followed, "
        "set MASTER_ENDPOINT to the right address; retrying in ")
    assert master.requests() == []
    server.reload(settings="")
    started.wait_online(15)
