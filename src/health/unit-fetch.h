/* Reads what systemd says of a unit: all of it, or what a signal says has changed. Part of
 * unit-watch. org.freedesktop.systemd1(5). */
#pragma once

#include <systemd/sd-bus.h>

#include "core/unit-set.h"

/* The calls that one fetch has under way. */
enum { UNIT_FETCH_CALLS_MAX = 9 };

typedef struct UnitFetch UnitFetch;

/* `path` is that of the unit that the name means, which is another one's for an alias; it is valid if
 * `error` is 0. Otherwise the state is a mixture of what it was and what it is. Frees the fetch. */
typedef void (*UnitFetchCallback)(UnitFetch *fetch, int error, const char *path, void *userdata);

/* The replies go into *state as they come, in the order of what happens to the unit: signals may be read
 * into it meanwhile. `name` and `state` outlive the fetch. Returns 0 or a negative errno. */
int unit_fetch_new(sd_bus *bus, const char *owner, const char *path, const char *name, UnitState *state,
                UnitFetchCallback callback, void *userdata, UnitFetch **ret);
UnitFetch *unit_fetch_free(UnitFetch *fetch); /* the callback is not called any more */

typedef enum UnitChanges {
        UNIT_CHANGED = 1 << 0,     /* *state is other than it was */
        UNIT_WANTS_FETCH = 1 << 1, /* something changed, and the signal does not say to what */
} UnitChanges;

/* Reads a PropertiesChanged. Returns UnitChanges or a negative errno. */
int unit_changes_read(sd_bus_message *message, const char *name, UnitState *state);
