/* SPDX-License-Identifier: MIT */
/* Reads one unit from systemd's D-Bus interface, org.freedesktop.systemd1(5). It knows neither when to read
 * nor what the state is for. Part of unit-watch. */
#pragma once

#include <systemd/sd-bus.h>

#include "core/unit-set.h"

#define SYSTEMD_NAME "org.freedesktop.systemd1"
#define SYSTEMD_UNIT_PATH "/org/freedesktop/systemd1/unit"

typedef struct UnitFetch UnitFetch;

/* `error` is 0 or a negative errno; the others hold only for 0, and until the fetch is freed, which the
 * callback may do. `id` names the unit that is meant: another one if the name is an alias. A unit that
 * systemd cannot say anything of has the words "error". */
typedef void (*UnitFetchCallback)(int error, const char *id, const UnitState *state, void *userdata);

/* Calls `owner`, systemd's unique name. A fetch takes at most nine calls, all sent at once. `name` outlives
 * the fetch. Returns 0 or a negative errno. */
int unit_fetch_new(sd_bus *bus, const char *owner, const char *name, UnitFetchCallback callback,
                void *userdata, UnitFetch **ret);
UnitFetch *unit_fetch_free(UnitFetch *fetch); /* the callback is not called any more */
