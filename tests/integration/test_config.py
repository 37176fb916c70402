# SPDX-License-Identifier: MIT
"""The environment: what is wrong is said all in one go, and no secret is ever shown."""

import pytest

from support.certificates import Authority

SECRET = "s3cr3t-Wq8"
# variable -> values that are wrong
WRONG = {
    "MASTER_ENDPOINT": ["", "ftp://host:3000", "http://", "http://host:0", "http://host:99999", "http://host:x",
                        "http://ho st:3000", "host:3000?x=1", "http://host:3000/#a", "http://::1:3000", "://host",
                        "http://host:3000\nX: y"],
    "REPORT_INTERVAL_SECONDS": ["0", "-1", "1.5", "abc", "60s", "0x10", " 60", "60 ", "+60", "4294967296",
                                "99999999999999999999", "\u0663"],
    "AGENT_HOSTNAME": ["", ".", "..", "a/b", "a-b-c/../d", "x" * 254, "a b-c-d", "dev-alice-wéb", "a\nb-c-d"],
    "AGENT_ADDRESS": ["localhost", "10.0.0", "10.0.0.256", "10.0.0.1/24", "[::1]", "fe80::1%eth0x", "1.2.3.4:80"],
    "AGENT_STATE_ROOT": ["relative/path", "."],
    "AGENT_HEALTH_MAX_AGE_SECONDS": ["-1", "1.5", "soon"],
    "AGENT_REPORT_ON_CHANGE": ["maybe", "2"],
    "MASTER_TIMEOUT_SECONDS": ["0", "61", "x", "-1"],
    "AGENT_BUS": ["session", "systems", "none "],
    "AGENT_LOG_LEVEL": ["verbose", "7", "warn"],
    "AGENT_LOG_TARGET": ["syslog", "stderr", "jsonl"],
}
DEFAULTS = {"MASTER_ENDPOINT": "http://127.0.0.1:9", "AGENT_LOG_TARGET": "console"}


def wrong_lines(output, variable):
    return [line for line in output.splitlines() if variable in line]


