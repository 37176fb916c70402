/* Who may call a method: root, and whom polkit allows; all of it asynchronous. Without polkit: root only. */
#pragma once

#include <systemd/sd-bus.h>

typedef struct BusAuth BusAuth;
typedef void (*BusAuthCallback)(sd_bus_message *message, int allowed, const char *reason, void *userdata);

/* Returns 0 or -ENOMEM. */
int bus_auth_new(BusAuth **ret);
BusAuth *bus_auth_free(BusAuth *auth); /* pending checks are dropped without a callback */

/* Begins a check of the message's sender for a polkit action. The answer comes by the callback, never from
 * within, at most 15 s later (polkit may ask a person: only if the message allows interactive
 * authorisation). -EBUSY when as many checks are pending as may be, in all or of this sender. Returns 0 or a
 * negative errno. */
int bus_auth_check(BusAuth *auth, sd_bus_message *message, const char *action, BusAuthCallback callback,
                void *userdata);

/* The bus is lost: forget what is pending. */
void bus_auth_reset(BusAuth *auth);
