# SPDX-License-Identifier: MIT
"""A real ext4 under the state. The power goes while the agent saves: the image is copied at a random instant, as it is
on the device then, and what a mount makes of the copy is looked at. (crash_model.py asks the same of every file system,
by the book.) And the disk has an error, and turns read-only.

ARGUS_POWER_CUTS: how many (200); ARGUS_SEED: at which instants."""

import json
import os
import random
import shutil
import signal
import subprocess
import time

import pytest

from renaming import NEW, OLD
from support.agent import HOSTNAME
from support.liar import answer, node

CUTS = int(os.environ.get("ARGUS_POWER_CUTS", "200"))
SAVING_SECONDS = 0.004  # about as long as the answer, the save and the report after it take


def in_mount(image, folder):
    """A wrapper: in a mount namespace of its own, which takes mount and loop device along when it ends."""
    return ["unshare", "--mount", "sh", "-c", f'mount -o loop {image} {folder} && exec "$@"', "sh"]


@pytest.fixture
def disk(own_mounts, tmp_path):
    """An image with a stored object, and a folder to mount it on."""
    image, folder = tmp_path / "image", tmp_path / "disk"
    folder.mkdir()
    image.touch()
    os.truncate(image, 8 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0", image], check=True)
    store = f"mkdir {folder}/{HOSTNAME} && cat >{folder}/{HOSTNAME}/node.json"
    done = subprocess.run([*in_mount(image, folder), "sh", "-c", store], input=OLD, capture_output=True, check=False)
    if b"mount:" in done.stderr:
        pytest.skip(f"needs loop devices: modprobe loop; mount says: {done.stderr.decode().strip()}")
    assert done.returncode == 0, done.stderr
    return image, folder


def after_power_cut(image, folder):
    """What node.json holds for whoever mounts the image: (bytes or None, the names beside it)."""
    show = f"ls -A {folder}/{HOSTNAME}; echo; cat {folder}/{HOSTNAME}/node.json"
    done = subprocess.run([*in_mount(image, folder), "sh", "-c", show], capture_output=True, check=False)
    names, _, content = done.stdout.partition(b"\n\n")
    return content, names.decode().split()


def cut_the_power(started, image, copy):
    """The image as it is now: the agent stands still meanwhile, and then is gone."""
    started.pause()
    shutil.copyfile(image, copy)
    started.kill()


def test_power_cuts_while_it_saves(agent, renaming_master, disk, tmp_path):
    template, folder = disk
    chance = random.Random(int(os.environ["ARGUS_SEED"]))
    counts = {"old": 0, "new": 0, "reported": 0, "temporary files": 0}
    for number in range(CUTS):
        image, copy = tmp_path / "used", tmp_path / "copy"
        shutil.copyfile(template, image)
        seen = len(renaming_master.requests)
        started = agent(MASTER_ENDPOINT=renaming_master.url, AGENT_STATE_ROOT=str(folder),
                        wrapper=in_mount(image, folder))
        end = time.monotonic() + 20
        while len(renaming_master.requests) == seen and time.monotonic() < end:
            time.sleep(0.0001)
        time.sleep(max(0, chance.uniform(-SAVING_SECONDS, SAVING_SECONDS)))  # half of them at once
        cut_the_power(started, image, copy)

        reported = any(request.kind == "report" for request in renaming_master.requests[seen:])
        content, names = after_power_cut(copy, folder)
        assert content in (OLD, NEW), f"cut {number}: {content[:200]!r}, {names}"
        assert content == NEW or not reported, f"cut {number}: the Master was told of an id that is lost"
        counts["new" if content == NEW else "old"] += 1
        counts["reported"] += reported
        counts["temporary files"] += any(name.endswith(".tmp") for name in names)
    print(counts)
    assert CUTS < 50 or counts["old"] and counts["new"], "the cuts were on both sides of the save"


def test_without_fsync_the_power_cut_is_seen(agent, renaming_master, disk, tmp_path):
    """That this test can fail: with an fsync that does nothing, the Master is told of an id that the disk has not."""
    image, folder = disk
    no_fsync = ["strace", "-D", "-f", "-o", "/dev/null", "-e", "trace=fsync", "--inject=fsync:retval=0"]
    started = agent(MASTER_ENDPOINT=renaming_master.url, AGENT_STATE_ROOT=str(folder),
                    wrapper=[*in_mount(image, folder), *no_fsync])
    started.wait_online()
    cut_the_power(started, image, tmp_path / "copy")
    assert renaming_master.requests[-1].path.endswith("/B2/status")
    assert after_power_cut(tmp_path / "copy", folder)[0] != NEW


def test_the_disk_turns_read_only(agent, renaming_master, disk, tmp_path):
    """As after an error with errors=remount-ro; and then another is mounted in its place, under the agent that runs."""
    image, folder = disk
    shutil.copyfile(image, tmp_path / "other")
    started = agent(MASTER_ENDPOINT=renaming_master.url, AGENT_STATE_ROOT=str(folder), REPORT_INTERVAL_SECONDS="1",
                    wrapper=in_mount(image, folder))
    started.wait_online()

    def in_its_mounts(*command):
        subprocess.run(["nsenter", "-t", str(started.pid), "-m", *command], check=True)

    in_its_mounts("mount", "-o", "remount,abort", folder)
    renaming_master.lie("register", answer(200, node("C3")), closes=False)
    started.send(signal.SIGHUP)  # so that a new id has to be stored
    started.wait_log("state-unwritable")
    started.wait_log("report-ok", count=len(started.entries("report-ok")) + 2)
    assert renaming_master.requests[-1].path.endswith("/C3/status")

    in_its_mounts("umount", "--lazy", folder)
    in_its_mounts("mount", "-o", "loop", tmp_path / "other", folder)
    started.wait_log("state-recovered")
    assert len(started.entries("state-unwritable")) == len(started.entries("state-recovered")) == 1
    with open(f"/proc/{started.pid}/root{folder}/{HOSTNAME}/node.json", encoding="utf-8") as stored:
        assert json.load(stored)["id"] == "C3"
