# SPDX-License-Identifier: MIT
"""Secrets never show, also not where libcurl or the Master repeats them."""

import html
import json
import urllib.parse

import pytest

from support.bus import BusError

PASSWORD = "Tr0ub4dor&3"
TOKEN = "s3cr3t-Wq8.kf93hG_0123456789"
SHOWN_MAX = 256  # bytes of foreign words
FILLER = "~"  # what no message holds but by the answer
WITHHELD = "its words are withheld: they repeat the token"
ODD_TOKEN = 's3cr3t+Wq8/kf9=3hG&012<345"678'


@pytest.fixture
def token_file(tmp_path):
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n")
    return path


def assert_hidden(secret, text):
    """Not even in part."""
    for at in range(len(secret) - 5):
        assert secret[at:at + 6] not in text, text


def all_words(started, notify, bus):
    """All that the outside sees of an agent whose tries fail."""
    bus.wait_property("ConsecutiveFailures", lambda count: count > 0)
    with pytest.raises(BusError) as refusal:
        bus.call("Report")
    notify.wait("STATUS", count=2)
    return "\n".join([started.output(), str(bus.get_all()), str(refusal.value),
                      *(note.fields["STATUS"] for note in notify.all("STATUS"))])


@pytest.mark.parametrize("variable,scheme", [("http_proxy", "http"), ("all_proxy", "http"), ("https_proxy", "https")])
@pytest.mark.parametrize("proxy", [f"http://user:{PASSWORD}@at@127.0.0.1:1", f"http://user:{PASSWORD}@127.0.0.1:99999",
                                   f"ftp://user:{PASSWORD}@127.0.0.1:1", f"http://user:{PASSWORD}@[::1"])
def test_a_proxy_that_cannot_be_used(run_agent, variable, scheme, proxy):
    status, output = run_agent("--once", MASTER_ENDPOINT=f"{scheme}://master.example:3000", AGENT_LOG_LEVEL="debug",
                               **{variable: proxy})
    assert status == 1
    assert_hidden(PASSWORD, output)
    assert variable in output.splitlines()[-2], "what is wrong is named"


def test_a_proxy_that_cannot_be_used_everywhere(agent, bus, notify):
    started = agent(MASTER_ENDPOINT="http://master.example:3000", AGENT_LOG_LEVEL="debug", NOTIFY_SOCKET=notify.path,
                    http_proxy=f"http://user:{PASSWORD}@at@127.0.0.1:1")
    started.wait_log("register-failed")
    words = all_words(started, notify, bus)
    assert_hidden(PASSWORD, words)
    assert "http_proxy" in notify.last("STATUS") and "http_proxy" in bus.get("LastReportError")


def echo_in_body(cut):
    """The token begins `cut` bytes before the end of what is shown."""
    return {"status": 200, "body": FILLER * (SHOWN_MAX - cut) + TOKEN + FILLER * 100}


def echo_in_location(cut):
    address = "http://idp.example/"
    return {"status": 302,
            "headers": {"Location": address + FILLER * (SHOWN_MAX - cut - len(address)) + TOKEN + FILLER * 50}}


ECHOES = {"body": echo_in_body, "location": echo_in_location}


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES.keys())
@pytest.mark.parametrize("kind", ["register", "report"])
def test_a_token_that_is_cut(run_agent, master, token_file, kind, echo):
    for cut in range(6, len(TOKEN) + 6, 3):
        master.behave({"match": kind} | echo(cut))
        status, output = run_agent("--once", MASTER_TOKEN_FILE=token_file, AGENT_LOG_LEVEL="debug")
        assert status == 1
        assert WITHHELD in output and FILLER not in output
        assert_hidden(TOKEN, output)


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES.keys())
def test_a_token_that_is_cut_everywhere(agent, master, bus, notify, token_file, echo):
    master.behave({"match": "any"} | echo(14))
    started = agent(MASTER_TOKEN_FILE=token_file, AGENT_LOG_LEVEL="debug", NOTIFY_SOCKET=notify.path)
    started.wait_log("register-failed")
    words = all_words(started, notify, bus)
    assert_hidden(TOKEN, words)
    assert WITHHELD in bus.get("LastReportError") and WITHHELD in notify.last("STATUS")


