/* SPDX-License-Identifier: MIT */
/* The connection to the bus: made, lost and made again without ever blocking the loop; owns the
 * agent's name.
 *
 * Nothing more is read from the bus while more than a few messages wait to be written to it, so that a flood
 * of calls waits in the bus daemon, and not as replies in the agent's memory. Internal to the wing. */
#pragma once

#include "bus/bus.h"

typedef struct BusConnection BusConnection;

typedef void (*BusEventCallback)(BusEvent event, int error, void *userdata);
typedef void (*BusIdleCallback)(void *userdata);

/* See bus_new() and BusHandlers. Connecting continues in the background, for ever, with growing pauses (to
 * 30 s). Honours DBUS_SYSTEM_BUS_ADDRESS and DBUS_SESSION_BUS_ADDRESS. `on_idle` is called whenever the
 * loop is about to wait. */
int bus_connection_new(sd_event *event, BusKind kind, BusEventCallback on_event, BusIdleCallback on_idle,
                void *userdata, BusConnection **ret);

/* Sends what can be sent without waiting, and reads nothing more. */
BusConnection *bus_connection_free(BusConnection *connection);

sd_bus *bus_connection_get(const BusConnection *connection); /* NULL unless it is up */

/* How many messages wait to be written. */
size_t bus_queue_length(sd_bus *bus);
