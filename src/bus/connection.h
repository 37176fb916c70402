/* The connection to the bus: made, lost and made again without ever blocking the loop; owns the name.
 *
 * Nothing more is read from the bus while more than a few messages wait to be written to it, so that a flood
 * of calls waits in the bus daemon, and not as answers in the agent's memory. */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "core/config.h"

typedef struct BusConnection BusConnection;

typedef enum BusEvent {
        BUS_EVENT_UP,   /* connected (the first time or again): attach objects to bus_connection_get() now */
        BUS_EVENT_NAME, /* the name is ours */
        BUS_EVENT_NAME_REFUSED, /* the name is taken, not allowed or lost again: tried again by itself */
        BUS_EVENT_LOST, /* the connection is gone, or was not made at the first try: let go of all of it */
} BusEvent;

/* `error` is a negative errno for NAME_REFUSED and LOST. Both are said once, not at every try again: LOST
 * again after UP, NAME_REFUSED again after NAME or with another error. Never called from within
 * bus_connection_new(), and must not call bus_connection_free(). */
typedef void (*BusEventCallback)(BusEvent event, int error, void *userdata);

/* BUS_AUTO: the system bus if its socket is there or the environment names one; if there is none, -ENOENT is
 * returned and nothing is tried. BUS_NONE is -ENOENT too. BUS_USER without DBUS_SESSION_BUS_ADDRESS and
 * XDG_RUNTIME_DIR is -ENOMEDIUM. Connecting goes on in the background, for ever, with growing pauses (to 30
 * s). Honours DBUS_SYSTEM_BUS_ADDRESS and DBUS_SESSION_BUS_ADDRESS. `name` is static. Returns 0 or a
 * negative errno. */
int bus_connection_new(sd_event *event, BusKind kind, const char *name, BusEventCallback callback,
                void *userdata, BusConnection **ret);

/* Sends what can be sent without waiting. The objects on the connection have been taken off it before. */
BusConnection *bus_connection_free(BusConnection *connection);

sd_bus *bus_connection_get(BusConnection *connection); /* NULL unless it is up */
