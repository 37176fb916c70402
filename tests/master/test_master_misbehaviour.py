# SPDX-License-Identifier: MIT
"""The dev Master misbehaves exactly as told, and writes down what it saw."""

import socket
import time
from threading import Thread

import pytest
import requests

from support.wait import wait_until

RAW = b'{ "id" :"A1",\t"big": 18446744073709551615, "price": 1.10, "name": "caf\\u00e9 \xff" }\n'


def test_an_answer_is_sent_byte_for_byte(master):
    master.behave({"match": "register", "status": 201, "raw": RAW, "times": 1})
    answer = master.register()
    assert (answer.status_code, answer.content) == (201, RAW)
    assert master.register().json()["id"] == "A1"


def test_status_headers_and_times(master):
    master.behave({"match": "report", "status": 503, "headers": {"Retry-After": "7"}, "body": "busy", "times": 2})
    master.register()
    answers = [master.report("A1") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert (answers[0].headers["Retry-After"], answers[0].text) == ("7", "busy")


def test_the_first_matching_rule_wins_until_it_is_used_up(master):
    master.behave({"match": "any", "status": 500, "times": 1}, {"match": "any", "status": 429})
    assert [master.register().status_code for _ in range(2)] == [500, 429]


@pytest.mark.parametrize("rule", [{"close": True}, {"close": "reset"}, {"garbage": "SSH-2.0-x\r\n"}])
def test_no_answer(master, rule):
    master.behave({"match": "register", "times": 1, **rule})
    with pytest.raises(requests.RequestException):
        requests.post(master.nodes_url, json={"name": "x"}, timeout=10)
    assert requests.post(master.nodes_url, json={"name": "x"}, timeout=10).ok


def test_an_answer_that_breaks_off(master):
    master.behave({"match": "register", "cut": 10})
    answer = master.register()
    assert len(answer.content) == 10 < int(answer.headers["Content-Length"])


def test_a_lost_answer_is_still_applied(master):
    master.behave({"match": "register", "close": True, "apply": True, "times": 1})
    with pytest.raises(requests.RequestException):
        requests.post(master.nodes_url, json={"name": "x"}, timeout=10)
    assert requests.post(master.nodes_url, json={"name": "x"}, timeout=10).status_code == 200


def test_delay_huge_and_trickle(master):
    master.behave({"delay": 0.3, "times": 1}, {"huge": 2_000_000, "times": 1}, {"trickle": 0.002, "times": 1})
    started = time.monotonic()
    assert master.register().json()["id"] == "A1"
    assert time.monotonic() - started >= 0.3
    big = master.register()
    assert len(big.content) == 2_000_000 and big.json()["id"] == "A1"
    started = time.monotonic()
    slow = master.register()
    assert slow.json()["id"] == "A1"
    assert time.monotonic() - started >= 0.002 * len(slow.content)


def test_a_hanging_request_is_in_the_journal_and_ends_with_the_rule(master):
    master.behave({"match": "register", "hang": True})
    outcome = []

    def register():
        try:
            requests.post(master.nodes_url, json={"name": "x"}, timeout=20)
        except requests.RequestException as error:
            outcome.append(error)

    thread = Thread(target=register)
    thread.start()
    wait_until(lambda: len(master.requests()) == 1)
    assert master.requests()[0]["answered"] is None
    master.behave()
    thread.join(5)
    assert outcome and master.requests()[0]["answered"]


def test_a_hanging_request_ends_with_its_client(master):
    master.behave({"hang": True})
    with socket.create_connection(("127.0.0.1", master.port)) as client:
        client.sendall(b"POST /api/v1/master/nodes HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        wait_until(lambda: len(master.requests()) == 1)
    wait_until(lambda: master.requests()[0]["answered"])


def test_the_journal_shows_what_was_sent(master):
    body = '{"timestamp":"é", "health":{"a-b":1.10}}'.encode()
    requests.put(f"{master.nodes_url}/A%2F1/status", data=body, headers={"X-Test": "yes"}, timeout=10)
    [entry] = master.requests()
    assert (entry["kind"], entry["method"], entry["status"]) == ("report", "PUT", 404)
    assert entry["path"] == "/api/v1/master/nodes/A%2F1/status"
    assert entry["body"] == body.decode()
    assert ["X-Test", "yes"] in entry["headers"]
    assert abs(entry["wall"] - time.time()) < 5 and abs(entry["monotonic"] - time.monotonic()) < 5
    master.clear_requests()
    assert master.requests() == []


def test_forgetting(master):
    master.register()
    master.register("dev-bob-db01")
    master.forget("A1")
    assert [master.report("A1").status_code, master.report("A2").status_code] == [404, 200]
    master.forget()
    assert master.report("A2").status_code == 404
    assert master.register().json()["id"] == "A3"  # an id never comes back as another node's


def test_a_rule_with_a_typing_error_is_refused(master):
    answer = requests.post(f"{master.url}/test/behave", json=[{"mach": "any"}], timeout=10)
    assert answer.status_code == 400 and "mach" in answer.json()["error"]
