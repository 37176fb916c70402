/* The properties of a service that make the surroundings of its processes (environment, credentials, user,
 * sandbox, limits), copied from systemd into a call of StartTransientUnit, value by value: systemd does not
 * take back the text that `systemctl show` prints. */
#pragma once

#include <stdbool.h>
#include <systemd/sd-bus.h>

#define SYSTEMD_BUS_NAME "org.freedesktop.systemd1"
#define SYSTEMD_MANAGER_PATH "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER_INTERFACE "org.freedesktop.systemd1.Manager"
#define SYSTEMD_UNIT_INTERFACE "org.freedesktop.systemd1.Unit"
#define SYSTEMD_SERVICE_INTERFACE "org.freedesktop.systemd1.Service"

/* Properties that are not copied, because this systemd does not accept them or because they would create
 * files or directories. */
typedef struct UnitOmissions {
        char names[16][64];
        size_t count;
} UnitOmissions;

/* Reads a property of the unit at `path`; the message is at the value. Returns 0 or a negative errno. */
int unit_get(sd_bus *bus, const char *path, const char *interface, const char *name, sd_bus_message **ret,
                const char **ret_type);

/* Appends (sv) entries to the open array of `call`. Returns 0 or a negative errno. */
int unit_copy(sd_bus *bus, const char *path, sd_bus_message *call, UnitOmissions *omissions);

/* Finds the refused property in systemd's error message. Returns true if the next attempt will leave out
 * one property more. */
bool unit_copy_omit(const sd_bus_error *error, UnitOmissions *omissions);

/* Appends ExecStart: the command line of the service with `argument` behind it. */
int unit_copy_command(sd_bus *bus, const char *path, sd_bus_message *call, const char *argument);
