# SPDX-License-Identifier: MIT
"""What must hold during a chaos run and after it. Each check gives words of what is wrong, none if all is well."""

import statistics

from world import WATCHDOG_SECONDS

ONLINE_WITHIN = 70  # seconds after the last fault: the backoff of a registration ends at 60 s
ON_BUS_WITHIN = 60  # a bus that keeps breaking is tried every 30 s at last, and a little later
LATE = 0.5  # seconds that an answer may take before it is open whether the agent still waited for it (it waits 1 s)
# The heap keeps what the biggest files and answers once needed; in a life with many quiet points that is long over.
RSS_SLACK, RSS_SLACK_OF_A_SHORT_LIFE = 1 << 20, 6 << 20
MANY_QUIET_POINTS = 12
FD_SLACK = 3
CPU_SHARE = 0.10
LINES_PER_SECOND = 10
WARM_UP = 20  # seconds


class Ledger:
    """What the Master has answered."""

    def __init__(self, entries, master_stops):
        self.entries = entries
        self._master_stops = master_stops

    def reports(self, life, what="sent"):
        end = life.ended or float("inf")
        return [entry for entry in self.entries
                if entry["kind"] == "report" and entry["what"] == what and life.begun <= entry["at"] <= end]

    def is_in_doubt(self, entry, agent_stops):
        """Whether the agent may have given up before it had this answer."""
        begun, end = entry["at"] - entry["took"] - LATE, entry["at"] + LATE
        return entry["took"] > LATE or any(begun < to and since < end
                                           for since, to in (*agent_stops, *self._master_stops))

    def account(self, life, successes):
        """The agent's successes against the Master's: (words, sure, possible)."""
        sure = sum(entry["good"] and not self.is_in_doubt(entry, life.stops) for entry in self.reports(life))
        possible = sum(entry["good"] for entry in self.reports(life, "answering"))
        # one may be under way while the two are read
        if sure - 1 <= successes <= possible:
            return [], sure, possible
        return ([f"pid {life.pid} counts {successes} reports as successful, the Master {sure} to {possible}"],
                sure, possible)


def check_watchdog(manager, lives, now):
    feedings = [note.monotonic for note in manager.all("WATCHDOG")]
    for life in lives:
        end = life.ended or now
        fed = [life.begun, *(at for at in feedings if life.begun <= at <= end), end]
        for before, after in zip(fed, fed[1:]):
            stopped = sum(max(0, min(after, to) - max(before, since)) for since, to in life.stops)
            if after - before - stopped > WATCHDOG_SECONDS:
                yield f"pid {life.pid} did not feed the watchdog for {after - before - stopped:.1f} s"


def settled(life):
    return [sample for sample in life.samples if sample[0] - life.begun >= WARM_UP]


def check_growth(lives, is_sanitized):
    for life in lives:
        samples = settled(life)
        if len(samples) < 3:
            continue
        third = max(1, len(samples) // 3)
        rss_slack = RSS_SLACK if len(samples) >= MANY_QUIET_POINTS else RSS_SLACK_OF_A_SHORT_LIFE
        for name, at, slack in (("RSS", 1, rss_slack), ("number of open files", 2, FD_SLACK)):
            if name == "RSS" and is_sanitized:
                continue  # its allocator keeps what is freed
            first = statistics.median(sample[at] for sample in samples[:third])
            last = statistics.median(sample[at] for sample in samples[-third:])
            if last > first + slack:
                yield f"pid {life.pid}: {name} grew from {first:.0f} to {last:.0f}"


def check_cpu(lives, is_sanitized):
    for life in lives:
        for (before, _, _, cpu_before), (after, _, _, cpu_after) in zip(life.samples, life.samples[1:]):
            share = (cpu_after - cpu_before) / (after - before)
            if share > CPU_SHARE * (10 if is_sanitized else 1):
                yield f"pid {life.pid} used {share:.0%} of a core for {after - before:.0f} s"


def check_log(lives, now):
    for life in lives:
        seconds = (life.ended or now) - life.begun
        if life.lines > 50 + LINES_PER_SECOND * seconds:
            yield f"pid {life.pid} wrote {life.lines} lines in {seconds:.0f} s"


def check_identity(ledger, agent_stops, removals, cuts):
    ids = {entry["id"] for entry in ledger.entries if entry.get("id")}
    if ids - {"A7"}:
        yield f"the agent called itself {ids}"
    # A try that fails at one address goes to the next with the same body; one that succeeded never comes again. But
    # where a connection is cut, an answer may be lost on its way.
    stamps = [entry["stamp"] for entry in ledger.entries
              if entry["what"] == "sent" and entry["good"] and "stamp" in entry
              and not ledger.is_in_doubt(entry, agent_stops)]
    again = len(stamps) - len(set(stamps))
    if again > cuts:
        yield f"{again} reports that were accepted came again, and connections were cut {cuts} times only"
    without = sum(entry["kind"] == "register" and entry["what"] == "answering" and entry["status"] == 200
                  and entry["good"] and not entry["id"] for entry in ledger.entries)
    if without > 1 + removals:
        yield f"{without} registrations without an id, though the state was removed {removals} times"
    torn = [entry["torn"] for entry in ledger.entries if entry.get("torn")]
    if torn:
        yield f"health that no module wrote: {torn[:3]}"
