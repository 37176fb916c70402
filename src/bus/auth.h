/* Who may call a method: root, and whom polkit allows; all of it asynchronous. Without polkit: root only. */
#pragma once

#include <stdbool.h>
#include <systemd/sd-bus.h>

typedef struct BusAuth BusAuth;

/* How a check ended: `allowed` is 1 for yes, 0 for no, -EBUSY if polkit has too many checks of this user or
 * in all to do, -ENOKEY if it would be a yes once a person has authenticated. `reason` (unless 1) says it in
 * words and is static. `message` is the one of the check, not a reference to keep. */
typedef void (*BusAuthCallback)(sd_bus_message *message, int allowed, const char *reason, void *userdata);

/* `allow_own_uid`: callers of the agent's own user are let in as root is. Right on a user's own bus, wrong
 * on the system bus, where it would let in whatever else runs as that user. Returns 0 or -ENOMEM. */
int bus_auth_new(bool allow_own_uid, BusAuth **ret);
BusAuth *bus_auth_free(BusAuth *auth); /* pending checks are dropped without a callback */

/* Begins a check of the message's sender for a polkit action (static). The message is referenced as long as
 * the check lasts: the caller sees to it that it is small. The answer comes by the callback, never from
 * within, at most 10 s later; 65 s if the message allows interactive authorisation, as polkit may then ask a
 * person. -EBUSY when as many checks are pending as may be, in all or of this sender. Returns 0 or a
 * negative errno. */
int bus_auth_check(BusAuth *auth, sd_bus_message *message, const char *action, BusAuthCallback callback,
                void *userdata);

/* The bus is lost: forget what is pending, without a callback. */
void bus_auth_reset(BusAuth *auth);
