# SPDX-License-Identifier: MIT
"""`argusctl check` says what the service gets: the same settings files, read by systemd for both."""

import base64
import json
import re

from support.installed import ENVIRONMENT_FILE, settings_text
from support.machine import UNIT
from support.network import ADDRESS, MASTER_URL
from support.wait import wait_until

D = "/etc/argus/agent.env.d/"
DROP_IN = f"/etc/systemd/system/{UNIT}.d/settings.conf"
MASTER = f"MASTER_ENDPOINT={MASTER_URL}\n".encode()
NAMED = MASTER + b"AGENT_ENV=dev\nAGENT_INSTANCE=web01\n"  # with AGENT_USER that is a whole identity

# What the files hold, and the words for their fault: file, line, beginning. A directory is None.
CASES = {
    "plain": ({ENVIRONMENT_FILE: MASTER}, None),
    "ampersand": ({ENVIRONMENT_FILE: MASTER.rstrip() + b"/a&touch /tmp/was-run\n"}, None),
    "comment that ends in a backslash": ({ENVIRONMENT_FILE: b"# C:\\argus\\\n" + MASTER},
                                         ("agent.env:1", "the comment ends in a backslash")),
    "byte order mark": ({ENVIRONMENT_FILE: b"\xef\xbb\xbf" + MASTER}, ("agent.env:1", "a byte order mark")),
    "CRLF": ({ENVIRONMENT_FILE: MASTER.replace(b"\n", b"\r\n") + b"AGENT_USER=al\r\n"}, None),
    "export": ({ENVIRONMENT_FILE: b"export " + MASTER}, ("agent.env:1", '"export" is shell syntax')),
    "comment behind a value": ({ENVIRONMENT_FILE: MASTER.rstrip() + b" # ours\n"}, None),
    "NUL": ({ENVIRONMENT_FILE: b"AGENT_USER=al\n" + MASTER.rstrip() + b"\0\n"}, ("agent.env:2", "NUL byte")),
    "open quote": ({ENVIRONMENT_FILE: b'AGENT_USER="al\n' + MASTER}, ("agent.env:1", "the quote is not closed")),
    "blanks without quotes": ({ENVIRONMENT_FILE: NAMED + b"AGENT_USER=ops team\n"}, None),
    "not UTF-8": ({ENVIRONMENT_FILE: MASTER, D + "1.env": b"AGENT_ENV=prod\nAGENT_USER=\xff\n"},
                  ("1.env:2", "not UTF-8")),
    "a directory": ({D + "1.env": None, D + "2.env": MASTER}, ("1.env", "a directory")),
    "9 after 20": ({D + "9.env": b"AGENT_USER=nine\n", D + "20.env": NAMED + b"AGENT_USER=twenty\n"}, None),
    "single quotes": ({ENVIRONMENT_FILE: NAMED + b"AGENT_USER='it'\"s\"\\ me\n"}, None),
    "escaped quotes": ({ENVIRONMENT_FILE: NAMED + b'AGENT_USER="a \\"b\\" \\$c \\d"\n'}, None),
    "continued line": ({ENVIRONMENT_FILE: MASTER.rstrip() + b",\\\n http://10.77.0.2:3000\nAGENT_USER=al\n"}, None),
    "blanks around =": ({ENVIRONMENT_FILE: b"  MASTER_ENDPOINT = " + MASTER_URL.encode() + b" \t\n"}, None),
    "no value": ({ENVIRONMENT_FILE: MASTER + b"AGENT_USER=\nAGENT_ENV=''\n"}, None),
    "one name twice": ({ENVIRONMENT_FILE: b"MASTER_ENDPOINT=http://127.0.0.1:1\n" + MASTER}, None),
    "comments with ;": ({ENVIRONMENT_FILE: b"; MASTER_ENDPOINT=x\n" + MASTER}, None),
    "value with #": ({ENVIRONMENT_FILE: NAMED + b"AGENT_USER=#1\n"}, None),
    "long line": ({ENVIRONMENT_FILE: NAMED + b"AGENT_USER=" + b"x" * 100_000 + b"\n"}, None),
    "longer than the kernel takes": ({ENVIRONMENT_FILE: MASTER + b"X=" + b"x" * 140_000 + b"\n"}, None),
    "control character": ({ENVIRONMENT_FILE: MASTER + b"AGENT_USER=\x1b[31mred\n"},
                          ("agent.env:2", "the value contains a control")),
    "bad name": ({ENVIRONMENT_FILE: MASTER + b"AGENT-USER=al\n"}, ("agent.env:2", "invalid name")),
    "not an assignment": ({ENVIRONMENT_FILE: MASTER + b"AGENT_USER: al\n"}, ("agent.env:2", "not an assignment")),
    "drop-in": ({DROP_IN: b"[Service]\nEnvironment=AGENT_USER=drop-in " + NAMED.replace(b"\n", b" ") + b"\n"}, None),
    "drop-in without settings": ({DROP_IN: b"[Service]\nNice=1\n"}, None),
    "drop-in with a file that is not there": ({DROP_IN: b"[Service]\nEnvironmentFile=/etc/argus/none\n",
                                               ENVIRONMENT_FILE: MASTER}, ("/etc/argus/none", "missing")),
    "nothing": ({}, None),
}

