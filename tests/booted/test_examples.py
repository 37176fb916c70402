# SPDX-License-Identifier: MIT
"""The drop-ins that are shipped as examples, each put in place as its head says, under the sandbox of the unit."""

import json
import subprocess
import sys
from pathlib import Path

from support.installed import ENVIRONMENT_FILE, settings_text
from support.machine import NAME, UNIT
from support.network import ADDRESS, TOKEN, secured_master_of
from support.wait import wait_until

EXAMPLES = Path(__file__).resolve().parents[2] / "units/examples"
FLOODER = Path(__file__).with_name("flood_bus.py")


def use_example(machine, name):
    machine.drop_in((EXAMPLES / f"{name}.conf").read_text(), name=name)


def test_old_modules_may_keep_their_files_to_themselves(running, master):
    health = f"/private/argus/agent/{NAME}/health"
    wait_until((running.root / health[1:]).is_dir, 10, "health/ is there")
    running.run(["sh", "-c", f"umask 077; echo '{{\"old\": 1}}' >{health}/log-old.json"])
    wait_until(lambda: any("0640" in entry["MESSAGE"]
                                                    for entry in running.events("health-file-bad")), 10, "it says that it may not")

    use_example(running, "old-modules")
    running.systemctl("restart", UNIT)
    wait_until(lambda: master.wait_node()["health"].get("log-old") == {"old": 1}, 10, "the file arrives")
    status = running.run(["cat", f"/proc/{running.main_pid()}/status"]).stdout
    assert "CapEff:\t0000000000000004" in status and "CapBnd:\t0000000000000004" in status  # CAP_DAC_READ_SEARCH only


def test_the_state_may_be_elsewhere(running, master):
    node = master.wait_node()
    running.systemctl("stop", UNIT)
    running.run(["install", "-d", "-m", "2750", "-o", "argus-agent", "-g", "argus-health", "/srv/argus/agent"])
    running.run(["mv", f"/private/argus/agent/{NAME}", "/srv/argus/agent/"])
    use_example(running, "state-root")
    before = len(master.requests("report"))
    running.systemctl("start", UNIT)
    running.wait_active()
    wait_until(lambda: len(master.requests("report")) > before, 10, "it reports")

    sent = master.documents("register")[-1]
    assert sent["id"] == node["id"]
    modes = running.run(["stat", "-c", "%a %U %G", f"/srv/argus/agent/{NAME}/health"]).stdout.strip()
    assert modes == "3770 argus-agent argus-health"
    assert not (running.root / "private/argus/agent" / NAME).exists()


def test_a_token_as_a_credential(machine, directory):
    master = secured_master_of(directory)
    machine.write("/etc/argus/ca.pem", (directory / "ca.pem").read_text())
    for name in "client.crt", "client.key":
        source = directory / ("client.pem" if name == "client.crt" else "client.key")
        machine.write(f"/etc/argus/{name}", source.read_text(), mode=0o600)
    machine.write("/etc/argus/master-token", TOKEN + "\n", mode=0o600)
    text = (EXAMPLES / "secrets-by-credential.conf").read_text()
    machine.drop_in(text.replace("#LoadCredential", "LoadCredential"), name="secrets")
    machine.write(ENVIRONMENT_FILE, settings_text(MASTER_ENDPOINT=master.url, MASTER_CA_FILE="/etc/argus/ca.pem"),
                  mode=0o600)
    try:
        machine.start(ADDRESS)
        assert master.wait_node()["name"] == NAME
    finally:
        master.stop()


def peak_of_its_own(machine):
    """Bytes, without what is mapped from files."""
    lines = machine.run(["cat", f"/proc/{machine.main_pid()}/status"]).stdout.splitlines()
    kilobytes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines) if " kB" in rest}
    return (kilobytes["VmHWM"] - kilobytes["RssFile"]) * 1024


def test_within_a_memory_limit(running, master):
    master.wait_node()
    use_example(running, "memory-limit")
    running.systemctl("restart", UNIT)
    health = f"/private/argus/agent/{NAME}/health"
    filler = "x" * (1024 * 1024 - 64)
    for number in range(8):  # all that is ever reported: 8 MiB
        running.write(f"{health}/.big.tmp", json.dumps(filler), mode=0o644)
        running.run(["mv", f"{health}/.big.tmp", f"{health}/log-big{number}.json"])
    wait_until(lambda: len(master.wait_node()["health"]) >= 7, 20, "all of it arrives")
    # and meanwhile the greatest calls that the bus takes from anyone
    running.run(["useradd", "--no-create-home", "somebody"])
    uid = running.run(["id", "-u", "somebody"]).stdout.strip()
    before = len(master.requests("report"))
    flood = subprocess.run([sys.executable, FLOODER, uid, "8", str(31 * 1024 * 1024)],
                           cwd=f"/proc/{running.init}/root/run/dbus", stdout=subprocess.PIPE, text=True, timeout=30, check=True)
    assert int(flood.stdout) >= 4
    wait_until(lambda: len(master.requests("report")) > before + 2, 10, "reports go on")
    assert running.show("NRestarts") == "0"
    # not every kernel that tests run on has the limit itself
    limit = int(running.show("MemoryMax"))
    assert limit < 100 * 1024 * 1024 and peak_of_its_own(running) < limit
