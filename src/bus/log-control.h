/* SPDX-License-Identifier: MIT */
/* org.freedesktop.LogControl1(5), for `systemctl service-log-level`. */
#pragma once

#include <systemd/sd-bus.h>

/* Offers the object on a connection, for as long as that lasts. Only root may write the level, which the bus
 * policy sees to. Returns 0 or a negative errno. */
int log_control_add(sd_bus *bus);
