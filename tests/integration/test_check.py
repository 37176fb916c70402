# SPDX-License-Identifier: MIT
"""argus-agent --check says yes only to what works, names all that does not, and leaves no trace."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from support.agent import HOSTNAME, write_node_json
from support.wait import wait_until

TLS = {"MASTER_ENDPOINT": "https://master.example:3000"}
PLAIN = {"MASTER_ENDPOINT": "http://10.77.0.1:3000"}


@pytest.fixture
def check(run_agent, state_root):
    """Checks; expects this status, and that nothing was made or changed below the state root."""
    def tree():
        return sorted((path, path.lstat().st_mtime_ns, path.lstat().st_mode) for path in state_root.rglob("*"))

    def run(status, **variables):
        before = tree()
        options = {name: variables.pop(name) for name in ("wrapper", "user") if name in variables}
        found, output = run_agent("--check", **options, **(TLS | variables))
        assert found == status, output
        assert tree() == before
        assert ("Configuration OK." in output) == (status == 0)
        return output

    return run


@pytest.fixture
def open_folder():
    """A folder that another user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="argus-check-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


# ---- secrets ----

def test_good_secrets(check, authority, tmp_path):
    cert, key = authority.issue("client")
    (tmp_path / "token").write_text("abc\n")
    output = check(0, MASTER_CA_FILE=authority.file, MASTER_CLIENT_CERT_FILE=cert, MASTER_CLIENT_KEY_FILE=key,
                   MASTER_TOKEN_FILE=tmp_path / "token")
    for name in (authority.file, cert, key, tmp_path / "token"):
        assert str(name) in output


def test_the_key_of_another_certificate(check, authority):
    cert, _ = authority.issue("client")
    _, other = authority.issue("other")
    output = check(78, MASTER_CLIENT_CERT_FILE=cert, MASTER_CLIENT_KEY_FILE=other)
    assert str(cert) in output and str(other) in output


