# SPDX-License-Identifier: MIT
"""What is installed in a booted machine: the tree that "meson install" makes, as a layer to boot with, and settings.

Environment (paths are relative to the repository):
  ARGUS_BUILD_DIR    the build to install from, configured with --prefix=/usr (default: build, made when missing)
  ARGUS_BOOTED_TREE  an installed tree that is there already, an unpacked package say
"""

import os
import subprocess
from pathlib import Path

from support.network import MASTER_URL

REPOSITORY = Path(__file__).parents[2]
ENVIRONMENT_FILE = "/etc/argus/agent.env"
SETTINGS = {"MASTER_ENDPOINT": MASTER_URL, "REPORT_INTERVAL_SECONDS": "2"}


def installed_tree(directory):
    if given := os.environ.get("ARGUS_BOOTED_TREE"):
        return REPOSITORY / given
    build = REPOSITORY / os.environ.get("ARGUS_BUILD_DIR", "build")
    if not (build / "build.ninja").exists():
        subprocess.run(["meson", "setup", "--prefix=/usr", "--buildtype=debugoptimized", build, REPOSITORY],
                       check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", build, "--quiet"], check=True)
    subprocess.run(["meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", directory], check=True)
    return directory


def as_a_package_would(machine):
    """What a package's scripts do after its files are in place; the directories come with the boot that follows."""
    for command in ["systemd-sysusers"], ["systemctl", "preset", "argus-agent.service"]:
        subprocess.run(["unshare", "--mount", "sh", "-c", 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"',
                        machine.root, *command], check=True)


def settings_text(**changed):
    """An agent.env; a setting of None is left out."""
    return "".join(f"{name}={value}\n" for name, value in {**SETTINGS, **changed}.items() if value is not None)
