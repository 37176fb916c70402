# SPDX-License-Identifier: MIT
"""adopt-state, which packages run as root over directories that the service's user owns: it changes and removes what is
ours, whatever that user does to the names meanwhile. Root only, since there is no other way to see what root does."""

import contextlib
import ctypes
import os
import shutil
import socket
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest

from support.agent import BINARY

ADOPT_STATE = BINARY.parent / "adopt-state"
HOST = "dev-alice-web01"
USER, GROUP = 64801, 64802
RUNS = 100 if b"__asan_init" in ADOPT_STATE.read_bytes() else 1000  # a program with sanitizers starts slowly
RENAME_EXCHANGE, AT_FDCWD = 2, -100

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files to others")


class Root:
    """The root of a file system, for --root=."""

    def __init__(self, path):
        self.path = path
        self.write("etc/passwd", f"root:x:0:0::/:/bin/sh\nargus-agent:x:{USER}:{USER}::/:/bin/false\n")
        self.write("etc/group", f"root:x:0:\nargus-health:x:{GROUP}:\n")
        self.write("etc/hostname", f"# a comment\n{HOST}\n")

    def write(self, path, text="{}", mode=0o644):
        file = self.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)
        return file

    def run(self, *arguments):
        return subprocess.run([ADOPT_STATE, f"--root={self.path}", *arguments], stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=10)

    def adopt(self, status=0):
        done = self.run()
        assert done.returncode == status, done
        return done.stdout + done.stderr

    def purge(self, state=f"/private/argus/agent/{HOST}", *directories):
        done = self.run(f"--purge={state}", *directories)
        assert done.returncode == 0, done
        return done.stderr

    def tree(self):
        """Owner, group and mode of each path."""
        return {str(path.relative_to(self.path)): owner_and_mode(path) for path in self.path.rglob("*")}


def owner_and_mode(path):
    found = path.lstat()
    return found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)


@pytest.fixture
def root():
    path = Path(tempfile.mkdtemp(prefix="argus-adopt-", dir="/var/tmp"))
    path.chmod(0o755)
    yield Root(path)
    shutil.rmtree(path)


@pytest.fixture
def state_root(root):
    """As tmpfiles.d makes it."""
    path = root.path / "private/argus/agent"
    path.mkdir(parents=True)
    os.chown(path, USER, GROUP)
    path.chmod(0o2750)
    return path


@pytest.fixture
def state(root, state_root):
    """What an agent that ran as root left behind."""
    root.write(f"private/argus/agent/{HOST}/node.json", mode=0o600)
    root.write(f"private/argus/agent/{HOST}/.lock", "", mode=0o600)
    root.write(f"private/argus/agent/{HOST}/health/log-a.json", mode=0o600)
    return state_root / HOST


def give(path):
    os.chown(path, USER, GROUP)


def test_what_roots_agent_left_is_taken_over(root, state):
    health_file = owner_and_mode(state / "health/log-a.json")
    assert "Took over" in root.adopt()
    assert owner_and_mode(state) == (USER, GROUP, 0o2750)
    assert owner_and_mode(state / "node.json") == (USER, GROUP, 0o640)
    assert owner_and_mode(state / ".lock") == (USER, GROUP, 0o600)
    assert owner_and_mode(state / "health") == (USER, GROUP, 0o3770)
    assert owner_and_mode(state / "health/log-a.json") == health_file, "it is its module's"
    before = root.tree()
    assert root.adopt() == "" and root.tree() == before


@pytest.mark.parametrize("settings, place", [
    ({"agent.env": "AGENT_HOSTNAME=a\nAGENT_HOSTNAME='b'  \n"}, "/private/argus/agent/b"),
    ({"agent.env": "AGENT_STATE_ROOT=/one", "agent.env.d/9.env": "AGENT_STATE_ROOT=/nine",
      "agent.env.d/20.env": "AGENT_STATE_ROOT=/twenty", "agent.env.d/.z.env": "AGENT_STATE_ROOT=/hidden",
      "agent.env.d/z.conf": "AGENT_STATE_ROOT=/other", "agent.env.d/z.env/x": ""}, f"/nine/{HOST}"),
    ({"agent.env": "AGENT_STATE_ROOT=\nexport AGENT_HOSTNAME=b\n#AGENT_HOSTNAME=c"}, f"/private/argus/agent/{HOST}"),
])
def test_settings_are_read_as_systemd_does(root, settings, place):
    for name, text in settings.items():
        root.write(f"etc/argus/{name}", text)
    assert root.run("--path").stdout == place + "\n"


