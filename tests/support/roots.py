# SPDX-License-Identifier: MIT
"""Root file systems to boot: made once by mmdebstrap, kept in a cache, never changed afterwards.

Environment:
  ARGUS_ROOT_CACHE     where they are kept (default: /var/cache/argus-agent-test/roots, or the user's cache directory)
  ARGUS_DEBIAN_MIRROR  the Debian mirror (default: mmdebstrap's own); http_proxy and the like are passed through as well
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

BOOTABLE = ["systemd", "systemd-sysv", "dbus", "iproute2", "procps", "libcjson1"]
PACKAGES = {
    "bullseye": [*BOOTABLE, "libcurl4", "policykit-1"],
    "bookworm": [*BOOTABLE, "libcurl4", "polkitd", "systemd-resolved", "libnss-resolve"],
    "trixie": [*BOOTABLE, "libcurl4t64", "polkitd", "systemd-resolved", "libnss-resolve"],
}


def with_broker(suite):
    """Installed, dbus-broker takes the place of dbus-daemon."""
    return [*PACKAGES[suite], "dbus-broker"]


def cache_directory():
    if named := os.environ.get("ARGUS_ROOT_CACHE"):
        return Path(named)
    if os.geteuid() == 0:
        return Path("/var/cache/argus-agent-test/roots")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "argus-agent-test/roots"


@contextlib.contextmanager
def locked(path):
    """Two runs that start together must not build the same root twice, nor sweep away each other's half."""
    with open(path, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock


def cached_root(suite, packages=None):
    """The path of a minimal root of this suite with these packages (default: what a booted test needs)."""
    packages = PACKAGES[suite] if packages is None else packages
    cache = cache_directory()
    cache.mkdir(parents=True, exist_ok=True)
    key = hashlib.sha256(" ".join(sorted(packages)).encode()).hexdigest()[:12]
    root, partial = cache / f"{suite}-{key}", cache / f"{suite}-{key}.partial"
    with locked(cache / f"{suite}-{key}.lock") as lock:
        if root.is_dir():
            return root
        if partial.exists():  # left by a build that was interrupted
            shutil.rmtree(partial)
        print(f"building the {suite} root in {root} (about 15 s, once)", flush=True)
        build(suite, packages, partial, lock)
        partial.rename(root)  # only a whole root ever has the final name
    return root


def build(suite, packages, directory, lock):
    command = ["mmdebstrap", "--quiet", "--variant=minbase"]
    if packages:
        command.append("--include=" + ",".join(packages))
    command += [suite, str(directory)]
    if mirror := os.environ.get("ARGUS_DEBIAN_MIRROR"):
        command.append(mirror)
    try:
        # It holds the lock too: if only we are killed, the next run waits for its end.
        subprocess.run(command, check=True, pass_fds=[lock.fileno()])
    except (OSError, subprocess.CalledProcessError) as error:
        shutil.rmtree(directory, ignore_errors=True)
        raise SystemExit(f"no {suite} root could be built: {error}\n"
                         "Is mmdebstrap installed and a Debian mirror reachable? ARGUS_DEBIAN_MIRROR can name another.")
