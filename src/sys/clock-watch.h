/* SPDX-License-Identifier: MIT */
/* Steps of the wall clock, by a person or a time service. */
#pragma once

#include <systemd/sd-event.h>

typedef struct ClockWatch ClockWatch;

/* Calls the function, from the loop, each time after CLOCK_REALTIME was set, but not for slewing. Wakes the
 * loop for nothing else. See TFD_TIMER_CANCEL_ON_SET in timerfd_create(2). Returns 0 or a negative errno. */
int clock_watch_new(sd_event *event, void (*on_set)(void *userdata), void *userdata, ClockWatch **ret);
ClockWatch *clock_watch_free(ClockWatch *watch);
