/* SPDX-License-Identifier: MIT */
/* What the agent tells its service manager: READY, STATUS, RELOADING, STOPPING and the watchdog, as in
 * sd_notify(3). No call waits for long. Without NOTIFY_SOCKET every call does nothing. */
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

/* From now on the event loop feeds the service manager's watchdog (WATCHDOG_USEC), if it has one, at half of
 * its time or a little later, and sends again, each second, what its queue was too full for. Returns 0 or a
 * negative errno. */
int service_notify_attach(sd_event *event);
void service_notify_detach(void);