def test_a_long_proxy_address(run_agent):
    """libcurl cuts its error at 255 bytes: the whole value is not in it, but the password is."""
    status, output = run_agent("--once", MASTER_ENDPOINT="http://master.example:3000",
                               http_proxy=f"http://user:{PASSWORD}@{'x' * 300}:99999")
    assert status == 1
    assert_hidden(PASSWORD, output)


def json_units(text):
    return "".join(f"\\u{ord(character):04X}" if character in '+/=&<"' else character for character in text)


def each(form):
    return lambda text: "".join(form % ord(character) for character in text)


SPELLINGS = {
    "plain": str, "JSON": lambda text: json.dumps(text)[1:-1], "JSON of PHP": lambda text: json_units(text).lower(),
    "JSON units": json_units, "HTML": html.escape, "HTML decimal": each("&#%d;"), "HTML hexadecimal": each("&#x%X;"),
    "HTML names": lambda text: html.escape(text).replace("+", "&plus;").replace("=", "&equals;").replace("/", "&sol;"),
    "percent": lambda text: urllib.parse.quote(text, safe=""), "every byte in percent": each("%%%02X"),
    "percent twice": lambda text: urllib.parse.quote(urllib.parse.quote(text, safe=""), safe=""),
    "HTML in JSON": lambda text: json_units(html.escape(text)), "percent in HTML": lambda text: each("&#%d;")(
        urllib.parse.quote(text, safe="")), "its first half": lambda text: text[:15], "its second half": lambda text: text[15:],
    "in lines": lambda text: " ".join(text[at:at + 4] for at in range(0, len(text), 4))}


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_a_token_that_is_spelled_otherwise(agent, master, bus, notify, tmp_path, spell):
    """In a body, an error object, a page's title and a Location: in no form and in no place can it be read."""
    (tmp_path / "token").write_text(ODD_TOKEN)
    spelled = spell(ODD_TOKEN)
    inside_json = spelled if "\\" in spelled else json.dumps(spelled)[1:-1]
    answers = [{"status": 400, "body": f"no such token: {spelled}"}, {"status": 403, "body": f'{{"error": "{inside_json}"}}'},
               {"status": 500, "body": f"<html><title>no token {spelled}</title>"}, {"status": 200, "body": f"what: {spelled}"},
               {"status": 200, "body": f'{{"ID": "{inside_json}"}}'}]
    if " " not in spelled and '"' not in spelled:
        answers.append({"status": 302, "headers": {"Location": f"http://idp.example/?t={spelled}"}})
    master.behave({"match": "any"} | answers[0])
    started = agent(MASTER_TOKEN_FILE=tmp_path / "token", AGENT_LOG_LEVEL="debug", NOTIFY_SOCKET=notify.path)
    started.wait_log("register-failed")
    for answer in answers:
        master.behave({"match": "any"} | answer)
        with pytest.raises(BusError) as refusal:
            bus.call("Reregister")
        assert str(answer["status"]) in str(refusal.value) and WITHHELD in str(refusal.value), str(refusal.value)
    words = all_words(started, notify, bus)
    for form in (spelled, html.unescape(spelled), urllib.parse.unquote(spelled)):
        assert_hidden(form, words)


def test_a_token_as_the_nodes_id(run_agent, master, token_file):
    """An id is shown to everybody."""
    master.behave({"match": "register", "status": 200, "body": json.dumps({"id": f"node-{TOKEN}"})})
    status, output = run_agent("--once", MASTER_TOKEN_FILE=token_file, AGENT_LOG_LEVEL="debug")
    assert status == 1 and "its id repeats the token" in output
    assert_hidden(TOKEN, output)
