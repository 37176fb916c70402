/* The log's level at run time, by the interface that `systemctl service-log-level` speaks. */
#include "bus/log-control.h"

#include <errno.h>

#include "core/config.h"
#include "util/macro.h"
#include "util/text.h"

static int property_get_level(_unused_ sd_bus *bus, _unused_ const char *path,
                _unused_ const char *interface, _unused_ const char *property, sd_bus_message *reply,
                void *userdata, _unused_ sd_bus_error *error) {
        const BusLogControl *control = userdata;

        return sd_bus_message_append(reply, "s", log_level_to_string(control->get_level()));
}

static int property_set_level(_unused_ sd_bus *bus, _unused_ const char *path,
                _unused_ const char *interface, _unused_ const char *property, sd_bus_message *value,
                void *userdata, sd_bus_error *error) {
        const BusLogControl *control = userdata;
        const char *text;
        int level, r;

        r = sd_bus_message_read(value, "s", &text);
        if (r < 0)
                return r;
        if (log_level_from_string(text, &level) < 0)
                return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS,
                                "No such level: accepted is err, warning, notice, info or debug");

        control->set_level(level);
        return 0;
}

static int property_get_target(_unused_ sd_bus *bus, _unused_ const char *path,
                _unused_ const char *interface, _unused_ const char *property, sd_bus_message *reply,
                void *userdata, _unused_ sd_bus_error *error) {
        const BusLogControl *control = userdata;

        return sd_bus_message_append(reply, "s", control->get_target());
}

static int property_set_target(_unused_ sd_bus *bus, _unused_ const char *path,
                _unused_ const char *interface, _unused_ const char *property, sd_bus_message *value,
                void *userdata, sd_bus_error *error) {
        const BusLogControl *control = userdata;
        const char *text;
        int r;

        r = sd_bus_message_read(value, "s", &text);
        if (r < 0)
                return r;
        if (!streq(text, control->get_target()))
                return sd_bus_error_setf(error, SD_BUS_ERROR_NOT_SUPPORTED,
                                "The log stays with \"%s\" until a restart: it is set by AGENT_LOG_TARGET",
                                control->get_target());
        return 0;
}

static int property_get_identifier(_unused_ sd_bus *bus, _unused_ const char *path,
                _unused_ const char *interface, _unused_ const char *property, sd_bus_message *reply,
                _unused_ void *userdata, _unused_ sd_bus_error *error) {
        return sd_bus_message_append(reply, "s", "argus-agent");
}

/* Without SD_BUS_VTABLE_UNPRIVILEGED sd-bus would find out by itself whether the caller may write, by a
 * blocking call to the bus daemon, and would let in the agent's own user. The bus policy does it instead:
 * Properties.Set is for root only (dbus/org.argus.Agent1.conf). */
static const sd_bus_vtable log_control_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_WRITABLE_PROPERTY("LogLevel", "s", property_get_level, property_set_level, 0,
                        SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_WRITABLE_PROPERTY("LogTarget", "s", property_get_target, property_set_target, 0,
                        SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("SyslogIdentifier", "s", property_get_identifier, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_VTABLE_END,
};

int bus_log_control_attach(sd_bus *bus, const BusLogControl *control) {
        int r;

        r = sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/LogControl1",
                        "org.freedesktop.LogControl1", log_control_vtable, (void *) control);
        return r < 0 ? r : 0;
}
