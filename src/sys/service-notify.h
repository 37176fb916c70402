/* What the agent tells its service manager (sd_notify(3)). Without NOTIFY_SOCKET every call does nothing. */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "util/macro.h"

/* STATUS= is one line for `systemctl status`; it is only sent when it differs from the last one. */
void service_notify_status(const char *format, ...) _printf_(1, 2);

void service_notify_ready(void);

/* RELOADING=1 with MONOTONIC_USEC=; to be followed by service_notify_ready(). */
void service_notify_reloading(void);

void service_notify_stopping(void);

/* Feeds the service manager's watchdog (WATCHDOG_USEC) from the event loop, at half of its time or a little
 * later, for as long as the loop turns. Returns 0, also where no watchdog waits, or a negative errno.
 * *ret_source is the caller's, NULL where there is none. */
int service_notify_start_watchdog(sd_event *event, sd_event_source **ret_source);
