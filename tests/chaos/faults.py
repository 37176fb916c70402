# SPDX-License-Identifier: MIT
"""How each fault begins, and how it ends. Both are given the world and the fault's parameters."""

import os
import shutil
import signal
import subprocess
import threading
import time

from support.bus import INTERFACE, NAME, PATH
from support.client import BusClient
from world import OWN_NAMESPACES, run

LEFT_OUT = () if OWN_NAMESPACES else ("state-full", "address-changed")


def in_background(function, *arguments):
    """Nobody waits for it, and what a broken bus says to it is no news."""
    def guarded():
        try:
            function(*arguments)
        except Exception:
            pass
    threading.Thread(target=guarded, daemon=True).start()


def begin_misbehaving(world, misdeed):
    world.master.tell(misdeed=misdeed)


def end_misbehaving(world, misdeed):
    world.master.tell(misdeed=None)


def kill_master(world):
    world.master.kill()


def start_master(world):
    world.master.start()


def let_master_forget(world):
    world.master.tell(forget=True)


def stop_for_a_while(process_of):
    """SIGSTOP, with the time noted: what was answered then is in doubt."""
    def stop(world):
        process_of(world).send(signal.SIGSTOP)
        process_of(world).stops.append([time.monotonic(), float("inf")])

    def go_on(world):
        process_of(world).stops[-1][1] = time.monotonic()
        process_of(world).send(signal.SIGCONT)

    return stop, go_on


def shut(name):
    return lambda world: world.master.shut(name), lambda world: world.master.open(name)


def begin_token(world, file_first):
    world.token += 1
    if file_first:
        world.write_token(world.token)
    else:
        world.master.tell(token=world.token_text(world.token))


def end_token(world, file_first):
    world.write_token(world.token)
    world.master.tell(token=world.token_text(world.token))


def begin_authority(world, file_first):
    if file_first:
        world.write_authority(world.master.next_authority())
    else:
        world.master.renew_certificate()


def end_authority(world, file_first):
    if file_first:
        world.master.renew_certificate()
    else:
        world.write_authority(world.master.authority)


def kill_bus(world):
    world.bus.stop()


def start_bus(world):
    world.bus.start()


def stop_bus(world):
    world.bus.daemon.pause()


def continue_bus(world):
    world.bus.daemon.resume()


def kill_agent(world):
    world.life.send(signal.SIGKILL)
    world.life.wait()


def terminate_agent(world):
    world.life.send(signal.SIGTERM)
    status = world.life.wait(10)
    assert status == 0, f"SIGTERM ended the agent with {status}"


def start_agent(world):
    world.start_agent()


def reload_agent(world):
    world.life.send(signal.SIGHUP)


def make_read_only(world):
    for folder in (world.state, world.health):
        if folder.exists():
            folder.chmod(0o555)


def make_writable(world):
    for folder in (world.state, world.health):
        if folder.exists():
            folder.chmod(0o755)


def fill_state(world):
    with open(world.state_root / "filler", "wb", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(65536))
        except OSError:
            pass


def empty_state(world):
    (world.state_root / "filler").unlink()


def remove_state(world):
    gone = world.folder / f"gone-{time.monotonic_ns()}"
    if OWN_NAMESPACES:
        gone = world.state_root / gone.name
    if world.state.exists():
        world.state.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


def leave_log(world):
    world.life.log_is_whole = False
    world.life.reads_log.clear()


def read_log(world):
    world.life.reads_log.set()


def call(world, method):
    interface = "org.freedesktop.DBus.Properties" if method == "GetAll" else INTERFACE
    arguments = ["s", INTERFACE] if method == "GetAll" else []
    in_background(subprocess.run, ["busctl", f"--address={world.bus.address}", "--timeout=25", "call", NAME, PATH,
                                   interface, method, *arguments], -1, None, subprocess.DEVNULL, subprocess.DEVNULL,
                  subprocess.DEVNULL)


def flood(world, method, count):
    def all_at_once():
        client = BusClient(world.bus.address)
        try:
            client.call_many(method, count)
        finally:
            client.close()
    in_background(all_at_once)


def ask_ctl(world):
    environment = os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": world.bus.address}
    in_background(lambda: subprocess.run([world.ctl_program, "status"], env=environment, check=False,
                                         capture_output=True, timeout=30))


def change_address(world):
    """In the network namespace of the run; nothing else is there."""
    old, new = world.addresses
    run("ip", "address", "add", new, "dev", "argus0")
    run("ip", "address", "del", old, "dev", "argus0")
    world.addresses = (new, old)


# fault: (begin, end); the end is None for what takes no time
ACTS = {
    "master-misbehaves": (begin_misbehaving, end_misbehaving),
    "master-killed": (kill_master, start_master),
    "master-stopped": stop_for_a_while(lambda world: world.master),
    "master-forgets": (let_master_forget, None),
    "plain-port-shut": shut("plain"),
    "tls-port-shut": shut("tls"),
    "token-rotated": (begin_token, end_token),
    "ca-rotated": (begin_authority, end_authority),
    "bus-killed": (kill_bus, start_bus),
    "bus-stopped": (stop_bus, continue_bus),
    "agent-killed": (kill_agent, start_agent),
    "agent-terminated": (terminate_agent, start_agent),
    "agent-stopped": stop_for_a_while(lambda world: world.life),
    "agent-reloaded": (reload_agent, None),
    "state-read-only": (make_read_only, make_writable),
    "state-full": (fill_state, empty_state),
    "state-removed": (remove_state, None),
    "log-not-read": (leave_log, read_log),
    "called": (call, None),
    "flooded": (flood, None),
    "argusctl": (ask_ctl, None),
    "address-changed": (change_address, None),
}
