# SPDX-License-Identifier: MIT
"""The commands of README and manual, as they stand there: only the paths are changed to the test's own, and sudo is left
out, as the tests may not change the machine's own /etc."""

import re
import stat
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
READMES = ["README.md", "README.zh-CN.md"]
PAGES = [*READMES, "man/argus-agent.8.scd", "man/argus-agent.env.5.scd"]
HEALTH = "/private/argus/agent/dev-alice-web01/health"


def blocks(page):
    """The pieces of shell of this page: those that are marked so, or of a manual, all."""
    text = (PROJECT / page).read_text(encoding="utf-8")
    return re.findall(r"^```(?:sh)?\n(.*?)^```$" if page.startswith("man/") else r"^```sh\n(.*?)^```$", text,
                      re.MULTILINE | re.DOTALL)


def run(script, **options):
    done = subprocess.run(["sh", "-euc", script], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                          timeout=20, **options)
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md", "man/argus-agent.8.scd"])
def test_a_module_follows_no_link_of_another_member(page, tmp_path):
    """A member of the group has put links at each name that the recipe has: to a file, and to a directory."""
    [script] = [block for block in blocks(page) if '{"status": "healthy"}' in block]
    health, victim, elsewhere = (tmp_path / name for name in ("health", "victim", "elsewhere"))
    health.mkdir()
    # as the unit makes it; of a directory that all may write to, the kernel would guard the links itself
    health.chmod(0o3770)
    victim.write_text("root's own")
    elsewhere.mkdir()
    hidden = set(re.findall(r"(?<![\w/])\.log-[\w.-]+", script))
    [name] = re.findall(r"(?<![\w.-])log-\w+\.json", script)
    assert hidden, "a health file is written under a hidden name first"
    for planted in hidden:
        (health / planted).symlink_to(victim)
    (health / name).symlink_to(elsewhere)

    run(script.replace(HEALTH, str(health)), cwd=health)

    assert victim.read_text() == "root's own" and list(elsewhere.iterdir()) == []
    status = (health / name).lstat()
    assert stat.S_ISREG(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o640
    assert (health / name).read_text() == '{"status": "healthy"}\n'
    assert {entry.name for entry in health.iterdir()} == {name, *hidden}, "nothing is left behind"


@pytest.mark.parametrize("page", READMES)
def test_the_settings_line_can_be_run_twice(page, tmp_path, run_agent):
    lines = {line for block in blocks(page) for line in block.splitlines() if line.startswith("echo 'MASTER_ENDPOINT=")}
    [line] = lines  # the same wherever it stands
    own = tmp_path / "argus/agent.env"
    own.parent.mkdir()
    own.write_text("AGENT_ENV=dev\n")
    for _ in range(2):
        run(line.replace("sudo ", "").replace("/etc/argus", str(own.parent)))
    [written] = (tmp_path / "argus/agent.env.d").iterdir()
    assert own.read_text() == "AGENT_ENV=dev\n", "what is set elsewhere stays"
    assert written.suffix == ".env" and stat.S_IMODE(written.stat().st_mode) == 0o600
    name, value = written.read_text().strip().split("=", 1)
    assert run_agent("--check", **{name: value})[0] == 0


@pytest.mark.parametrize("page", PAGES)
def test_each_piece_of_shell_parses(page):
    assert blocks(page)
    for block in blocks(page):
        subprocess.run(["bash", "-n"], input=block, text=True, check=True)
