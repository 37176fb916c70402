# SPDX-License-Identifier: MIT
"""The scenarios of the simulated fleet, and what is promised in each. orders.h explains the orders."""

from dataclasses import dataclass, field
from typing import Callable

WARM_UP = 120        # seconds of normal work before the first event
RETRY_AFTER = 120
INTERVAL = 60
FIRST_SECONDS = 12   # the beginning of an outage
AFTERWARDS = 200     # seconds that a scenario continues after the fault
SHORT = 720          # after 12 intervals all effects of a single event are over


@dataclass
class Goal:
    what: str
    measure: Callable
    most: float


@dataclass
class Scenario:
    name: str
    title: str
    seconds: int
    orders: list
    goals: list
    options: dict = field(default_factory=dict)
    begin: int = 0      # this second is the plot's zero
    end: int = None     # the second when the fault ends
    nodes: int = None   # None: the whole fleet
    weight: int = 1     # events per node, in multiples of the usual number
    plot: str = "outages"


# ---- what is measured ----

def load(what, first, last, most, column="requests"):
    return Goal(what, lambda run: max(run.loads(first, last, column)), most)


def back(since, most):
    # the resolution is one second
    return Goal("seconds until all are back", lambda run: run.all_back(since), most + 1)


def missing(run):
    return (run.nodes - run.back[-1]) * 1000 / run.nodes


def mean(what, most):
    return Goal(what, lambda run: sum(run.requests[run.scenario.begin:]) / run.steady
                / (run.scenario.seconds - run.scenario.begin), most)


NONE_MISSING = Goal("nodes without a report in the end", lambda run: run.nodes - run.back[-1], 0)


def gap(most):
    return Goal("seconds without a report, of any node", lambda run: run.summary["longest_gap"], most)


def evenness(run):
    loads = run.loads(run.scenario.begin)
    return max(loads) * len(loads) / sum(loads)


# ---- kinds of scenarios ----

def fault(name, title, hold, during, goals, **more):
    """Something is wrong with the Master for some time; the end is marked."""
    end = WARM_UP + hold
    orders = [*(f"{WARM_UP} {order}" for order in during), f"{end} serve", f"{end} delay seconds=0", f"{end} mark"]
    return Scenario(name, title, end + AFTERWARDS, orders, goals, begin=WARM_UP, end=end, **more)


def outage(name, title, hold, during, wish=0, **more):
    """A fault that all nodes notice: they send no more requests than before, and come back spread out."""
    end = WARM_UP + hold
    return fault(name, title, hold, during, [
        load(f"load in the first {FIRST_SECONDS} s", WARM_UP, WARM_UP + FIRST_SECONDS, 2.1),
        load("load after them", WARM_UP + FIRST_SECONDS, end, 1.1),
        load("load when it is over", end, None, 1.3, "reached"),
        back(end, wish + INTERVAL)], **more)


def repeated(hold, every, *orders):
    """Repeats the orders, each (second within the period, text), in every period."""
    return [f"{at + second} {text}" for at in range(WARM_UP, WARM_UP + hold, every) for second, text in orders]


def series(name, title, hold, orders, goals, **more):
    """The same events are repeated for some time."""
    end = WARM_UP + hold
    return Scenario(name, title, end + AFTERWARDS, [f"{WARM_UP} mark", *orders], goals, begin=WARM_UP, end=end, **more)


def pause(name, title, orders, resume, most, *goals, longest=INTERVAL + 1, **more):
    """Machines are paused, and run again from the second `resume` on. A timer may be a second late."""
    return Scenario(name, title, resume + AFTERWARDS, sorted([*orders, f"{resume} mark"], key=second_of),
                    [load("load when they run again", resume, None, most), back(resume, longest), *goals],
                    begin=WARM_UP, end=resume, plot="pauses", **more)


def second_of(order):
    return int(order.split()[0])


def away_at_boot(interval, orders, title, hold, wish=0, settled=180, **more):
    """The fleet boots while the Master is away; the Master comes after `hold` seconds and serves all."""
    goals = [load(f"load from minute {settled // 60} on", settled, hold, 1.1), load("load when the Master is there", hold, None, 2.3)]
    if interval == INTERVAL:
        goals.append(back(hold, INTERVAL + wish))
    return Scenario(more.pop("name", f"away-at-boot-{interval}"), title, hold + max(2 * interval, AFTERWARDS),
                    [*orders, f"{hold} serve", f"{hold} mark"], [*goals, NONE_MISSING],
                    {"warm-up": 0, "capacity": 4, "interval": interval, **more}, end=hold)


# ---- the scenarios ----