@pytest.mark.parametrize("content", ["", "junk\n", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
@pytest.mark.parametrize("variable", ["MASTER_CA_FILE", "MASTER_CLIENT_CERT_FILE", "MASTER_CLIENT_KEY_FILE"])
def test_what_is_no_pem_file(check, authority, tmp_path, variable, content):
    cert, key = authority.issue("client")
    (tmp_path / "bad").write_text(content)
    good = {"MASTER_CA_FILE": authority.file, "MASTER_CLIENT_CERT_FILE": cert, "MASTER_CLIENT_KEY_FILE": key}
    assert str(tmp_path / "bad") in check(78, **(good | {variable: tmp_path / "bad"}))


def test_all_files_that_cannot_be_used_are_named(check, tmp_path):
    (tmp_path / "token").write_text("two words\n")
    (tmp_path / "folder").mkdir()
    output = check(78, MASTER_TOKEN_FILE=tmp_path / "token", MASTER_CA_FILE=tmp_path / "folder",
                   MASTER_CLIENT_CERT_FILE=tmp_path / "no-cert", MASTER_CLIENT_KEY_FILE=tmp_path / "no-key")
    for name in ("token", "folder", "no-cert", "no-key"):
        assert str(tmp_path / name) in output


def test_a_key_with_a_pass_phrase(check, authority):
    cert, key = authority.issue("client")
    assert "pass phrase" in check(78, MASTER_CLIENT_CERT_FILE=cert, MASTER_CLIENT_KEY_FILE=authority.encrypt(key))


@pytest.mark.parametrize("variable", ["MASTER_CA_FILE", "MASTER_TOKEN_FILE"])
def test_a_file_that_the_user_may_not_read(check, as_root, open_folder, variable):
    file = open_folder / "file"
    file.write_text("x")
    file.chmod(0o600)
    (open_folder / "state").mkdir()
    shutil.chown(open_folder / "state", "nobody")
    output = check(78, user="nobody", AGENT_STATE_ROOT=open_folder / "state", **{variable: file})
    assert f"{file}: Permission denied; the agent's user must be able to read it" in output


# ---- the state directory ----

def test_a_directory_that_would_be_made(check, state_root):
    check(0, AGENT_STATE_ROOT=state_root / "a/b/c")


def test_a_directory_that_is_there(check, state_root):
    write_node_json(state_root, '{"id": "A7", "name": "dev-alice-web01"}')
    (state_root / HOSTNAME / "health").mkdir()
    assert "A7" in check(0)


def test_a_running_agent_is_seen_and_not_disturbed(agent, master, check):
    running = agent()
    running.wait_online()
    assert "in use by a running agent" in check(0)
    assert running.is_running


def test_a_lock_that_nobody_holds(check, state_root):
    (state_root / HOSTNAME).mkdir()
    (state_root / HOSTNAME / ".lock").touch()
    assert "in use" not in check(0)


@pytest.mark.parametrize("make", [lambda path: path.write_text("x"), lambda path: path.symlink_to("/nowhere"),
                                  lambda path: path.symlink_to("/tmp")])
def test_something_else_stands_there(check, state_root, make):
    make(state_root / HOSTNAME)
    assert str(state_root / HOSTNAME) in check(78)


@pytest.mark.parametrize("name", [".lock", "health"])
def test_something_else_stands_in_it(check, state_root, name):
    (state_root / HOSTNAME).mkdir()
    os.mkfifo(state_root / HOSTNAME / name)
    assert str(state_root / HOSTNAME / name) in check(78)


def test_a_file_above_it(check, state_root):
    (state_root / "file").touch()
    assert str(state_root / "file") in check(78, AGENT_STATE_ROOT=state_root / "file/below")


@pytest.mark.parametrize("below", ["", "a/b"])
def test_no_permission(check, as_root, open_folder, below):
    output = check(78, user="nobody", AGENT_STATE_ROOT=open_folder / below, **PLAIN)
    assert f'"{open_folder}": Permission denied; the agent\'s user must be able to' in output


def test_a_directory_of_another_user(check, as_root, open_folder):
    (open_folder / HOSTNAME).mkdir(mode=0o750)
    output = check(78, user="nobody", AGENT_STATE_ROOT=open_folder, **PLAIN)
    assert f'"{open_folder}/{HOSTNAME}": Permission denied' in output


@pytest.mark.parametrize("is_there", [False, True])
def test_a_file_system_that_is_read_only(check, as_root, state_root, is_there):
    """As in the unit's sandbox, root or not."""
    if is_there:
        (state_root / HOSTNAME).mkdir()
    wrapper = ["unshare", "--mount", "sh", "-c", 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && '
               'exec "$@"', "sh", str(state_root)]
    assert "Read-only file system; under systemd" in check(78, wrapper=wrapper)


# ---- all in one go ----

def test_the_identity_with_all_other_errors(check, tmp_path, state_root):
    (state_root / "web01").touch()
    output = check(78, AGENT_HOSTNAME="web01", AGENT_BUS="x", MASTER_ENDPOINT="ftp://x",
                   MASTER_TOKEN_FILE=tmp_path / "none")
    for words in ("AGENT_BUS", "MASTER_ENDPOINT", "The node has no identity", str(tmp_path / "none"),
                  str(state_root / "web01")):
        assert words in output


def test_a_start_says_the_identity_with_all_other_errors(run_agent, state_root):
    status, output = run_agent(AGENT_HOSTNAME="web01", AGENT_BUS="x", AGENT_LOG_TARGET="console", **PLAIN)
    assert status == 78
    assert output.count("AGENT_BUS=") == 1 and output.count("no identity") == 1
    assert list(state_root.iterdir()) == []


def test_an_identity_that_is_wrong_is_not_missing(check):
    output = check(78, AGENT_HOSTNAME="web01", AGENT_ENV="e\x1bv", AGENT_USER="u", AGENT_INSTANCE="i")
    assert "no identity" not in output


# ---- warnings ----

@pytest.mark.parametrize("variables,words", [
    ({"REPORT_INTERVAL_SECONDS": "120"}, ['REPORT_INTERVAL_SECONDS="120"', "180 s"]),
    ({"AGENT_USER": '"alice"', "AGENT_ENV": "e", "AGENT_INSTANCE": "i"}, ["AGENT_USER=", "quotes"]),
    ({"AGENT_HOSTNAME": "localhost", "AGENT_USER": "u", "AGENT_ENV": "e", "AGENT_INSTANCE": "i"},
     ['registers as "localhost"', "many machines"]),
    ({"AGENT_HOSTNAME": "localhost6.localdomain6", "AGENT_USER": "u", "AGENT_ENV": "e", "AGENT_INSTANCE": "i"},
     ['registers as "localhost6.localdomain6"']),
    (PLAIN | {"HTTP_PROXY": "http://proxy:1"}, ["Ignoring HTTP_PROXY", "set http_proxy"]),
    (PLAIN | {"http_proxy": "http://u:s3cret@proxy:1"}, ["through the proxy http://proxy:1/ (from http_proxy)"]),
    (PLAIN | {"http_proxy": "http://proxy:1", "no_proxy": "10.77.*"}, ["does not match", 'no_proxy="10.77.*"']),
    (PLAIN | {"http_proxy": "http://proxy:1", "no_proxy": "10.77."}, ["does not match", 'no_proxy="10.77."']),
    (PLAIN | {"http_proxy": "http://proxy:1", "NO_PROXY": "10.77.0.1:3000"}, ["does not match", "NO_PROXY="]),
])
def test_a_warning(check, agent, variables, words):
    """Once in a check, whose status it does not change, and once at a start."""
    output = check(0, **variables)
    started = agent(**(TLS | variables | {"AGENT_LOG_TARGET": "console"}))
    for text in (output, "\n".join(wait_started(started))):
        [line] = [line for line in text.splitlines() if words[0] in line]
        assert all(word in line for word in words), line
        assert "s3cret" not in text


def wait_started(started):
    """What is logged up to the first failure, which comes after all warnings."""
    wait_until(lambda: any("Registration failed" in line for line in started.lines), 20, started.output)
    return list(started.lines)


def test_no_warning_where_the_proxy_is_not_used(check):
    output = check(0, **PLAIN, http_proxy="http://proxy:1", no_proxy="10.77.0.1", HTTP_PROXY="http://proxy:1")
    assert "roxy" not in output
    assert "roxy" not in check(0, MASTER_ENDPOINT="http://127.0.0.1:3000", http_proxy="http://proxy:1", HTTP_PROXY="x")
    assert "HTTP_PROXY" not in check(0, HTTP_PROXY="http://proxy:1")


def test_quotes_that_docker_keeps(check):
    output = check(78, MASTER_ENDPOINT='"http://10.77.0.1:3000"')
    assert "the quotes are part of the value (docker --env-file keeps them)" in output
