# SPDX-License-Identifier: MIT
"""A proxy on the way to the Master: used as libcurl reads its variables, and its password is nobody's business."""

import pytest

from support.network import MASTER_ADDRESS
from web import FAST, HTTPS, NAME, PROXY_ADDRESS, PROXY_PASSWORD, PROXY_USER

WITH_PASSWORD = f"http://{PROXY_USER}:{PROXY_PASSWORD}@{PROXY_ADDRESS}"
VARIABLES = FAST | {"MASTER_TIMEOUT_SECONDS": "1", "AGENT_LOG_LEVEL": "debug"}


@pytest.fixture
def behind_proxy(agent, authority, nginx, proxy, node, notify):
    """Starts an agent that knows the Master's name only through the proxy. Whatever then happens: its password is
    nowhere."""
    node.write_etc("resolv.conf", "")
    server = nginx()
    agents = []

    def start(**variables):
        agents.append(agent(**{"MASTER_ENDPOINT": HTTPS, "MASTER_CA_FILE": authority.file, "https_proxy": WITH_PASSWORD,
                               "NOTIFY_SOCKET": notify.path} | VARIABLES | variables))
        return agents[-1]

    start.nginx = server
    yield start
    for started in agents:
        assert started.stop() == 0
        told = started.output() + "".join(note.fields["STATUS"] for note in notify.all("STATUS"))
        assert told and PROXY_PASSWORD not in told and PROXY_USER not in told, told


@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY", "ALL_PROXY"])
def test_by_way_of_the_proxy(behind_proxy, proxy, master, variable):
    started = behind_proxy(**{"https_proxy": None, variable: WITH_PASSWORD})
    started.wait_log("report-ok", count=3)
    assert proxy.asked_for() == [f"CONNECT {NAME}:443 HTTP/1.1"], "one tunnel for all"
    assert f"http://{PROXY_ADDRESS}" in started.output(), "the start says that there is a proxy, and which"
    assert master.ips() == ["10.77.0.2"]


def test_past_the_proxy(agent, authority, nginx, dns, proxy):
    nginx()
    agent(MASTER_ENDPOINT=HTTPS, MASTER_CA_FILE=authority.file, https_proxy=WITH_PASSWORD, no_proxy=".test",
          **VARIABLES).wait_online()
    assert proxy.asked_for() == []


def test_a_plain_master_behind_the_proxy(behind_proxy, proxy, master):
    url = f"http://{MASTER_ADDRESS}:{master.port}"
    behind_proxy(MASTER_ENDPOINT=url, https_proxy=None, http_proxy=WITH_PASSWORD).wait_online()
    assert f"POST {url}/api/v1/master/nodes HTTP/1.1" in proxy.asked_for()


def test_a_proxy_that_refuses_the_password(behind_proxy, master):
    wrong = WITH_PASSWORD.replace(PROXY_USER, "robber")
    started = behind_proxy(https_proxy=wrong)
    failed = started.wait_log("register-failed")
    assert f"Registration failed: POST {HTTPS}/api/v1/master/nodes: cannot connect: the proxy answered 401 " \
        "(check the proxy's user and password); retrying in " in failed["MESSAGE"]
    assert "robber" not in started.output()
    assert master.requests() == []


def test_a_proxy_that_is_down_and_comes_back(behind_proxy, proxy):
    started = behind_proxy()
    started.wait_online()
    proxy.pause()
    behind_proxy.nginx.reload()  # which ends the tunnel's far end, that the proxy does not pass on now
    failed = started.wait_log("report-failed")
    assert "no response within the timeout" in failed["MESSAGE"]
    proxy.resume()
    started.wait_log("report-recovered", 6)


def test_a_proxy_that_cannot_reach_the_master(behind_proxy):
    behind_proxy.nginx.kill()
    started = behind_proxy()
    failed = started.wait_log("register-failed")
    assert ": cannot connect: the proxy answered 500; retrying in " in failed["MESSAGE"]
    behind_proxy.nginx.start()
    started.wait_online(15)


def test_no_proxy_there(behind_proxy, proxy):
    proxy.kill()
    failed = behind_proxy().wait_log("register-failed")
    assert ": cannot connect: the proxy http://" in failed["MESSAGE"]
    assert "(from https_proxy): Connection refused; retrying in " in failed["MESSAGE"]
