/* SPDX-License-Identifier: MIT */
/* The object /org/argus/Agent1 on a connection: its properties and their change signals. */
#include "bus/bus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bus/calls.h"
#include "bus/connection.h"
#include "bus/log-control.h"
#include "util/macro.h"
#include "util/text.h"

/* Messages that may wait to be written before change signals wait too. */
enum { SIGNAL_QUEUE_MAX = 8 };

struct Bus {
        const BusHandlers *handlers;
        void *userdata;
        BusConnection *connection;
        BusCalls *calls;
        AgentStatus shown; /* the snapshot that was published last */
        uint64_t changed;  /* PROPERTY_BIT()s of what was not signalled yet */
};

/* ---- the object ---- */

/* One text that D-Bus does not allow would make GetAll fail as a whole: nothing is sent unchecked. */
static int message_append_text(sd_bus_message *message, const char *text) {
        char safe[PATH_MAX]; /* as long as the longest property */

        text_sanitize_into(safe, sizeof safe, text, strlen(text));
        return sd_bus_message_append_basic(message, SD_BUS_TYPE_STRING, safe);
}

/* sd-bus adds the offset of the vtable to the object's userdata: it is the member itself. */
#define DEFINE_GETTER(name)                                                                                 \
        static int name(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface,    \
                        _unused_ const char *property, sd_bus_message *reply, void *userdata,               \
                        _unused_ sd_bus_error *error)

DEFINE_GETTER(get_string) {
        return message_append_text(reply, userdata);
}

DEFINE_GETTER(get_boolean) {
        return sd_bus_message_append(reply, "b", (int) *(const bool *) userdata);
}