def boots():
    boot = {"warm-up": 0, "boot": 1}
    yield Scenario("boot", "all boot within a second", SHORT, [], [
        load("load in the first interval", 0, INTERVAL, 61.5),
        load("load from the second interval on", INTERVAL, None, 3), NONE_MISSING], boot)
    yield Scenario("boot-10", "all boot within 10 s", AFTERWARDS, [], [
        load("load in the first interval", 0, INTERVAL, 18.5),
        load("load from the second interval on", INTERVAL, None, 3)], {**boot, "boot": 10})
    yield Scenario("boot-60", "all boot within a minute", AFTERWARDS, [], [
        load("load in the first interval", 0, INTERVAL, 4.9),
        # the Master serves 1.2 of the 2 requests of each node; the rest comes in the second interval
        load("load from the third interval on", 2 * INTERVAL, None, 3)], {**boot, "boot": 60})
    yield Scenario("boot-sent-away", "all boot within a second; the excess is sent away for 2 minutes", SHORT, [], [
        load("load after the Retry-After", RETRY_AFTER, None, 3), NONE_MISSING], {**boot, "overload-sent-away": True})
    for interval, hold in ((60, 480), (300, 600), (600, 1200), (3600, 3600)):
        yield away_at_boot(interval, ["0 answer refused"], f"boot while the Master is away; interval {interval} s", hold)
    # five pauses of two to three minutes each, and then the slots
    for interval, hold in ((60, 1200), (600, 1500)):
        yield away_at_boot(interval, ["0 answer 429"], f"boot while all are sent away for 2 minutes; interval {interval} s",
                           hold, RETRY_AFTER, 900, name=f"sent-away-at-boot-{interval}", boot=1)


def outages(hold):
    end = WARM_UP + hold
    yield Scenario("steady", "nothing happens", end + AFTERWARDS, [], [Goal("largest second, of the mean", evenness, 1.1)],
                   begin=WARM_UP)
    yield outage("restart", "the Master is away for 20 s", 20, ["answer refused"])
    yield outage("refused", "the Master is gone: connections refused", hold, ["answer refused"])
    # this Master sends no 503: requests that wait too long time out
    yield outage("silent", "the Master is silent: every attempt times out", hold, ["answer timeout"],
                 options={"patience": 60})
    yield Scenario("forgotten", "the Master has lost its database", WARM_UP + SHORT,
                   [f"{WARM_UP} lose", f"{WARM_UP} mark"],
                   [load("load", WARM_UP, None, 3), NONE_MISSING], begin=WARM_UP)
    yield outage("sent-away", "429 with Retry-After: 120 to all", hold, ["answer 429"], RETRY_AFTER)
    yield fault("split", "half of the fleet is cut off", hold, ["answer timeout nodes=0-50"], [
        load("load meanwhile, attempts of both halves", WARM_UP, end, 1.1),
        load("load when it is over", end, None, 1.3, "reached"), back(end, INTERVAL)])
    yield outage("unauthorized", "every token is refused for an hour: 401", 3600, ["answer 401"])
    yield fault("brown-out", "each response takes 9 s, 30 % are 503", hold, ["delay seconds=9", "answer 503 chance=30"], [
        load("load meanwhile", WARM_UP, end, 1.1), load("load when it is over", end, None, 1.3), back(end, INTERVAL)])
    yield series("rolling", "three Masters restart, 30 s each", 90, [
        *repeated(90, 30, (0, "cut chance=33"), (0, "answer refused chance=33")),
        f"{WARM_UP + 90} serve", f"{WARM_UP + 90} mark"], [
        load("load", WARM_UP, None, 1.1), back(WARM_UP + 90, INTERVAL)])


def troubles(hold):
    hold = min(hold, 600)
    yield series("flapping", "half of the fleet is cut off for 30 s of each minute", hold, [
        *repeated(hold, 60, (0, "answer timeout nodes=0-50"), (30, "serve"))], [
        load("load", WARM_UP, None, 1.1)])
    yield series("forgetful", "the Master loses its database each minute", hold, repeated(hold, 60, (0, "lose")), [
        load("load", WARM_UP, None, 2.2)])
    yield Scenario("deploy", "agents are restarted, a tenth each minute", WARM_UP + 600 + 120, [
        *(f"{WARM_UP + 60 * tenth} restart nodes={10 * tenth}-{10 * tenth + 10} within=60" for tenth in range(10))], [
        load("load", WARM_UP, None, 1.3), gap(120)], begin=WARM_UP, end=WARM_UP + 600)
    yield Scenario("clocks", "every wall clock is set 10 minutes forward", WARM_UP + AFTERWARDS,
                   [f"{WARM_UP} step seconds=600"], [load("load", WARM_UP, None, 1.1)], begin=WARM_UP)
    yield Scenario("slow", "every machine wakes 3 s late", WARM_UP + 600, [f"{WARM_UP} mark"],
                   [load("load", WARM_UP, None, 1.1), gap(180)], {"late": 3}, begin=WARM_UP, plot="pauses")


