/* SPDX-License-Identifier: MIT */
/* Keeps a UnitSet at what systemd says of its units.
 *
 * Signals of systemd only mark a unit as changed; a fetch reads it. So nothing depends on what a signal
 * contains, nor on the order of signals and replies: a mark that comes while a fetch is under way leads to
 * one more fetch.
 *
 * Units are fetched in rounds, one after the other, each at most once a round, and a round begins 200 ms
 * after the one before it ended at the earliest. So whatever the units do, systemd never has more than one
 * fetch to reply to, and a unit that flaps costs at most five fetches a second.
 *
 * systemd unloads units that are inactive and needed by no other, and each look at one loads it again and
 * unloads it, with signals of both: fetching because of these would never end. But a unit that was unloaded,
 * loaded, and unloaded again is as it was, whoever looked at it and whatever it signalled meanwhile. So
 * loading and unloading cancel out, and only what remains at the next round leads to a fetch.
 *
 * Nothing of it blocks, and all of it starts again by itself: after the bus, after systemd (daemon-reexec),
 * after an error. It does not know what a state means, nor when to report. */
#pragma once

#include <stdbool.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "core/unit-set.h"

typedef struct UnitWatch UnitWatch;

typedef enum UnitWatchEvent {
        UNIT_WATCH_NEWS,   /* what the set knows of a unit is other than before: see unit_set_update() */
        UNIT_WATCH_READY,  /* all units are known: for the first time, or again after ABSENT */
        UNIT_WATCH_ABSENT, /* systemd has been out of reach for five seconds: the set knows nothing now */
} UnitWatchEvent;

/* `error` is a negative errno for ABSENT; -ENXIO: there is no systemd on the bus. ABSENT is said once, until
 * READY. Must not free the watch. */
typedef void (*UnitWatchCallback)(UnitWatchEvent event, int error, void *userdata);

/* `set` is the caller's and outlives the watch. Returns 0 or a negative errno. */
int unit_watch_new(
                sd_event *event, UnitSet *set, UnitWatchCallback callback, void *userdata, UnitWatch **ret);

/* Whether READY was said, and not ABSENT since. */
bool unit_watch_is_ready(const UnitWatch *watch);

/* Before the bus is closed. */
UnitWatch *unit_watch_free(UnitWatch *watch);

/* The bus has come up, or is lost. Until the first attach there is no bus. */
void unit_watch_attach(UnitWatch *watch, sd_bus *bus);
void unit_watch_detach(UnitWatch *watch, int error);