static int append_health_file(sd_bus_message *reply, const HealthFile *file) {
        int r;

        r = sd_bus_message_open_container(reply, SD_BUS_TYPE_STRUCT, "sss");
        if (r >= 0)
                r = message_append_text(reply, file->key);
        if (r >= 0)
                r = message_append_text(reply, health_verdict_to_string(file->verdict));
        if (r >= 0)
                r = message_append_text(reply, strempty(file->reason));
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

DEFINE_GETTER(get_health) {
        const Bus *agent = (const Bus *) ((char *) userdata - offsetof(Bus, shown.health_generation));
        const HealthFile *file;
        int r;

        r = sd_bus_message_open_container(reply, SD_BUS_TYPE_ARRAY, "(sss)");
        for (size_t i = 0; r >= 0 && (file = agent->handlers->get_health_file(i, agent->userdata)); i++)
                r = append_health_file(reply, file);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int on_method(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return bus_calls_begin(((Bus *) userdata)->calls, message, error);
}

/* A getter of NULL is sd-bus's own for the type. */
#define GETTER_STRING(max) get_string
#define GETTER_BOOLEAN get_boolean
#define GETTER_UINT32 NULL
#define GETTER_UINT64 NULL
#define GETTER_TIME NULL
#define GETTER_HEALTH get_health

#define FLAG_CONSTANT SD_BUS_VTABLE_PROPERTY_CONST
#define FLAG_CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE
#define FLAG_INVALIDATES SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION
#define FLAG_COUNTS 0

#define AS_PROPERTY(name, type, member, signal)                                                             \
        SD_BUS_PROPERTY(#name, PROPERTY_SIGNATURE_##type, GETTER_##type, offsetof(Bus, shown.member),       \
                        FLAG_##signal),
#define METHOD(name, signature, result)                                                                     \
        SD_BUS_METHOD_WITH_ARGS(name, SD_BUS_NO_ARGS, SD_BUS_RESULT(signature, result), on_method,          \
                        SD_BUS_VTABLE_UNPRIVILEGED)

/* One table for the whole interface: with two, sd-bus 247 fails an assertion when it signals a property that
 * is invalidated. The methods are UNPRIVILEGED because otherwise sd-bus would check their callers, by a call
 * that blocks; auth.c checks them. */
static const sd_bus_vtable agent_vtable[] = {
        SD_BUS_VTABLE_START(0),
        AGENT_PROPERTIES(AS_PROPERTY) METHOD("Reregister", "s", node_id),
        METHOD("Report", "u", http_status),
        METHOD("GetNode", "s", node),
        METHOD("GetHealth", "s", health),
        SD_BUS_VTABLE_END,
};

/* Offers the objects on a connection, for as long as that lasts. */
static int bus_add_objects(Bus *bus, sd_bus *connection) {
        int r;

        r = sd_bus_add_object_vtable(connection, NULL, AGENT_PATH, AGENT_INTERFACE, agent_vtable, bus);
        return r < 0 ? r : log_control_add(connection);
}

/* ---- change signals ---- */

static sd_bus *connection_of(const Bus *bus) {
        return bus->connection ? bus_connection_get(bus->connection) : NULL;
}

/* A bus that takes nothing may do so for days, and the signals of days would be kept in memory. */
static void bus_signal_changes(Bus *bus) {
        const char *names[_PROPERTY_MAX + 1] = {};
        sd_bus *connection = connection_of(bus);
        size_t count = 0;

        if (!connection || bus->changed == 0 || bus_queue_length(connection) > SIGNAL_QUEUE_MAX)
                return;

        for (AgentProperty i = 0; i < _PROPERTY_MAX; i++)
                if (bus->changed & PROPERTY_BIT(i) && agent_properties[i].has_signal)
                        names[count++] = agent_properties[i].name;
        bus->changed = 0;
        if (count > 0)
                (void) sd_bus_emit_properties_changed_strv(
                                connection, AGENT_PATH, AGENT_INTERFACE, (char **) names);
}

void bus_publish(Bus *bus, const AgentStatus *status) {
        if (!bus)
                return;

        bus->changed |= agent_status_update(&bus->shown, status);
        bus_signal_changes(bus);
}

void bus_complete(
                Bus *bus, BusMethod method, OperationResult result, unsigned http_status, const char *text) {
        if (bus)
                bus_calls_complete(bus->calls, method, result, http_status, text);
}

/* ---- the connection ---- */

static void on_connection_event(BusEvent event, int error, void *userdata) {
        Bus *bus = userdata;

        if (event == BUS_EVENT_UP) {
                error = bus_add_objects(bus, connection_of(bus));
                bus->changed = 0; /* whoever sees the name appear reads everything anew */
        } else if (event == BUS_EVENT_LOST)
                bus_calls_reset(bus->calls);

        bus->handlers->event(event, error, bus->userdata);
}

/* Something may have been written since: there may be room. */
static void on_connection_idle(void *userdata) {
        Bus *bus = userdata;

        bus_signal_changes(bus);
        bus_calls_flush(bus->calls);
}

sd_bus *bus_get(Bus *bus) {
        return bus ? connection_of(bus) : NULL;
}

DEFINE_CLEANUP(Bus *, bus_free)

int bus_new(sd_event *event, BusKind kind, const BusHandlers *handlers, void *userdata, Bus **ret) {
        _cleanup_(bus_free_pointer) Bus *bus = NULL;
        int r;

        bus = calloc(1, sizeof *bus);
        if (!bus)
                return -ENOMEM;
        bus->handlers = handlers;
        bus->userdata = userdata;

        r = bus_calls_new(event, kind == BUS_USER, handlers, userdata, &bus->calls);
        if (r >= 0)
                r = bus_connection_new(
                                event, kind, on_connection_event, on_connection_idle, bus, &bus->connection);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(bus);
        return 0;
}

Bus *bus_free(Bus *bus) {
        if (!bus)
                return NULL;

        bus_signal_changes(bus);
        bus_calls_free(bus->calls);
        bus_connection_free(bus->connection);
        free(bus);
        return NULL;
}