# Each start has its own; PWD is the stand-in's shell's.
OWN = re.compile(rb"(PWD|INVOCATION_ID|JOURNAL_STREAM|NOTIFY_SOCKET|WATCHDOG_\w+|RUNTIME_DIRECTORY|SYSTEMD_EXEC_PID"
                 rb"|MANAGERPID\w*|MEMORY_PRESSURE_\w+)=")


def write_settings(machine, files):
    machine.systemctl("stop", UNIT, check=False)
    machine.run(["sh", "-c", f"rm -rf /etc/argus {DROP_IN}; mkdir -p {D}"])
    for path, content in files.items():
        if content is None:
            machine.run(["mkdir", "-p", path])
            continue
        file = machine.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        file.chmod(0o600)
    machine.systemctl("daemon-reload")
    machine.systemctl("reset-failed", UNIT, check=False)


def check(machine):
    return machine.run(["argusctl", "check"], check=False)


def start(machine):
    """How the start of the service ends: "active", "skipped", or the status with which it fails."""
    machine.systemctl("start", UNIT, check=False)
    if machine.show("ConditionResult") == "no":
        return "skipped"
    if machine.show("ActiveState") == "active":
        return "active"
    return machine.show("ExecMainStatus") if machine.show("Result") == "exit-code" else machine.show("Result")


def environment(data):
    return sorted(entry for entry in data.split(b"\0") if entry and not OWN.match(entry))


def environment_of_service(machine):
    pid = machine.main_pid()
    return environment(base64.b64decode(machine.run(["base64", f"/proc/{pid}/environ"]).stdout))


def disagreement(machine, files, fault):
    """What the check says wrongly of these files; empty if nothing."""
    write_settings(machine, files)
    said = check(machine)
    outcome = start(machine)
    expected = {"active": 0, "skipped": 78, "resources": 1}.get(outcome) if not outcome.isdigit() else int(outcome)
    wrong = []
    if said.returncode != expected:
        wrong.append(f"exit status {said.returncode}, service {outcome}")
    if (outcome == "skipped") != ("not configured" in said.stdout and f"\n  {ENVIRONMENT_FILE}\n" in said.stdout):
        wrong.append("skipped or not")
    warnings = [line for line in said.stdout.splitlines() if re.match(r"Warning: /etc/argus/\S*:", line)]
    if fault is None and warnings or fault and not any(fault[0] + ": " + fault[1] in line for line in warnings):
        wrong.append(f"warnings {warnings}")
    if outcome == "active":
        agent = json.loads(machine.run(["argusctl", "status", "--json"], check=False).stdout)
        wrong += [f"{name} {agent[name]} not shown" for name in ("MasterEndpoint", "Env", "User", "Instance")
                  if agent[name] not in said.stdout]
    return [f"{text}\n{said.stdout}{said.stderr}" for text in wrong]


def test_the_check_and_the_service_agree(machine):
    machine.start(ADDRESS)
    wrong = {name: found for name, (files, fault) in CASES.items()
             if (found := disagreement(machine, files, fault))}
    assert not wrong, "\n".join(f"== {name}\n" + "\n".join(found) for name, found in wrong.items())
    assert not (machine.root / "tmp/was-run").exists()


# In place of the agent: as a service it stays, and with --check it prints the environment that it was given.
STAND_IN = """#!/bin/sh
[ "$1" = --check ] || exec sleep infinity
base64 -w 1000 /proc/$$/environ
"""


def test_the_environment_is_equal_byte_for_byte(machine):
    machine.start(ADDRESS)
    machine.write("/usr/local/bin/stand-in", STAND_IN, mode=0o755)
    machine.drop_in("[Service]\nType=exec\nExecStart=\nExecStart=/usr/local/bin/stand-in\n"
                    "Environment='QUOTES=a \"b\" %% $$ \\\\ \\'' TEXT=b\\303\\244r\nPassEnvironment=LANG\n")
    compared = 0
    for name, (files, _) in CASES.items():
        write_settings(machine, files)
        if start(machine) != "active":
            continue
        of_service = environment_of_service(machine)
        output = check(machine).stdout
        encoded = "".join(line for line in output.splitlines() if not line.startswith("Warning: "))
        assert environment(base64.b64decode(encoded)) == of_service, name
        compared += 1
    assert compared >= 20


