# SPDX-License-Identifier: MIT
"""The unit's sandbox: tight, in force, and still letting all of the job be done.

What the job needs and other tests prove on the way: the state directory, other users' health files, D-Bus, the journal
and the watchdog (test_e2e.py), news of the network (test_another_address_while_it_runs_is_noticed).
"""

import re
import shlex

import pytest

from support.dns import Dnsmasq
from support.installed import ENVIRONMENT_FILE, settings_text
from support.machine import UNIT
from support.network import ADDRESS, MASTER_ADDRESS, TOKEN, secured_master_of
from support.wait import wait_until

MOST_EXPOSURE = 1.3


def exposure(output):
    return float(re.search(r"Overall exposure level.*?: ([0-9.]+)", output).group(1))


def test_the_unit_is_clean_and_tight(running):
    path = running.show("FragmentPath")
    verified = running.run(["systemd-analyze", "verify", "--man=no", path], check=False)
    assert verified.returncode == 0 and verified.stdout + verified.stderr == ""
    assert exposure(running.run(["systemd-analyze", "security", "--no-pager", UNIT]).stdout) <= MOST_EXPOSURE
    offline = running.run(["systemd-analyze", "security", "--offline=yes", "--no-pager", path], check=False)
    if "unrecognized option" not in offline.stderr:  # systemd 250 and later
        assert exposure(offline.stdout) <= MOST_EXPOSURE


def test_the_process_has_no_rights_to_speak_of(running, master):
    master.wait_node()
    status = dict(line.split(":\t", 1) for line in
                  running.run(["cat", f"/proc/{running.main_pid()}/status"]).stdout.splitlines() if ":\t" in line)
    uid = running.run(["id", "-u", "argus-agent"]).stdout.strip()
    health_group = running.run(["sh", "-c", "getent group argus-health | cut -d: -f3"]).stdout.strip()
    assert set(status["Uid"].split()) == {uid}
    assert health_group in status["Groups"].split()
    for capabilities in "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb":
        assert int(status[capabilities], 16) == 0, capabilities
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"


# What a process in this sandbox tries, and whether it can.
PROBES = {
    "write the state": ("echo >/private/argus/agent/probe && rm /private/argus/agent/probe", True),
    "read another user's health file": ("cat /private/argus/agent/probed/health/log-x.json", True),
    "make health/":
        ("cd /private/argus/agent && umask 007 && mkdir new && perl -e 'mkdir qw(new/health), 01770 or exit 1'",
         True),
    "read the processor's count": ("test -n \"$(cat /sys/devices/system/cpu/online)\"", True),
    "read the PCI devices": ("ls /sys/class", True),
    "read its control group": ("cat /proc/self/cgroup && ls /sys/fs/cgroup", True),
    "read a CA bundle": ("cat /etc/argus-ca.pem", True),
    "look a name up": ("getent ahosts by-hosts-file.test", True),
    "hear of changed addresses":  # 16 is AF_NETLINK, and RTMGRP_IPV4_IFADDR
        ("perl -MSocket -e 'socket(S, 16, SOCK_RAW, 0) and bind(S, pack(qw(SSLL), 16, 0, 0, 16)) or exit 1'", True),
    "reach D-Bus": ("busctl --no-pager status >/dev/null", True),
    "set the set-group-ID bit": ("cd /private/argus/agent && mkdir -p bit && chmod 3770 bit", False),
    "write /etc": ("echo >/etc/probe", False),
    "write /usr": ("echo >/usr/probe", False),
    "write what is others' in /private": ("echo >/private/argus/probe", False),
    "write /var": ("echo >/var/tmp/../lib/probe", False),
    "see home directories": ("ls /root/* /home/*", False),
    "see another's process": ("ls -d /proc/1", False),
    "read the kernel's settings": ("cat /proc/sys/kernel/hostname", False),
    "write the kernel's settings": ("echo 1 >/sys/kernel/mm/transparent_hugepage/enabled", False),
    "make a namespace": ("unshare --user true", False),
    "change the host name": ("hostname probe || echo probe >/proc/sys/kernel/hostname", False),
    "become a real-time process": ("chrt -f 10 true", False),
    "open a raw socket": ("perl -MSocket -e 'socket(S, AF_PACKET(), SOCK_RAW, 0) or exit 1'", False),
    "open a raw IP socket": ("perl -MSocket -e 'socket(S, AF_INET, SOCK_RAW, 1) or exit 1'", False),
    "change its personality": ("setarch --addr-no-randomize true", False),
}


