/* SPDX-License-Identifier: MIT */
#include "bus/log-control.h"

#include "sys/log.h"
#include "util/text.h"

static const char *log_target(void) {
        return log_target_to_string(log_get_target());
}

static int on_get(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface,
                const char *property, sd_bus_message *reply, _unused_ void *userdata,
                _unused_ sd_bus_error *error) {
        return sd_bus_message_append(reply, "s",
                        streq(property, "LogLevel")    ? log_level_to_string(log_get_level())
                        : streq(property, "LogTarget") ? log_target()
                                                       : "argus-agent");
}

static int on_set(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface,
                const char *property, sd_bus_message *value, _unused_ void *userdata, sd_bus_error *error) {
        const char *text;
        int level, r;

        r = sd_bus_message_read(value, "s", &text);
        if (r < 0)
                return r;

        if (streq(property, "LogTarget"))
                return streq(text, log_target())
                                       ? 0
                                       : sd_bus_error_setf(error, SD_BUS_ERROR_NOT_SUPPORTED,
                                                         "The log target stays \"%s\" until a restart; set "
                                                         "AGENT_LOG_TARGET to change it",
                                                         log_target());

        if (log_level_from_string(text, &level) < 0)
                return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS,
                                "Unknown log level; use err, warning, notice, info or debug");
        log_set_level(level);
        return 0;
}

/* Without UNPRIVILEGED sd-bus would find out by itself whether the caller may write, by a blocking call to
 * the bus daemon, and would let in the agent's own user. The bus policy does it instead: Properties.Set is
 * for root only (dbus/org.argus.Agent1.conf). */
static const sd_bus_vtable log_control_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_WRITABLE_PROPERTY("LogLevel", "s", on_get, on_set, 0, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_WRITABLE_PROPERTY("LogTarget", "s", on_get, on_set, 0, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("SyslogIdentifier", "s", on_get, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_VTABLE_END,
};

int log_control_add(sd_bus *bus) {
        int r;

        r = sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/LogControl1",
                        "org.freedesktop.LogControl1", log_control_vtable, NULL);
        return r < 0 ? r : 0;
}
