# SPDX-License-Identifier: MIT
"""The template of the settings: what it shows is what the agent accepts."""

import re
import shlex
import subprocess
from pathlib import Path

from support.certificates import Authority

PROJECT = Path(__file__).parents[2]


def template_values():
    """The variables of the template, as they are once they are no longer commented out."""
    template = subprocess.run([PROJECT / "tools/reference", PROJECT / "packaging/agent.env.in"], check=True,
                              capture_output=True, text=True).stdout
    lines = re.findall("^#([A-Z_]+=.*)$", template, re.MULTILINE)
    assert lines
    return dict(shlex.split(line)[0].split("=", 1) for line in lines)


def test_every_example_is_accepted(run_agent, state_root, tmp_path):
    authority = Authority(tmp_path)
    cert, key = authority.issue("client")
    (tmp_path / "token").write_text("abc\n")
    values = template_values() | {
        "MASTER_ENDPOINT": "https://master.example:3000",  # as there is a token in the clear
        "MASTER_CA_FILE": authority.file, "MASTER_TOKEN_FILE": tmp_path / "token",  # the check tries these
        "MASTER_CLIENT_CERT_FILE": cert, "MASTER_CLIENT_KEY_FILE": key, "AGENT_STATE_ROOT": state_root}
    status, output = run_agent("--check", **values)
    assert status == 0, output
    assert "env dev, user alice, instance web01 (from environment)" in output

    status, output = run_agent("--check", AGENT_ENV="e", AGENT_USER="u", AGENT_INSTANCE="i",
                               MASTER_ENDPOINT=template_values()["MASTER_ENDPOINT"])
    assert status == 0, output
