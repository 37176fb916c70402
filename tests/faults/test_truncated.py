# SPDX-License-Identifier: MIT
"""node.json cut off at every byte, by whatever did that: it is used or set aside, never a crash, and the id stays."""

import json
import os

from support.agent import HOSTNAME


def test_truncated_at_every_byte(run_agent, master, state_root):
    status, output = run_agent("--once")
    assert status == 0, output
    folder = state_root / HOSTNAME
    path = folder / "node.json"
    whole = path.read_bytes()
    master.clear_requests()

    for size in range(len(whole) + 1):
        path.write_bytes(whole[:size])
        status, output = run_agent("--once")
        assert status == 0, f"{size} bytes: {output}"

        [register] = master.requests("register")
        asides = list(folder.glob("node.json.corrupt-*"))
        if whole[:size].rstrip() == whole.rstrip():
            assert json.loads(register["body"])["id"] == "A1" and not asides, f"{size} bytes"
        else:
            assert "id" not in json.loads(register["body"]), f"{size} bytes"
            assert [aside.read_bytes() for aside in asides] == [whole[:size]], f"{size} bytes"
            assert "state-corrupt" in output

        # the Master knows the node by its name
        assert json.loads(path.read_bytes())["id"] == "A1"
        for aside in asides:
            aside.unlink()
        assert sorted(os.listdir(folder)) == [".lock", "health", "node.json"]
        master.clear_requests()

    assert [node["id"] for node in master.nodes()] == ["A1"]