@pytest.mark.parametrize("text", ["AGENT_HOSTNAME=../../etc", "AGENT_HOSTNAME=", "AGENT_STATE_ROOT=etc"])
def test_settings_that_name_no_directory(root, text):
    root.write("etc/argus/agent.env", text)
    before = root.tree()
    assert "Cannot use AGENT_STATE_ROOT or AGENT_HOSTNAME" in root.adopt(status=1)
    assert root.tree() == before


def test_a_directory_of_roots_that_is_no_agents_state(root, state):
    (state / "node.json").unlink()
    (state / "precious").write_text("data")
    before = root.tree()
    assert root.adopt() == "" and root.tree() == before


def as_link(node):
    node.symlink_to("../../../../etc/shadow")


def as_hard_link(node):
    os.link(node.parents[4] / "etc/shadow", node)


def as_socket(node):
    socket.socket(socket.AF_UNIX).bind(str(node))


def as_foreign_file(node):
    node.write_text("{}")
    os.chown(node, 1000, 1000)


@pytest.mark.parametrize("make", [as_link, as_hard_link, os.mkfifo, os.mkdir, as_socket, as_foreign_file])
def test_a_node_file_that_is_none_of_an_agent(root, state, make):
    root.write("etc/shadow", "secret", mode=0o600)
    (state / "node.json").unlink()
    make(state / "node.json")
    before = root.tree()
    assert root.adopt() == "" and root.tree() == before


@pytest.mark.parametrize("name", [".lock", "health"])
def test_a_link_in_the_directory_is_not_followed(root, state, name):
    victim = root.write("etc/precious/file", mode=0o600).parent
    shutil.move(state / name, root.path / "moved")
    (state / name).symlink_to("../../../../etc/precious" + ("/file" if name == ".lock" else ""))
    before = owner_and_mode(victim), owner_and_mode(victim / "file")
    root.adopt()
    assert (owner_and_mode(victim), owner_and_mode(victim / "file")) == before
    assert owner_and_mode(state)[0] == USER, "the rest is an agent's all the same"


def test_the_directory_may_not_be_a_link(root, state):
    state.rename(state.parent / "elsewhere")
    state.symlink_to("elsewhere")
    before = root.tree()
    assert root.adopt() == "" and root.tree() == before


def test_the_way_may_have_links_of_roots(root, state):
    """Absolute ones do not leave the root, and ".." does not either."""
    (root.path / "disk").mkdir()
    (root.path / "private").rename(root.path / "disk/agents")
    (root.path / "private").symlink_to("/../disk/agents")
    assert "Took over" in root.adopt()
    assert owner_and_mode(root.path / f"disk/agents/argus/agent/{HOST}")[0] == USER


@pytest.mark.parametrize("change", [give, lambda path: path.chmod(0o777), lambda path: path.chmod(0o1777)])
def test_a_way_that_others_can_change(root, state, change):
    change(root.path / "private/argus")
    before = root.tree()
    assert "a user other than root can change the path" in root.adopt(status=1)
    assert root.tree() == before
    os.chown(state, USER, GROUP)
    assert "a user other than root can change the path" in root.purge()
    assert (state / "node.json").exists()


@contextlib.contextmanager
def exchanging(directory, name, other):
    """The service's user, who exchanges two names as fast as it can."""
    inside = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    if (child := os.fork()) == 0:
        try:
            os.fchdir(inside)
            os.setgroups([])
            os.setgid(USER)
            os.setuid(USER)
            renameat2 = ctypes.CDLL(None).renameat2
            a, b = name.encode(), other.encode()
            while renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) == 0:
                pass
        finally:
            os._exit(1)
    try:
        yield
        assert os.waitpid(child, os.WNOHANG) == (0, 0), "nobody was exchanging names"
    finally:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(child, 9)
            os.waitpid(child, 0)
        os.close(inside)


