# SPDX-License-Identifier: MIT
"""The dev Master's bad days: rules that a test sets, and what each does to an answer.

A rule is a JSON object. `match` is "register", "report" or "any" request of the API, `times` how often it applies
(for ever without it); the first rule that matches wins. What it does:

  status, headers, body | body_base64   answers exactly this; the API is not asked, unless `apply` is true
  delay       seconds before the answer
  hang        never answers, until the client gives up or the rules are replaced
  close       drops the connection without an answer; "reset" does it with a TCP reset
  garbage     sends these bytes instead of HTTP and closes
  huge        pads the answer with white space to this many bytes
  cut         promises the whole body, sends this many bytes of it and closes
  trickle     seconds between the single bytes of the body

With `apply` true the API is asked and its answer is thrown away: so a lost answer is played.
"""

import base64
import select
import socket
import struct
import threading
import time
from dataclasses import dataclass, field

KNOWN = {"match", "times", "status", "headers", "body", "body_base64", "delay", "hang", "close", "garbage", "huge",
         "cut", "trickle", "apply"}


@dataclass
class Answer:
    status: int = 200
    headers: list = field(default_factory=list)
    body: bytes = b""


class Dropped(Exception):
    """The connection is to be closed: this rule sends no answer, or the client has gone."""


class Rules:
    def __init__(self):
        self._lock = threading.Lock()
        self._rules = []
        self._replaced = threading.Event()

    def replace(self, rules):
        """Also lets go of every request that an older rule holds."""
        for rule in rules:
            unknown = set(rule) - KNOWN
            if unknown:
                raise ValueError(f"unknown in a rule: {', '.join(sorted(unknown))}")
        with self._lock:
            self._rules = [dict(rule) for rule in rules]
            self._replaced.set()
            self._replaced = threading.Event()

    def remaining(self):
        with self._lock:
            return [dict(rule) for rule in self._rules]

    def take(self, kind):
        """The rule for this request, or None, and the event that ends its waits."""
        with self._lock:
            for rule in self._rules:
                if rule.get("match", "any") not in ("any", kind) or rule.get("times") == 0:
                    continue
                if "times" in rule:
                    rule["times"] -= 1
                return dict(rule), self._replaced
        return None, None


class Misdeed:
    """One rule applied to one request."""

    def __init__(self, rule, released, connection):
        self._rule = rule
        self._released = released
        self._connection = connection

    def make_answer(self, ask_api):
        """The answer to send; raises Dropped when there is none."""
        if "delay" in self._rule:
            self._wait(self._rule["delay"])
        scripted = {"status", "headers", "body", "body_base64"} & set(self._rule)
        silent = {"hang", "close", "garbage"} & set(self._rule)
        answer = Answer()
        if self._rule.get("apply") or not (scripted or silent):
            answer = ask_api()
        if silent:
            self._end_without_answer()
        if scripted:
            answer = self._scripted_answer()
        if "huge" in self._rule:
            answer.body = answer.body.ljust(self._rule["huge"])
        return answer

    def send_body(self, body, write):
        if "cut" in self._rule:
            write(body[:self._rule["cut"]])
            raise Dropped
        if "trickle" in self._rule:
            for at in range(len(body)):
                write(body[at:at + 1])
                self._wait(self._rule["trickle"])
        else:
            write(body)

    def _scripted_answer(self):
        body = base64.b64decode(self._rule["body_base64"]) if "body_base64" in self._rule \
            else self._rule.get("body", "").encode("utf-8", "surrogateescape")
        return Answer(self._rule.get("status", 200), list(self._rule.get("headers", {}).items()), body)

    def _end_without_answer(self):
        if self._rule.get("hang"):
            self._wait(float("inf"))
        if "garbage" in self._rule:
            self._connection.sendall(self._rule["garbage"].encode("utf-8", "surrogateescape"))
        if self._rule.get("close") == "reset":
            self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._connection.close()
        raise Dropped

    def _wait(self, seconds):
        """Ends early when the rules are replaced; raises Dropped when the client hangs up."""
        end = time.monotonic() + seconds
        poll = select.poll()
        poll.register(self._connection.fileno(), select.POLLRDHUP | select.POLLHUP | select.POLLERR)
        while (left := end - time.monotonic()) > 0:
            if poll.poll(0):
                raise Dropped
            if self._released.wait(min(left, 0.02)):
                return
