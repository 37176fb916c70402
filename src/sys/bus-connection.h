/* The connection to the bus: made, lost and made again without ever blocking the loop; owns the name. */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "core/config.h"

typedef struct BusConnection BusConnection;

typedef enum BusEvent {
        BUS_EVENT_UP,   /* connected (the first time or again): attach objects to bus_connection_get() now */
        BUS_EVENT_NAME, /* the name is ours */
        BUS_EVENT_NAME_REFUSED, /* the name is taken or not allowed: tried again by itself */
        BUS_EVENT_LOST,         /* the connection is gone: let go of everything of it */
} BusEvent;

/* `error` is a negative errno for NAME_REFUSED and LOST. */
typedef void (*BusEventCallback)(BusEvent event, int error, void *userdata);

/* BUS_AUTO: the system bus if its socket is there; if there is none, -ENOENT is returned and nothing is
 * tried. BUS_NONE is -ENOENT too. Connecting goes on in the background, for ever, with growing pauses (to 30
 * s). Honours DBUS_SYSTEM_BUS_ADDRESS and DBUS_SESSION_BUS_ADDRESS. Returns 0 or a negative errno. */
int bus_connection_new(sd_event *event, BusKind kind, const char *name, BusEventCallback callback,
                void *userdata, BusConnection **ret);
BusConnection *bus_connection_free(BusConnection *connection); /* flushes what can be sent without waiting */

sd_bus *bus_connection_get(BusConnection *connection); /* NULL while there is none */
