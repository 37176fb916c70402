/* org.freedesktop.LogControl1 (org.freedesktop.LogControl1(5)): LogLevel, LogTarget, SyslogIdentifier. */
#pragma once

#include <systemd/sd-bus.h>

typedef struct BusLogControl {
        int (*get_level)(void);
        void (*set_level)(int level);
        const char *(*get_target)(void); /* journal, console, … in the interface's terms */
} BusLogControl;

/* Adds the object to a connection; it goes with the connection. `control` is static. Level and target may be
 * written by root only, which the bus policy sees to. Returns 0 or a negative errno. */
int bus_log_control_attach(sd_bus *bus, const BusLogControl *control);
