# SPDX-License-Identifier: MIT
"""kill -9 at thousands of random instants of start, registration and saving: node.json is always one whole object that
the Master sent, and an id that was stored or used is never lost.

ARGUS_KILLS: how many (2000); ARGUS_SEED: which instants (random, and printed at the end)."""

import json
import os
import random
import subprocess
import time

import pytest

from support.agent import BINARY, HOSTNAME, clean_environment
from support.liar import Liar, answer

KILLS = int(os.environ.get("ARGUS_KILLS", "2000"))
SAVING_SECONDS = 0.004  # about as long as the answer, the save and the report after it take
KILLS_OF_A_LIFE = 20  # then the state is thrown away, so that first registrations are killed too


class ForgetfulMaster(Liar):
    """Gives a new id to each registration that brings none, so that a lost id shows; each of its objects is another."""

    def __init__(self):
        super().__init__()
        self.objects = set()
        self.n_ids = 0

    def truth(self, request):
        if "id" in request.body:
            node_id = request.body["id"]
        elif request.kind == "report":
            node_id = request.path.split("/")[5]
        else:
            self.n_ids += 1
            node_id = f"A{self.n_ids}"
        text = json.dumps({"id": node_id, "name": HOSTNAME, "count": len(self.objects),
                           "filler": "x" * random.randrange(20_000)}).encode()
        self.objects.add(text)
        return answer(200, text)


@pytest.fixture
def forgetful_master():
    made = ForgetfulMaster()
    yield made
    made.stop()


def run_and_kill(environment, pause):
    """Calls `pause` between the start and the kill. Returns whether it was still running when it was killed."""
    process = subprocess.Popen([BINARY], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    pause()
    process.kill()
    return process.wait() == -9


def time_until_online(run_agent, master):
    """How long a start takes until its first report is accepted."""
    begun = time.monotonic()
    status, output = run_agent("--once", MASTER_ENDPOINT=master.url)
    assert status == 0, output
    return time.monotonic() - begun


def test_kills_at_random_instants(forgetful_master, run_agent, agent, tmp_path):
    master = forgetful_master
    chance = random.Random(int(os.environ["ARGUS_SEED"]))
    span = max(time_until_online(run_agent, master) for _ in range(3))
    print(f"{KILLS} kills over the {1000 * span:.1f} ms of a start")

    counts = {"killed": 0, "before the first object": 0, "temporary files": 0, "lives": 0}
    for number in range(KILLS):
        if number % KILLS_OF_A_LIFE == 0:
            root, known = tmp_path / f"life-{number}", None
            folder, environment = root / HOSTNAME, clean_environment(root, {"MASTER_ENDPOINT": master.url})
        seen = len(master.requests)

        def at_any_time():
            time.sleep(chance.uniform(0, 1.2 * span))

        def while_it_saves():
            end = time.monotonic() + 10
            while len(master.requests) == seen and time.monotonic() < end:
                time.sleep(0.0001)
            time.sleep(chance.uniform(0, SAVING_SECONDS))

        counts["killed"] += run_and_kill(environment, at_any_time if number % 2 else while_it_saves)

        # an id that was stored is used from then on, whatever is killed
        asked = master.requests[seen:]
        for request in asked:
            if request.kind == "register":
                assert request.body.get("id") == known, f"kill {number}"
        leftovers = list(folder.glob(".node.json.*"))
        counts["temporary files"] += len(leftovers)
        assert len(leftovers) <= 1, f"kill {number}: what earlier ones left is removed"
        if (folder / "node.json").exists():
            stored = (folder / "node.json").read_bytes()
            assert stored in master.objects, f"kill {number}: {stored[:200]!r}"
            node_id = json.loads(stored)["id"]
            assert known in (None, node_id), f"kill {number}"
            known = node_id
        else:
            assert known is None, f"kill {number}: the object is gone"
            counts["before the first object"] += 1
        # no report under an id that is not stored: a power cut after it would make a second node
        reported = {request.path.split("/")[5] for request in asked if request.kind == "report"}
        assert reported <= {known}, f"kill {number}"
        assert not list(folder.glob("node.json.corrupt-*")), f"kill {number}"

        if number % KILLS_OF_A_LIFE == KILLS_OF_A_LIFE - 1 or number == KILLS - 1:
            counts["lives"] += 1
            last = agent(MASTER_ENDPOINT=master.url, AGENT_STATE_ROOT=str(root))
            last.wait_online(20)
            last.stop()
            assert known in (None, json.loads((folder / "node.json").read_bytes())["id"])
            assert sorted(os.listdir(folder)) == [".lock", "health", "node.json"]

    print(counts)
    assert counts["killed"] > KILLS * 0.9
    assert KILLS < 500 or counts["temporary files"] > 0, "no kill came into the middle of a save"