def test_a_running_agent_is_left_alone(running, master):
    master.wait_node()
    before = running.run(["sh", "-c", "ls -laR --time-style=full-iso /private /run/argus-agent"]).stdout
    pid = running.main_pid()
    done = check(running)
    assert done.returncode == 0, done.stdout + done.stderr
    assert MASTER_URL in done.stdout
    after = running.run(["sh", "-c", "ls -laR --time-style=full-iso /private /run/argus-agent"]).stdout
    assert running.main_pid() == pid and running.show("NRestarts") == "0"
    names = re.compile(r"\S+$", re.MULTILINE)
    assert names.findall(after) == names.findall(before)
    assert "argus-agent-check" not in running.systemctl("list-units", "--all", "--plain").stdout


def test_credentials_user_and_sandbox_are_those_of_the_service(machine):
    machine.write("/etc/token", "secret\n", mode=0o600)
    machine.write(ENVIRONMENT_FILE, settings_text(), mode=0o600)
    machine.write("/usr/local/bin/stand-in",
                  '#!/bin/sh\nfor name in token set; do cat "$CREDENTIALS_DIRECTORY/$name"; done\nid -un\n'
                  "echo x >/private/argus/agent/made && rm /private/argus/agent/made && echo may write\n"
                  "echo x 2>/dev/null >/etc/made || echo may not write\ngrep ^CapBnd /proc/self/status\n", mode=0o755)
    machine.start(ADDRESS)
    machine.drop_in("[Service]\nExecStart=\nExecStart=/usr/local/bin/stand-in\nLoadCredential=token:/etc/token\n"
                    "SetCredential=set:a\\x22\\x1b[31mb\\x0a\n")
    output = check(machine).stdout
    assert output.splitlines() == ["secret", 'a"[31mb', "argus-agent", "may write", "may not write",
                                   "CapBnd:0000000000000000"]


def test_what_systemd_cannot_set_up_is_said_in_words(machine):
    machine.start(ADDRESS)
    for line, status, words in (("ReadWritePaths=/not-there", 226, "mount namespace"),
                                ("User=nobody-of-this-name", 217, "User="),
                                ("ExecStart=\nExecStart=/usr/bin/not-there", 203, "ExecStart=")):
        machine.drop_in(f"[Service]\n{line}\n")
        done = check(machine)
        assert done.returncode == status and words in done.stderr, done.stdout + done.stderr


# Whose values are shown in another way than they are set, or that come in several at once.
ODD_PROPERTIES = """[Service]
WorkingDirectory=-/not-there
AppArmorProfile=-none
SELinuxContext=-none
SmackProcessLabel=-none
IPAddressDeny=any
IPAddressAllow=localhost 10.0.0.0/8
BindReadOnlyPaths=/usr/share:/mnt -/not-there:/opt
TemporaryFileSystem=/srv:ro
InaccessiblePaths=-/not-there /media
RestrictNamespaces=net user
SystemCallFilter=~mount:EACCES
SystemCallArchitectures=native x86
LimitNOFILE=512:1024
LimitCORE=infinity
MemoryMax=100M
TasksMax=20
DeviceAllow=/dev/null rw
CapabilityBoundingSet=CAP_NET_RAW
AmbientCapabilities=CAP_NET_RAW
SecureBits=noroot
PrivateNetwork=yes
Personality=x86-64
UnsetEnvironment=NOTHING TEXT=x
MountFlags=slave
"""


def test_odd_properties_are_copied(machine):
    machine.write(ENVIRONMENT_FILE, settings_text(), mode=0o600)
    machine.start(ADDRESS)
    machine.drop_in(ODD_PROPERTIES)
    done = check(machine)
    assert done.returncode == 0 and "Warning: checked without" not in done.stdout, done.stdout + done.stderr


def test_modes_and_omissions_are_said(machine):
    machine.write(ENVIRONMENT_FILE, settings_text(), mode=0o644)
    machine.start(ADDRESS)
    machine.drop_in("[Unit]\nConditionPathExists=!/there\n[Service]\nStateDirectory=argus-made\n")
    done = check(machine)
    assert "agent.env: every user may read it" in done.stdout and done.returncode == 0
    assert "without StateDirectory= of the unit" in done.stdout
    assert "Warning: ConditionPathExists=!/there was not checked" in done.stdout
    assert not (machine.root / "var/lib/argus-made").exists()


def test_an_interrupt_stops_and_removes_the_unit(machine):
    machine.write("/usr/local/bin/stand-in", "#!/bin/sh\necho begun\nsleep infinity\n", mode=0o755)
    machine.start(ADDRESS)
    machine.drop_in("[Service]\nExecStart=\nExecStart=/usr/local/bin/stand-in\n")
    done = machine.run(["timeout", "--preserve-status", "-s", "INT", "3", "stdbuf", "-oL", "argusctl", "check"],
                       check=False)
    assert done.returncode == 130, done.stdout + done.stderr
    wait_until(lambda: "argus-agent-check" not in machine.systemctl(
        "list-units", "--all", "--plain").stdout, 10, "the unit is gone")


def test_only_for_root(machine):
    machine.start(ADDRESS)
    done = machine.run(["argusctl", "check"], user="nobody", check=False)
    assert done.returncode == 1 and "sudo argusctl check" in done.stderr