def pauses():
    begin = WARM_UP
    for seconds in (25, 40, 90, 600):
        yield pause(f"stopped-{seconds}", f"all agents are stopped for {seconds} s", [f"{begin} stop seconds={seconds}"],
                    begin + seconds, 2.2)
    yield pause("suspended", "all machines are suspended for an hour", [f"{begin} suspend seconds=3600"],
                begin + 3600, 2.2)
    yield pause("tenth", "a tenth of the machines is suspended for 90 s", [f"{begin} suspend seconds=90 nodes=0-10"],
                begin + 90, 1.3)
    yield pause("twice", "all stop for 25 s, and again for 40 s",
                [f"{begin} stop seconds=25", f"{begin + 35} stop seconds=40"], begin + 75, 2.2,
                load("load between", begin + 25, begin + 35, 2.2),
                longest=INTERVAL + 2)  # one second to tell a paused machine from a slow one
    for seconds in (25, 90):
        yield pause(f"health-{seconds}", f"all are suspended for {seconds} s; then all health files change",
                    [f"{begin} suspend seconds={seconds}", f"{begin + seconds} health after=1 within=5"],
                    begin + seconds, 2.2, options={"capacity": 4})
    yield pause("waiting", "registrations wait; the Master comes during a pause of 90 s",
                ["0 answer refused", f"{begin} suspend seconds=90", f"{begin + 60} serve"], begin + 90, 2.3,
                # an attempt may fail at the wake-up; the next slot is at least 30 s later
                longest=INTERVAL + 30, options={"warm-up": 0, "capacity": 4})
    yield Scenario("waiting-on", "the same, but the Master comes two minutes after the pause", begin + 210 + AFTERWARDS,
                   ["0 answer refused", f"{begin} suspend seconds=90", f"{begin + 210} serve", f"{begin + 210} mark"],
                   [load("load when they run again", begin + 90, begin + 210, 2.2),
                    load("load when the Master is there", begin + 210, None, 2.3), back(begin + 210, INTERVAL)],
                   {"warm-up": 0, "capacity": 4}, begin=begin, end=begin + 210, plot="pauses")
    yield Scenario("half-awake", "all are awake for 30 s of each 2 minutes", begin + 1200,
                   [f"{begin} mark", *repeated(1200, 120, (0, "suspend seconds=90"))],
                   # a random time within a minute is in the 30 s every second time: ten wakes do for nearly all
                   [load("load", begin, None, 2.2), Goal("nodes of 1,000 without a report in the end", missing, 15)],
                   begin=begin, plot="pauses")
    yield Scenario("naps", "300 machines, awake for 30 s of each 10 minutes", begin + 60000,
                   # the phase moves a little, because clocks drift
                   [f"{begin} mark", *(f"{begin + 600 * nap + nap % 7} suspend seconds=570" for nap in range(100))], [NONE_MISSING], begin=begin,
                   nodes=300, plot="")


def lost(run):
    return 60 - run.summary["fewest_accepted"]


def addresses(hold):
    end = WARM_UP + min(hold, 600)
    for count in (3, 16):
        yield fault(f"overloaded-{count}", f"{count} addresses, all answer 503", end - WARM_UP, ["answer 503"], [
            load("load meanwhile", WARM_UP, end, 1.1), load("load when it is over", end, None, 1.3), back(end, INTERVAL)],
            options={"addresses": count}, plot="pauses")
    for answer, title, most in (("503", "answers 503", 1.1), ("503-later", "answers 503 with Retry-After: 3600", 1.1),
                                # one request more at each visit, and at the first report after the fault
                                ("refused", "refuses connections", 1.12)):
        yield Scenario(f"first-{answer}", f"the first of two addresses {title}", WARM_UP + 3601,
                       [f"{WARM_UP} answer {answer} address=0", f"{WARM_UP} mark"],
                       [Goal("reports lost of 60, of any node", lost, 1), mean("requests a slot", most),
                        # all nodes visit the first address in the same minute
                        load("load", WARM_UP, None, 2.2)],
                       {"addresses": 2, "retry-after": 3600}, begin=WARM_UP, plot="pauses")


def moves():
    begin, hold = WARM_UP, 600
    pace = Goal("requests an interval, of any node", lambda run: run.summary["most_asked"] / (hold / INTERVAL), 3)
    for delay, title in ((0, "the address of each node changes every 5 s"), (6, "the same, and each response takes 6 s")):
        yield Scenario(f"restless-{delay}", title, begin + hold, [
            f"{begin} delay seconds={delay}", f"{begin} mark", *repeated(hold, 5, (0, "move after=0 within=1"))],
            [pace, mean("requests an interval, on average", 3), gap(180)], {"capacity": 4}, begin=begin, weight=6, plot="pauses")
    yield Scenario("renumbered", "a tenth of the nodes gets other addresses", begin + AFTERWARDS,
                   [f"{begin} move nodes=0-10 after=1 within=5"], [load("load", begin, None, 2.3)], begin=begin, plot="pauses")


def all_scenarios(hold):
    return [*boots(), *outages(hold), *troubles(hold), *pauses(), *addresses(hold), *moves()]
