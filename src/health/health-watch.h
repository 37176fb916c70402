/* SPDX-License-Identifier: MIT */
/* Tells soon after something in the health directory may have changed. Only a hint: what changed, and
 * whether it did, is for a scan to find out; and there are changes that give no hint (a file system of the
 * network, a writer that keeps its file open), so the regular scan stays the truth. inotify(7). */
#pragma once

#include <systemd/sd-event.h>

#include "sys/state-store.h"
#include "util/time-util.h"

typedef struct HealthWatch HealthWatch;

/* May free the watch. */
typedef void (*HealthWatchCallback)(void *userdata);

/* Watches nothing before health_watch_renew(). `store` outlives the watch. Returns 0 or a negative errno (a
 * kernel or a sandbox without inotify, too many users of it). */
int health_watch_new(sd_event *event, const StateStore *store, HealthWatchCallback callback, void *userdata,
                HealthWatch **ret);
HealthWatch *health_watch_free(HealthWatch *watch);

/* Sees to it that the watched directory is the one that the path leads to now; for each regular scan.
 * Returns 0, or a negative errno if there is none that can be watched: it is tried again every ten seconds
 * then, and success is a hint. */
int health_watch_renew(HealthWatch *watch);
