"""Secrets never show, also not where libcurl or the Master repeats them."""


import pytest

from support.bus import BusError

PASSWORD = "Tr0ub4dor&3"
TOKEN = "s3cr3t-Wq8.kf93hG_0123456789"
SHOWN_MAX = 256  # bytes of foreign words
FILLER = "~"  # what no message holds but by the answer


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
        assert FILLER * 100 in output, "the Master's words are shown"
        assert_hidden(TOKEN, output)


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES.keys())
def test_a_token_that_is_cut_everywhere(agent, master, bus, notify, token_file, echo):
    master.behave({"match": "any"} | echo(14))
    started = agent(MASTER_TOKEN_FILE=token_file, AGENT_LOG_LEVEL="debug", NOTIFY_SOCKET=notify.path)
    started.wait_log("register-failed")
    words = all_words(started, notify, bus)
    assert_hidden(TOKEN, words)
    assert FILLER * 100 in bus.get("LastReportError") and FILLER * 100 in notify.last("STATUS")


def test_a_long_proxy_address(run_agent):
    """libcurl cuts its error at 255 bytes: the whole value is not in it, but the password is."""
    status, output = run_agent("--once", MASTER_ENDPOINT="http://master.example:3000",
                               http_proxy=f"http://user:{PASSWORD}@{'x' * 300}:99999")
    assert status == 1
    assert_hidden(PASSWORD, output)


@pytest.mark.parametrize("written", ["\\/", "\\u002f"])
def test_a_token_that_is_escaped_in_json(run_agent, master, tmp_path, written):
    """As PHP, say, writes a slash; base64 has them."""
    token = "s3cr3t/Wq8kf93hG0123456789="
    (tmp_path / "token").write_text(token)
    master.behave({"match": "register", "status": 403,
                   "body": '{"message": "no such token: ' + token.replace("/", written) + '"}'})
    status, output = run_agent("--once", MASTER_TOKEN_FILE=tmp_path / "token")
    assert status == 1
    assert_hidden(token, output)