@pytest.mark.timeout(240)
def test_exchanged_names_win_nothing(root, state):
    """The user owns the state root, and so can put a link to any directory of root's in the place of the state."""
    victim = root.write("etc/victim/node.json", mode=0o600).parent
    (victim / "health").mkdir()
    paths = [victim, victim / "node.json", victim / "health"]
    before = [owner_and_mode(path) for path in paths]
    state.parent.joinpath("bait").symlink_to(victim)
    inside = os.open(state, os.O_RDONLY | os.O_DIRECTORY)
    taken = 0
    with exchanging(state.parent, HOST, "bait"):
        for _ in range(RUNS):
            taken += "Took over" in root.adopt()
            assert [owner_and_mode(path) for path in paths] == before
            os.fchown(inside, 0, 0)
            os.chown("node.json", 0, 0, dir_fd=inside)
    os.close(inside)
    assert 0 < taken < RUNS, "the names did not change in the middle of it"


@pytest.mark.timeout(240)
def test_a_purge_under_exchanged_names(root, state):
    victim = root.write("etc/victim/node.json").parent
    root.write("etc/victim/health/log-a.json")
    for path in state, state / "health":
        os.chown(path, USER, GROUP)
    (state / "bait").symlink_to(victim / "health")
    state.parent.joinpath("bait").symlink_to(victim)
    (state / "health/directory").mkdir()  # so that both stay
    inside = os.open(state, os.O_RDONLY | os.O_DIRECTORY)
    with exchanging(state, "health", "bait"), exchanging(state.parent, HOST, "bait"):
        for _ in range(RUNS):
            root.purge()
            assert (victim / "node.json").exists() and (victim / "health/log-a.json").exists()
    assert "node.json" not in os.listdir(inside), "the names did not change in the middle of it"
    os.close(inside)


def test_a_purge_takes_what_is_ours(root, state):
    root.adopt()
    for name in "node.json.corrupt-20261130T120000Z", "node.json.other-20261130T120000Z", "health/.log-b.tmp":
        (state / name).write_text("")
    root.write("etc/argus/agent.env.d/1.env")
    root.write("etc/argus/agent.env")
    other = root.write("private/argus/agent/dev-bob-web02/node.json")
    made = ["/etc/argus/agent.env.d", "/etc/argus", "/private/argus/agent", "/private/argus", "/private"]
    root.purge(f"/private/argus/agent/{HOST}", *made)
    assert not state.exists() and not (root.path / "etc/argus").exists()
    assert other.exists(), "another machine's"

    shutil.rmtree(other.parent)
    root.purge(f"/private/argus/agent/{HOST}", *made)
    assert not (root.path / "private").exists()


def test_a_purge_leaves_what_is_not_ours(root, state):
    root.adopt()
    kept = [root.write(f"etc/argus/{name}") for name in ("token", "agent.env.d/README", "agent.env.d/.hidden.env")]
    kept.append(root.write(f"private/argus/agent/{HOST}/data"))
    kept.append(root.write(f"private/argus/agent/{HOST}/health/directory/file"))
    (state / "health/log-b.json").symlink_to("/etc/passwd")
    root.purge(f"/private/argus/agent/{HOST}", "/etc/argus/agent.env.d", "/etc/argus", "/private")
    assert all(path.exists() for path in kept) and (state / "health/log-b.json").is_symlink()
    assert not (state / "node.json").exists() and not (state / "health/log-a.json").exists()


def test_a_purge_leaves_a_directory_of_roots(root, state):
    before = root.tree()
    root.purge()
    assert root.tree() == before


def test_a_purge_does_not_follow_the_state_directory(root, state):
    root.adopt()
    victim = root.path / "etc/victim"
    state.rename(victim)
    state.symlink_to(victim)
    root.purge()
    assert (victim / "node.json").exists() and state.is_symlink()


def test_a_link_on_the_way_stays_and_so_does_a_mount_point(root, state):
    root.adopt()
    (root.path / "private").rename(root.path / "disk")
    (root.path / "private").symlink_to("disk")
    health = root.path / f"disk/argus/agent/{HOST}/health"
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", health], check=True)
    try:
        (health / "log-c.json").write_text("{}")
        root.purge(f"/private/argus/agent/{HOST}", "/private/argus/agent", "/private/argus", "/private")
        assert list(health.iterdir()) == [] and [path.name for path in health.parent.iterdir()] == ["health"]
    finally:
        subprocess.run(["umount", health], check=True)
    root.purge(f"/private/argus/agent/{HOST}", "/private/argus/agent", "/private/argus", "/private")
    assert (root.path / "private").is_symlink() and list((root.path / "disk").iterdir()) == []
