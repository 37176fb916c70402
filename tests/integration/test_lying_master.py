# SPDX-License-Identifier: MIT
"""What comes from the Master is no HTTP, or no end of it, or a lie: the agent lives, keeps its id, stays small and
quiet, and takes the next good answer."""

import gzip
import json
import os
import time
import unicodedata
import urllib.parse

import pytest

from support import proc
from support.agent import HOSTNAME
from support.liar import Liar, answer, forever, hold, node, trickle
from support.wait import wait_until

KINDS = {"register": "Reregister", "report": "Report"}
NODE = node("A1")
MEBIBYTE = 1024 * 1024


def is_shown_as_it_is(line):
    """No control character, line separator, bidi control or zero-width character."""
    return not any(unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp") for character in line)


class Victim:
    """An agent that is online at a Liar, and asks it when the test says so."""

    def __init__(self, agent, liar, client):
        self.agent = agent
        self.liar = liar
        self._client = client

    def ask(self, kind):
        """A registration or report now. Returns (None if it was accepted, else the error's words)."""
        [reply] = self._client.call_many(KINDS[kind], 1, 40)
        return reply.body[0] if reply.error_name else None

    def ask_a_liar(self, kind, data, closes=True):
        """Returns what ask() does, and sees that the next good answers bring the agent back, with its id."""
        self.liar.lie(kind, data, closes)
        refused = self.ask(kind)
        self.come_back()
        return refused

    def come_back(self):
        self.liar.tell_the_truth()
        # one under way with the lie may be shared
        wait_until(lambda: self.ask("register") is None and self.ask("report") is None, 20, "the agent is back")

    def stored_id(self):
        return json.loads(self.agent.node_json.read_bytes())["id"]

    def check_id_is_kept(self):
        assert self.stored_id() == "A1"
        assert self.liar.requests[-1].path.endswith("/A1/status")
        assert set(os.listdir(self.agent.folder)) == {"node.json", "health", ".lock"}

    def check_log(self, most_warnings):
        """Each lie is an outage of its own: it has one warning, and no control character comes through."""
        warnings = [entry for entry in self.agent.entries()
                    if entry["PRIORITY"] <= 4 and "REPORT_INTERVAL_SECONDS" not in entry["MESSAGE"]]  # a long one
        assert len(warnings) <= most_warnings, "\n".join(entry["MESSAGE"] for entry in warnings)
        assert all(len(line) < 4096 and is_shown_as_it_is(line) for line in self.agent.lines)

    def check_is_idle(self):
        """It does not spin: of half a second it uses less than a fifth."""
        before = proc.cpu_seconds(self.agent.pid)
        time.sleep(0.5)
        assert proc.cpu_seconds(self.agent.pid) - before <= 0.1

    def is_sanitized(self):
        """AddressSanitizer keeps what was freed for a while."""
        return "libasan" in proc.read(self.agent.pid, "maps")

    def forget_peak(self):
        with open(f"/proc/{self.agent.pid}/clear_refs", "w", encoding="ascii") as clear_refs:
            clear_refs.write("5")

    def peak(self):
        """The most memory in bytes since forget_peak()."""
        return proc.status(self.agent.pid, "VmHWM") * 1024


@pytest.fixture
def liar():
    made = Liar()
    yield made
    made.stop()


@pytest.fixture
def interval():
    return 86400


@pytest.fixture
def victim(liar, agent, bus, connect, interval):
    started = agent(MASTER_ENDPOINT=liar.url, REPORT_INTERVAL_SECONDS=interval, MASTER_TIMEOUT_SECONDS="1")
    started.wait_online()
    bus.wait_property("LastReportStatus", "success")
    return Victim(started, liar, connect(bus.address))


# ---- every status code ----


def expected(kind, status):
    """The contract's table: "ok", "refused" (said with the code), or "other"."""
    if status == 204:
        return "ok" if kind == "report" else "refused"
    if 200 <= status <= 299:
        return "ok"
    if 300 <= status <= 399 and status != 304:  # which is a cache's
        return "redirected"
    return "answered"


def bodiless(status):
    return status in (204, 304)


@pytest.mark.parametrize("kind", KINDS)
def test_every_status_code(victim, liar, kind):
    for status in [*range(200, 600), 600, 666, 700, 999]:
        before = len(liar.requests)
        body = b"" if bodiless(status) else NODE
        data = answer(status, body, "Location: http://192.0.2.1/elsewhere", "Retry-After: 1")
        refused = victim.ask_a_liar(kind, data, closes=bodiless(status))

        wanted = expected(kind, status)
        if wanted == "ok":
            assert refused is None, status
        else:
            assert str(status) in refused and (wanted != "redirected" or "192.0.2.1/elsewhere" in refused)

        # what it asked: the lie once, then the truth; one refusal takes no id away
        asked = [(request.kind, request.body.get("id")) for request in liar.requests[before:]]
        if kind == "register" and status in (404, 409, 410):
            assert asked[0] == ("register", "A1") and ("register", None) not in asked, status
        elif kind == "report" and status in (404, 410):
            assert [kind for kind, _ in asked[:3]] == ["report", "register", "report"], status
        elif kind == "report" and wanted != "ok":
            assert [kind for kind, _ in asked[:2]] == ["report", "register"], status
        assert victim.stored_id() == "A1"

    victim.check_id_is_kept()
    victim.check_log(404 * 2)
    victim.check_is_idle()


@pytest.mark.parametrize("kind", KINDS)
def test_interim_answers_are_waited_through(victim, kind):
    for status in [100, *range(102, 200)]:
        truth = answer(200, NODE)
        assert victim.ask_a_liar(kind, f"HTTP/1.1 {status} Wait\r\nX: y\r\n\r\n".encode() + truth) is None, status
    victim.check_id_is_kept()


# ---- no HTTP, or broken HTTP ----

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def with_length(*lengths):
    return HEAD + b"".join(b"Content-Length: " + length + b"\r\n" for length in lengths) + b"\r\n" + NODE


BROKEN = {
    "nothing": b"",
    "NULs": bytes(4096),
    "all bytes": bytes(range(256)) * 64,
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(512),
    "HTTP 0.9": NODE,
    "HTTP 2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]),
    "HTTP 2 frames": bytes([0, 0, 18, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100]),
    "an unknown version": b"HTTP/7.3 200 OK\r\n\r\n" + NODE,
    "status 0": b"HTTP/1.1 0 None\r\nContent-Length: 0\r\n\r\n",
    "status 000": b"HTTP/1.1 000 None\r\nContent-Length: 0\r\n\r\n",
    "status -200": b"HTTP/1.1 -200 OK\r\n\r\n" + NODE,
    "no status": b"HTTP/1.1\r\n\r\n" + NODE,
    "a status of words": b"HTTP/1.1 OK 200\r\n\r\n" + NODE,
    "a head without an end": HEAD + b"Content-Type: application/json",
    "a NUL in the head": HEAD + b"X-Null: a\0b\r\nContent-Length: 5000\r\n\r\n" + NODE,
    "a folded head": HEAD + b" folded: at once\r\n\tagain\r\nContent-Length: 5000\r\n\r\n" + NODE,
    "cut short": answer(200, NODE)[:-1],
    "a length too long": with_length(b"%d" % (len(NODE) + 1)),
    "a length too short": with_length(b"%d" % (len(NODE) - 1)),
    "a negative length": with_length(b"-1"),
    "a huge length": with_length(b"9223372036854775807"),
    "a length beyond 64 bits": with_length(b"18446744073709551617"),
    "a length of words": with_length(b"plenty") + b"}",
    "two lengths": with_length(b"%d" % (len(NODE) + 100), b"%d" % (len(NODE) + 200)),
    "a chunk of no number": CHUNKED + b"zz\r\n" + NODE,
    "a negative chunk": CHUNKED + b"-5\r\n" + NODE,
    "a chunk of 2^64": CHUNKED + b"10000000000000000\r\n" + NODE,
    "a chunk cut short": CHUNKED + b"fff\r\n" + NODE,
    "no last chunk": CHUNKED + b"%x\r\n" % len(NODE) + NODE + b"\r\n",
    "chunks without ends": CHUNKED + b"2\r\n{}2\r\n{}",
    "gzip": answer(200, gzip.compress(NODE), "Content-Encoding: gzip"),
    "a gzip bomb": answer(200, gzip.compress(NODE.ljust(256 * MEBIBYTE)), "Content-Encoding: gzip"),
    "an unknown encoding": CHUNKED.replace(b"chunked", b"rot13, chunked") + b"5\r\nuryyb\r\n0\r\n\r\n",
    "an upgrade": b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n" + bytes(1000),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN.keys())
def test_broken_http(victim, data):
    for kind in KINDS:
        assert victim.ask_a_liar(kind, data), f"taken as the answer to a {kind}"
    victim.check_id_is_kept()
    victim.check_log(2)
    victim.check_is_idle()


GOOD = {
    "chunked": CHUNKED + b"".join(b"%x;x=y\r\n%c\r\n" % (1, byte) for byte in NODE) + b"0\r\nTrailer: x\r\n\r\n",
    "until the connection ends": HEAD + b"\r\n" + NODE,
    "HTTP 1.0": b"HTTP/1.0 200 OK\r\n\r\n" + NODE,
    "no reason": b"HTTP/1.1 200\r\nContent-Length: %d\r\n\r\n" % len(NODE) + NODE,
    "bare line feeds": b"HTTP/1.1 200 OK\nContent-Length: %d\n\n" % len(NODE) + NODE,
    "more than was promised": answer(200, NODE) + b"HTTP/1.1 500 smuggled\r\nContent-Length: 0\r\n\r\n",
}


def test_odd_but_good_http(victim):
    for name, data in GOOD.items():
        for kind in KINDS:
            assert victim.ask_a_liar(kind, data) is None, name
    victim.check_id_is_kept()


def test_a_body_on_204(victim):
    data = b"HTTP/1.1 204 No Content\r\nContent-Length: %d\r\n\r\n" % len(NODE) + NODE
    assert victim.ask_a_liar("report", data) is None
    assert victim.ask_a_liar("register", data), "204 is no answer to a registration"
    # what follows on a connection that is kept must not become the next answer
    assert victim.ask_a_liar("report", data.replace(b"A1", b"B2"), closes=False) is None
    victim.check_id_is_kept()


FRAMED = {"length": answer(200, NODE), "chunked": CHUNKED + b"%x\r\n" % len(NODE) + NODE + b"\r\n0\r\n\r\n",
          "closed": HEAD + b"\r\n" + NODE}


@pytest.mark.parametrize("data", FRAMED.values(), ids=FRAMED.keys())
def test_closed_at_every_byte_of_a_good_answer(victim, liar, data):
    for size in range(len(data)):
        for kind in KINDS:
            liar.lie(kind, data[:size])
            # the blank line behind the last chunk tells nothing that was not known
            assert victim.ask(kind) or size > len(data) - 3 and b"chunked" in data, data[:size]
            victim.come_back()  # and the report behind the registration is over: the next lie does not share its answer
    victim.check_id_is_kept()
    victim.check_is_idle()


# ---- no end ----

FILLER = b"x" * 1024
ENDLESS = {
    "body": forever(HEAD + b"\r\n", FILLER),
    "body of gigabytes": forever(HEAD + b"Content-Length: 9000000000\r\n\r\n", FILLER),
    "chunks": forever(CHUNKED, b"400\r\n" + FILLER + b"\r\n"),
    "tiny chunks": forever(CHUNKED, b"1\r\n{\r\n"),
    "chunk extension": forever(CHUNKED + b"1;", FILLER),
    "chunk size": forever(CHUNKED, b"0" * 1024),
    "trailer": forever(CHUNKED + b"0\r\n", b"X-Trailer: y\r\n"),
    "status line": forever(b"HTTP/1.1 200 ", FILLER),
    "header line": forever(HEAD + b"X-Long: ", FILLER),
    "header lines": forever(HEAD, b"X-Header: y\r\n"),
    "headers of different names": forever(HEAD, b"".join(b"X-%d: y\r\n" % number for number in range(100_000))),
    "folded header": forever(HEAD + b"X-Folded: y\r\n", b" y\r\n"),
    "interim answers": forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "hints": forever(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"),
    "204": forever(b"HTTP/1.1 204 No Content\r\n\r\n", FILLER),
    "garbage": forever(b"", bytes(range(256))),
    "white space": forever(b"", b"\r\n"),
    "words of a refusal": forever(b"HTTP/1.1 500 Never mind\r\n\r\n", FILLER),
}


@pytest.mark.parametrize("data", ENDLESS.values(), ids=ENDLESS.keys())
def test_an_endless_answer_is_cut_off(victim, liar, data, request):
    before = victim.agent.rss()
    for kind in KINDS:
        victim.forget_peak()
        asked = time.monotonic()
        liar.lie(kind, data)
        refused = victim.ask(kind)
        took = time.monotonic() - asked
        grown = victim.peak() - before
        print(f"{request.node.callspec.id}, {kind}: {took:.2f} s, {grown / MEBIBYTE:.1f} MiB more, {refused}")
        assert refused or "204" in request.node.name and kind == "report"
        assert took < 5, "one try has a second"
        assert "cannot send the request" not in str(refused), "it was sent"
        assert grown < (256 if victim.is_sanitized() else 16) * MEBIBYTE
        victim.come_back()
    victim.check_id_is_kept()
    victim.check_log(2)
    victim.check_is_idle()


SLOW = {"a byte at a time": trickle(answer(200, NODE), 0.05), "half an answer": hold(answer(200, NODE)[:-1]),
        "a head": hold(HEAD + b"Content-Length: 2\r\n\r\n"), "nothing": hold(b""),
        "an interim answer": hold(b"HTTP/1.1 100 Continue\r\n\r\n")}


@pytest.mark.parametrize("data", SLOW.values(), ids=SLOW.keys())
def test_an_answer_that_does_not_come_ends_with_the_try(victim, liar, data):
    for kind in KINDS:
        liar.lie(kind, data)
        asked = time.monotonic()
        assert "time" in victim.ask(kind)
        assert 0.8 < time.monotonic() - asked < 4
        last = liar.requests[-1].connection
        victim.come_back()
        assert liar.requests[-1].connection > last, "a fresh connection"
    victim.check_id_is_kept()
    victim.check_is_idle()


# ---- node objects ----


def with_id(text):
    return b'{"name": "dev-alice-web01", "id": ' + text + b"}"


TAKEN = {"path": with_id(b'"../../../etc/cron.d/x"'), "slashes": with_id(b'"/"'), "dots": with_id(b'".."'),
         "query": with_id(b'"a?b=c#d%2f&e"'), "blanks": with_id(b'"  "'),
         "quotes": with_id(b'"\\"\\\\ $(id) `id` %s%n"'),
         "emoji": with_id('"\U0001f480"'.encode()),
         "255 bytes": with_id(b'"%s"' % (b"x" * 255)), "0": with_id(b"0"), "-0": with_id(b"-0"),
         "2^64": with_id(b"18446744073709551616"), "100 digits": with_id(b"1" * 100),
         "twice": b'{"id": "first", "name": "dev-alice-web01", "id": "last"}',
         "deep": with_id(b'"D1", "x": ' + b"[" * 500 + b"]" * 500),
         "a mebibyte": with_id(b'"M1"').ljust(MEBIBYTE)}


def test_hostile_ids_that_are_ids(victim, liar):
    """They are taken as they are, and lead nowhere: not in the request's path, not on the disk, not on the bus."""
    for name, body in TAKEN.items():
        node_id = str(json.loads(body.replace(b"-0", b'"-0"'))["id"])
        liar.lie("register", answer(200, body), closes=False)
        assert victim.ask("register") is None, name
        assert victim.agent.node_json.read_bytes() == body, name
        assert victim.ask("report") is None, name
        path = liar.requests[-1].path
        assert path.count("/") == 6 and urllib.parse.unquote(path.split("/")[5]) == node_id, path
        assert path.split("/")[5] not in (".", ".."), path
    liar.lie("register", answer(200, NODE), closes=False)
    assert victim.ask("register") is None and victim.ask("report") is None
    victim.check_id_is_kept()
    victim.check_log(len(TAKEN) + 1)
    assert sorted(os.listdir(victim.agent.folder.parent)) == [HOSTNAME]


REFUSED = {"10 MB": with_id(b'"%s"' % (b"x" * 10_000_000)), "256 bytes": with_id(b'"%s"' % (b"x" * 256)),
           "empty": with_id(b'""'), "NUL": with_id(b'"A1\\u0000"'), "raw NUL": with_id(b'"A1\0"'),
           "escape": with_id(b'"\\u001b[2J"'), "raw escape": with_id(b'"\x1b[2J"'), "newline": with_id(b'"A1\\nB2"'),
           "bidi": with_id('"\u202eA1\u2066"'.encode()), "a line separator": with_id(b'"A1\\u2028"'),
           "zero width": with_id(b'"A\\u200b1"'), "a noncharacter": with_id(b'"A1\\uffff"'), "C1": with_id('"\u009b31m"'.encode()), "DEL": with_id(b'"\\u007f"'), "half a pair": with_id(b'"\\udfff"'),
           "a pair the wrong way round": with_id(b'"\\ude00\\ud83d"'), "surrogate in UTF-8": with_id(b'"\xed\xa0\x80"'),
           "overlong": with_id(b'"\xc0\xaf"'), "Latin-1": with_id(b'"\xe9"'), "1.0": with_id(b"1.0"),
           "1e400": with_id(b"1e400"), "1e2": with_id(b"1e2"), "-": with_id(b"-"), "+1": with_id(b"+1"),
           "0x10": with_id(b"0x10"), "NaN": with_id(b"NaN"), "twice, then null": b'{"id": "A1", "id": null}',
           "inside only": b'{"meta_data": {"id": "A1"}, "nodes": [{"id": "A1"}]}', "a list": b'[{"id": "A1"}]',
           "two objects": b'{"id": "A1"}{"id": "A1"}', "BOM": b"\xef\xbb\xbf" + NODE,
           "UTF-16": NODE.decode().encode("utf-16"), "UTF-32": NODE.decode().encode("utf-32"),
           "too deep": with_id(b'"A1", "x": ' + b"[" * 100_000 + b"]" * 100_000),
           "deep without an end": b'{"id": "A1", "x": ' + b'[{"x":' * 100_000, "a comment": b"/**/" + NODE,
           "a byte over a mebibyte": with_id(b'"A1"').ljust(MEBIBYTE + 1)}


def test_node_objects_that_are_none(victim, liar):
    for name, body in REFUSED.items():
        for kind in KINDS:
            before = victim.agent.node_json.read_bytes()
            liar.lie(kind, answer(200, body))
            assert victim.ask(kind), f"{name} was taken as the answer to a {kind}"
            assert victim.agent.node_json.read_bytes() == before, name
            victim.come_back()
    victim.check_id_is_kept()
    victim.check_log(len(REFUSED) * len(KINDS))
    victim.check_is_idle()


def test_a_reports_answer_with_another_id(victim, liar):
    for body in (node("A2"), node("a1"), node("A1 "), node("A"), node(1), node("../A1"), b'{"id": "A1", "id": "A2"}'):
        liar.lie("report", answer(200, body))
        assert "another node" in victim.ask("report"), body
        victim.come_back()
    assert victim.ask_a_liar("report", answer(200, b'{"id": "\\u0041\\u0031"}')) is None, "the same, written otherwise"
    victim.check_id_is_kept()


# ---- words ----

HOUR = 3600
# the wish that is understood, in seconds
RETRY_AFTER = {"7": 7, "0": 0, "": 0, "-1": 0, "3600": HOUR, "86400": HOUR, "9" * 26: HOUR, "Fri, 31 Dec 9999 23:59:59 GMT": HOUR,
               "Thu, 01 Jan 1970 00:00:00 GMT": 0, "Fri, 99 Foo 2026 99:99:99 GMT": 0, "soon": 0, "0x10": 0,
               "1.5": 0, "1e9": 0, "\x1b[2J": 0, "700\r\nRetry-After: 9": 9}


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("interval", [600])
def test_all_odd_forms_of_retry_after(victim, liar, status, interval):
    """The next try is the first regular one behind the wish, of an hour at most; nonsense is no wish."""
    for text, wish in RETRY_AFTER.items():
        liar.lie("report", answer(status, b"", "Retry-After: " + text), closes=False)
        assert str(status) in victim.ask("report")
        pause = int(victim.agent.entries("report-failed")[-1]["ARGUS_RETRY_USEC"]) / 1e6
        assert wish - 1 <= pause <= wish + interval + 1, text
        victim.come_back()
    victim.check_is_idle()


def test_hostile_bytes_stay_out_of_the_log(victim, liar, agent, state_root):
    """On a terminal and in the journal: no escape, and no line that the agent did not write."""
    hostile = b"\x1b]0;owned\x07\x1b[31m\r\n<0>fake: a line\n\xe2\x80\xa8\x00\xc2\x9b31m" \
              b'"}\n{"MESSAGE": "injected"}'
    header = b"\x1b[31m\x9b" + b"y" * 300
    for kind in KINDS:
        victim.ask_a_liar(kind, answer(400, hostile))
        victim.ask_a_liar(kind, b"HTTP/1.1 302 " + hostile[:8] + b"\r\nLocation: http://" + header + b"\r\n\r\n")
        victim.ask_a_liar(kind, b"HTTP/1.1 200 OK\r\nContent-Length: " + header + b"\r\n\r\n" + hostile)
    victim.check_log(6)
    assert not [entry for entry in victim.agent.entries() if entry["MESSAGE"] == "injected"]

    liar.lie("register", answer(400, hostile))
    other = agent(MASTER_ENDPOINT=liar.url, AGENT_BUS="none", AGENT_LOG_TARGET="console",
                  AGENT_HOSTNAME="dev-bob-web02")
    line = other.wait_line("400")
    assert "fake: a line" in line
    assert all(is_shown_as_it_is(shown) for shown in other.lines), other.output()
