/* SPDX-License-Identifier: MIT */
/* The properties of the service that make the surroundings of its processes (environment, credentials, user,
 * sandbox, limits), copied from systemd into a call of StartTransientUnit, value by value: systemd does not
 * take back the text that `systemctl show` prints. What creates, removes or stops things is not copied. */
#pragma once

#include <stdbool.h>
#include <systemd/sd-bus.h>

#define SYSTEMD_BUS_NAME "org.freedesktop.systemd1"
#define SYSTEMD_UNIT_INTERFACE "org.freedesktop.systemd1.Unit"
#define SYSTEMD_SERVICE_INTERFACE "org.freedesktop.systemd1.Service"

/* argus-agent.service; systemd loads it if necessary. */
#define SERVICE_PATH "/org/freedesktop/systemd1/unit/argus_2dagent_2eservice"

/* Properties that are not copied, because this systemd does not accept them or because they would create
 * files or directories. */
typedef struct UnitOmissions {
        char names[16][64];
        size_t count;
} UnitOmissions;

/* Reads a property of the service; the message is inside its variant. Returns 0 or a negative errno. */
int service_get(sd_bus *bus, const char *interface, const char *name, const char *type,
                sd_bus_message **ret);

/* Appends all that is set to the open array of (sv). Returns 0 or a negative errno. */
int service_copy(sd_bus *bus, sd_bus_message *call, UnitOmissions *omissions);

/* Finds the refused property in systemd's error message. Returns true if the next attempt will leave out one
 * property more. */
bool service_copy_omit(const sd_bus_error *error, UnitOmissions *omissions);

/* Appends ExecStart: the command line of the service with `argument` behind it. */
int service_copy_command(sd_bus *bus, sd_bus_message *call, const char *argument);