@pytest.mark.parametrize("variable,value", [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_value_stops_the_start(run_agent, variable, value):
    status, output = run_agent(**(DEFAULTS | {variable: value}))
    assert status == 78, output
    [line] = wrong_lines(output, variable)
    # what may hold a secret is not shown, what is no ASCII is escaped, what is long is cut
    if value.isascii() and not any(secret_place in value for secret_place in "?#"):
        assert value.split("\n")[0][:32] in line


def test_the_endpoint_is_required(run_agent):
    status, output = run_agent(AGENT_LOG_TARGET="console")
    assert status == 78
    assert len(wrong_lines(output, "MASTER_ENDPOINT")) == 1


def test_all_errors_in_one_go(run_agent, state_root):
    wrong = {name: values[-1] if name == "MASTER_TIMEOUT_SECONDS" else values[0] for name, values in WRONG.items()
             if name != "AGENT_LOG_TARGET"}
    status, output = run_agent(**(DEFAULTS | wrong))
    assert status == 78
    for name in wrong:
        assert len(wrong_lines(output, name)) == 1, f"{name} in\n{output}"
    assert list(state_root.iterdir()) == []


def test_what_is_accepted_is_said(run_agent):
    _, output = run_agent(**(DEFAULTS | {"AGENT_BUS": "x", "AGENT_LOG_LEVEL": "x", "REPORT_INTERVAL_SECONDS": "x"}))
    [bus] = wrong_lines(output, "AGENT_BUS")
    for word in ("system", "user", "none"):
        assert word in bus
    [level] = wrong_lines(output, "AGENT_LOG_LEVEL")
    for word in ("err", "warning", "notice", "info", "debug"):
        assert word in level
    [interval] = wrong_lines(output, "REPORT_INTERVAL_SECONDS")
    assert "4294967295" in interval


def test_a_question_ends_with_one_mark(run_agent):
    _, output = run_agent(AGENT_LOG_TARGET="console", MASTER_ENDPONT="http://127.0.0.1:9")
    assert "did you mean MASTER_ENDPOINT?" in output and "?." not in output


def test_errors_are_events_too(agent):
    started = agent(MASTER_ENDPOINT="ftp://x", AGENT_BUS="x")
    assert started.wait_exit() == 78
    entries = started.entries("config-invalid")
    assert len(entries) == 2, started.output()
    assert {"MASTER_ENDPOINT", "AGENT_BUS"} == {name for entry in entries for name in DEFAULTS | {"AGENT_BUS": ""}
                                                if name in entry["MESSAGE"]}


@pytest.mark.parametrize("endpoint", [f"http://user:{SECRET}@127.0.0.1:9", f"user:{SECRET}@127.0.0.1:9",
                                      f"https://{SECRET}@host", f"http://ok:1,http://u:{SECRET}@127.0.0.1:9",
                                      f"ftp://user:{SECRET}@host", f"http://u:{SECRET}@127.0.0.1:99999"])
@pytest.mark.parametrize("target", ["console", "json"])
def test_user_info_is_refused_and_not_shown(run_agent, endpoint, target):
    status, output = run_agent(MASTER_ENDPOINT=endpoint, AGENT_LOG_TARGET=target, AGENT_LOG_LEVEL="debug")
    assert status == 78
    assert len(wrong_lines(output, "MASTER_ENDPOINT")) == 1
    assert SECRET not in output


@pytest.mark.parametrize("variables", [
    {"MASTER_TOKEN_FILE": "{folder}/token", "MASTER_ENDPOINT": "http://192.0.2.1:9"},
    {"MASTER_TOKEN_FILE": "{folder}/token", "MASTER_ENDPOINT": "https://192.0.2.1:9,http://192.0.2.2:9"},
    {"MASTER_CLIENT_CERT_FILE": "{folder}/token", "MASTER_CLIENT_KEY_FILE": "{folder}/token",
     "MASTER_ENDPOINT": "http://192.0.2.1:9"}])
def test_secrets_do_not_travel_in_the_clear(run_agent, tmp_path, variables):
    (tmp_path / "token").write_text(SECRET)
    variables = {name: value.format(folder=tmp_path) for name, value in variables.items()}
    status, output = run_agent(AGENT_LOG_TARGET="console", AGENT_LOG_LEVEL="debug", **variables)
    assert status == 78
    assert SECRET not in output


@pytest.mark.parametrize("alone", ["MASTER_CLIENT_CERT_FILE", "MASTER_CLIENT_KEY_FILE"])
def test_certificate_and_key_go_together(run_agent, tmp_path, alone):
    (tmp_path / "pem").write_text("x")
    status, output = run_agent(**{"MASTER_ENDPOINT": "https://127.0.0.1:9", alone: tmp_path / "pem"})
    assert status == 78
    assert alone in output


@pytest.mark.parametrize("typed,meant", [("MASTER_ENDPIONT", "MASTER_ENDPOINT"), ("AGENT_HOSTNAM", "AGENT_HOSTNAME"),
                                         ("REPORT_INTERVAL_SECOND", "REPORT_INTERVAL_SECONDS"),
                                         ("AGENT_LOGLEVEL", "AGENT_LOG_LEVEL")])
def test_a_near_miss_is_a_warning(run_agent, typed, meant):
    status, output = run_agent("--check", **(DEFAULTS | {typed: SECRET}))
    assert status == 0, output
    assert any(typed in line and meant in line for line in output.splitlines()), output
    assert SECRET not in output


def test_other_variables_are_none_of_our_business(run_agent):
    _, without = run_agent("--check", **DEFAULTS)
    status, output = run_agent("--check", **DEFAULTS, MASTER_SERVICE_HOST="10.0.0.1", AGENT_SMITH="x",
                               MASTER_PORT_3000_TCP="x", HOSTNAME="x", USER="x")
    assert status == 0
    assert output == without


@pytest.mark.parametrize("variable,value", [("REPORT_INTERVAL_SECONDS", "4294967295"), ("REPORT_INTERVAL_SECONDS", "1"),
                                            ("REPORT_INTERVAL_SECONDS", "0060"), ("AGENT_HEALTH_MAX_AGE_SECONDS", "0"),
                                            ("AGENT_ADDRESS", "2001:db8::1"), ("AGENT_HOSTNAME", "a-b-c" + "x" * 248),
                                            ("AGENT_LOG_LEVEL", "err"), ("AGENT_LOG_LEVEL", "INFO"), ("AGENT_BUS", "None"),
                                            ("AGENT_LOG_TARGET", "Json"), ("AGENT_LOG_TARGET", "auto"),
                                            ("MASTER_TIMEOUT_SECONDS", "5"), ("AGENT_BUS", "auto")])
def test_values_at_the_edge_are_right(run_agent, variable, value):
    status, output = run_agent("--check", **(DEFAULTS | {variable: value}))
    assert status == 0, output


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help(run_agent, option):
    status, output = run_agent(option)
    assert status == 0
    for word in ("--check", "--once", "--version", "--help", "MASTER_ENDPOINT"):
        assert word in output


def test_version(run_agent):
    status, output = run_agent("--version")
    assert status == 0
    assert "argus-agent" in output


@pytest.mark.parametrize("arguments", [["--bogus"], ["extra"]])
def test_wrong_arguments(run_agent, arguments):
    status, output = run_agent(*arguments, **DEFAULTS)
    assert status not in (0, 75, 78)
    assert arguments[0].lstrip("-") in output


def test_the_check_prints_all_that_was_set(run_agent, tmp_path):
    authority = Authority(tmp_path)
    cert, key = authority.issue("client")
    status, output = run_agent("--check", **(DEFAULTS | {
        "AGENT_ADDRESS": "192.0.2.1", "AGENT_WATCH_UNITS": "nginx foo.bar db.socket", "AGENT_REPORT_ON_CHANGE": "yes",
        "AGENT_HEALTH_MAX_AGE_SECONDS": "300", "MASTER_ENDPOINT": "https://m", "MASTER_CA_FILE": authority.file,
        "MASTER_CLIENT_CERT_FILE": cert, "MASTER_CLIENT_KEY_FILE": key}))
    assert status == 0
    rows = [line.split(None, 1) for line in output.splitlines()]
    assert [row[1] for row in rows if row[0] == "Watched"] == ["nginx.service", "foo.bar.service", "db.socket"]
    for shown in ("192.0.2.1", "5min", "https://m", authority.file, cert, key):
        assert str(shown) in output
