/* systemd's manager on the bus: whether it is there, and what it signals. Part of unit-watch. */
#pragma once

#include <stdbool.h>
#include <systemd/sd-bus.h>

#define SYSTEMD_NAME "org.freedesktop.systemd1"
#define SYSTEMD_UNIT_PATH "/org/freedesktop/systemd1/unit"

typedef struct SystemdLink SystemdLink;

/* None of them may free the link. */
typedef struct SystemdLinkHandlers {
        void (*up)(void *userdata); /* it is there, or another one is: all may be other than known */
        void (*gone)(void *userdata);
        void (*failed)(int error, void *userdata); /* the link is of no use any more */
        void (*reloaded)(void *userdata);          /* the files of units */
        void (*unit_loaded)(const char *path, bool is_loaded, void *userdata); /* or unloaded */
        /* A PropertiesChanged: from the interface's name on. */
        void (*unit_changed)(const char *path, sd_bus_message *message, void *userdata);
} SystemdLinkHandlers;

/* One of the first three is called when it is known. Returns 0 or a negative errno. */
int systemd_link_new(sd_bus *bus, const SystemdLinkHandlers *handlers, void *userdata, SystemdLink **ret);
SystemdLink *systemd_link_free(SystemdLink *link);

/* The unique name to call it by, which starts no program if it is gone; NULL if it is not there. */
const char *systemd_link_owner(const SystemdLink *link);