def test_every_directive_is_in_force(machine, master):
    """Runs the probes in a unit with the very directives of ours, and compares what each could do."""
    script = "#!/bin/sh\n"
    for name, (command, _) in PROBES.items():
        script += f"if ( {command} ) >/dev/null 2>&1; then can=yes; else can=no; fi; echo {shlex.quote(name)}: $can\n"
    machine.write("/usr/local/bin/probe", script, mode=0o755)
    machine.write("/etc/hosts", "10.77.0.9 by-hosts-file.test\n")
    machine.write("/home/somebody/file", "")
    machine.write("/etc/argus-ca.pem", "")
    machine.start(ADDRESS)
    machine.run(["sh", "-c", "cd /private/argus/agent && install -d -m 2770 -g argus-health probed/health && "
                             "install -m 640 -g argus-health /dev/null probed/health/log-x.json"])
    ours = machine.run(["cat", machine.show("FragmentPath")]).stdout
    probing = re.sub(r"(?m)^ExecStart=.*", "ExecStart=/usr/local/bin/probe", ours)
    probing = re.sub(r"(?m)^(Type|BusName|Restart|RestartSec|WatchdogSec|RuntimeDirectory)=.*\n", "", probing)
    machine.write("/etc/systemd/system/probe.service", probing.replace("[Service]", "[Service]\nType=oneshot"))
    machine.systemctl("daemon-reload")
    machine.systemctl("start", "probe.service")

    def said():
        return [entry["MESSAGE"] for entry in machine.journal("_SYSTEMD_UNIT=probe.service", "_TRANSPORT=stdout")]

    wait_until(lambda: len(said()) >= len(PROBES), 10, "the probes have ended")
    assert said() == [f"{name}: {'yes' if allowed else 'no'}" for name, (_, allowed) in PROBES.items()]
    # Seen from outside: in its user namespace the service has names for its own user and group only.
    made = machine.run(["stat", "-c", "%a %U %G %n", "/private/argus/agent/new", "/private/argus/agent/new/health"])
    assert made.stdout.splitlines() == ["2770 argus-agent argus-health /private/argus/agent/new",
                                        "3770 argus-agent argus-health /private/argus/agent/new/health"]


@pytest.mark.parametrize("by", ["hosts-file", "resolv-conf", "resolved"])
def test_the_masters_name_is_found(machine, master, directory, by):
    name = f"by-{by}.test"
    machine.write(ENVIRONMENT_FILE, settings_text(MASTER_ENDPOINT=f"http://{name}:3000"), mode=0o600)
    if by == "hosts-file":
        machine.write("/etc/hosts", f"127.0.0.1 localhost\n{MASTER_ADDRESS} {name}\n")
    if by != "resolved":
        (machine.root / "etc/systemd/system/systemd-resolved.service").symlink_to("/dev/null")
        (machine.root / "etc/resolv.conf").unlink(missing_ok=True)
        machine.write("/etc/resolv.conf", f"nameserver {MASTER_ADDRESS}\n")
    elif not (machine.root / "lib/systemd/systemd-resolved").exists():
        pytest.skip("no resolved in this root")
    else:
        machine.write("/etc/systemd/resolved.conf", f"[Resolve]\nDNS={MASTER_ADDRESS}\nDomains=~.\nDNSSEC=no\n")
    server = Dnsmasq(directory)
    try:
        if by != "hosts-file":
            server.answer(name, MASTER_ADDRESS)
        machine.start(ADDRESS)
        assert master.wait_node(15)["meta_data"]["ip"] == ADDRESS
    finally:
        server.kill()


def test_a_secured_master_with_the_secrets_as_credentials(machine, network, directory):
    master = secured_master_of(directory)
    machine.write("/etc/argus/ca.pem", (directory / "ca.pem").read_text())
    secrets = {"client.crt": (directory / "client.pem").read_text(), "client.key": (directory / "client.key").read_text(),
               "master-token": TOKEN + "\n"}
    for name, content in secrets.items():
        machine.write("/etc/argus/secret/" + name, content, mode=0o600)
    machine.drop_in("[Service]\n" + "".join(f"LoadCredential={name}:/etc/argus/secret/{name}\n" for name in secrets))
    machine.write(ENVIRONMENT_FILE, settings_text(MASTER_ENDPOINT=master.url, MASTER_CA_FILE="/etc/argus/ca.pem"),
                  mode=0o600)
    try:
        machine.start(ADDRESS)
        master.wait_node()
        told = machine.run(["sh", "-c", f"journalctl; systemctl show {UNIT}; cat /proc/{machine.main_pid()}/cmdline; "
                                        "busctl --no-pager introspect org.argus.Agent1 /org/argus/Agent1"]).stdout
        assert TOKEN not in told
    finally:
        master.stop()


def test_without_its_directory_it_works_from_memory(running, master):
    node = master.wait_node()
    running.systemctl("stop", UNIT)
    running.run(["rm", "-r", "/private/argus"])
    before = len(master.requests("report"))
    running.systemctl("start", UNIT)
    wait_until(lambda: len(master.requests("report")) > before, 10, "it reports all the same")
    assert master.wait_node()["id"] == node["id"]  # the Master gives the known name its node back
    assert running.events("state-unwritable")
