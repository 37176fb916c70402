/* SPDX-License-Identifier: MIT */
/* The agent on D-Bus: org.argus.Agent1 with its properties and methods, and LogControl1.
 *
 * It promises that nothing a caller or the bus daemon does blocks the loop or fills memory: the connection
 * is made and made again in the background, what is read stops while nothing can be written, calls that wait
 * are counted, in all and of each caller, and only root, or whom polkit allows, may call a method.
 *
 * It knows neither the agent nor what a report is: it is given a snapshot to show and functions to call. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "core/agent-status.h"
#include "core/config.h"
#include "core/health-file.h"

typedef struct Bus Bus;

typedef enum BusEvent {
        BUS_EVENT_UP,   /* connected, the first time or again; `error`: the objects cannot be offered */
        BUS_EVENT_NAME, /* the name is ours */
        BUS_EVENT_NAME_REFUSED, /* the name is taken, not allowed or lost again; requested every 30 s */
        BUS_EVENT_LOST,         /* the connection is gone, or the first attempt failed */
} BusEvent;

typedef enum BusMethod {
        METHOD_REREGISTER,
        METHOD_REPORT,
        METHOD_GET_NODE,
        METHOD_GET_HEALTH,
        _METHOD_MAX,
} BusMethod;

/* What the bus asks of the agent. */
typedef struct BusHandlers {
        /* `error` is a negative errno for NAME_REFUSED and LOST. Both are told once, not at every attempt:
         * LOST again after UP, NAME_REFUSED again after NAME or with another error. Never called from within
         * bus_new(), and must not call bus_free(). */
        void (*event)(BusEvent event, int error, void *userdata);

        /* Starts Reregister, Report or GetHealth, which end with bus_complete(), even from within. Returns
         * OPERATION_OK if it is under way now; else *ret_reason may say why not. Not called again while
         * callers wait for the one before. */
        OperationResult (*start)(BusMethod method, const char **ret_reason, void *userdata);

        /* The newest node object's text, or NULL. Valid until the loop goes on. */
        const char *(*get_node)(void *userdata);

        /* The health file at an index in the order of the list, or NULL behind the last. */
        const HealthFile *(*get_health_file)(size_t index, void *userdata);
} BusHandlers;

/* BUS_AUTO is the system bus if its socket is there or the environment names one; if there is none,
 * -ENOENT is returned, as for BUS_NONE. BUS_USER without DBUS_SESSION_BUS_ADDRESS and
 * XDG_RUNTIME_DIR is -ENOMEDIUM; on it the agent's own user may call the methods as root may.
 * `handlers` is static. Returns 0 or a negative errno. */
int bus_new(sd_event *event, BusKind kind, const BusHandlers *handlers, void *userdata, Bus **ret);

/* Sends what can be sent without waiting. Waiting callers get no reply. */
Bus *bus_free(Bus *bus);

/* The connection, for other users of it; NULL unless it is up. All of what follows may be given no bus. */
sd_bus *bus_get(Bus *bus);

/* Shows a new snapshot, and sends one PropertiesChanged for what differs from the one before. While the bus
 * takes nothing the signal waits, and then says all changes in one. */
void bus_publish(Bus *bus, const AgentStatus *status);

/* Ends all waiting callers of a method. `text` is the node id, the `health` object, or the reason of a
 * failure (NULL: none is known); `http_status` is for Report. */
void bus_complete(
                Bus *bus, BusMethod method, OperationResult result, unsigned http_status, const char *text);
