/* SPDX-License-Identifier: MIT */
/* One-shot timers of an event loop that are armed again and again. */
#pragma once

#include <systemd/sd-event.h>

#include "util/time-util.h"

/* Makes a timer on CLOCK_BOOTTIME or CLOCK_MONOTONIC that is off. `accuracy_usec`: how late it may come, so
 * that wake-ups coalesce; 1 for not at all (0 would be sd-event's default of 250 ms). Returns 0 or a
 * negative errno; the caller owns the source. */
int event_timer_new(sd_event *event, clockid_t clock, usec_t accuracy_usec, sd_event_time_handler_t handler,
                void *userdata, sd_event_source **ret);

/* Lets it fire once, at a point of its clock; USEC_INFINITY turns it off. */
void event_timer_arm(sd_event_source *timer, usec_t at_usec);
