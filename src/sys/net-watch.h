/* SPDX-License-Identifier: MIT */
/* Hints that addresses, links or routes of this machine changed (rtnetlink(7)), about a second after the
 * last of a series of changes. What changed, the receiver finds out. */
#pragma once

#include <systemd/sd-event.h>

typedef struct NetWatch NetWatch;
typedef void (*NetWatchCallback)(void *userdata);

/* Returns 0 and a watch to free with net_watch_free(), or a negative errno (a kernel or sandbox
 * without rtnetlink). */
int net_watch_new(sd_event *event, NetWatchCallback callback, void *userdata, NetWatch **ret);
NetWatch *net_watch_free(NetWatch *watch);
