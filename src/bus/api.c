/* The object /org/argus/Agent1: its properties, their change signals, and the entry of its methods. */
#include "bus/api.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "bus/calls.h"
#include "util/macro.h"
#include "util/text.h"

enum {
        TEXT_MAX = 4096, /* bytes of a property's text; the longest endpoint fits */
        /* Messages that may wait to be written before change signals wait too. */
        SIGNAL_QUEUE_MAX = 8,
};

struct BusApi {
        AgentStatus shown; /* the snapshot that was published last */
        const HealthSet *health;
        const AgentStatus *status;
        uint64_t changed; /* PROPERTY_BIT()s of what is to be signalled */
        BusCalls *calls;
        sd_bus *bus; /* NULL while there is none */
        sd_bus_slot *object;
        sd_event_source *drain; /* enabled while a signal waits */
};

/* One text that D-Bus does not allow would make GetAll fail as a whole: nothing is sent unchecked. */
static int message_append_text(sd_bus_message *message, const char *text) {
        char safe[TEXT_MAX];

        text_sanitize_into(safe, sizeof safe, text, strlen(text));
        return sd_bus_message_append_basic(message, SD_BUS_TYPE_STRING, safe);
}

/* sd-bus adds the offset of the vtable to the object's userdata: `value` is the field itself. */
#define DEFINE_PROPERTY_GET(name, type, append)                                                             \
        static int property_get_##name(_unused_ sd_bus *bus, _unused_ const char *path,                     \
                        _unused_ const char *interface, _unused_ const char *property,                      \
                        sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error) {              \
                const type *value = userdata;                                                               \
                                                                                                            \
                return append;                                                                              \
        }

DEFINE_PROPERTY_GET(text, char, message_append_text(reply, value))
DEFINE_PROPERTY_GET(bool, bool, sd_bus_message_append(reply, "b", (int) *value))

static int property_get_health_files(_unused_ sd_bus *bus, _unused_ const char *path,
                _unused_ const char *interface, _unused_ const char *property, sd_bus_message *reply,
                void *userdata, _unused_ sd_bus_error *error) {
        const BusApi *api = (BusApi *) ((char *) userdata - offsetof(BusApi, shown.health_generation));
        const HealthSet *health = api->health;
        int r;

        r = sd_bus_message_open_container(reply, SD_BUS_TYPE_ARRAY, "(sss)");
        if (r < 0)
                return r;

        for (size_t i = 0; i < health_set_count(health); i++) {
                const HealthFile *file = health_set_get(health, i);

                r = sd_bus_message_open_container(reply, SD_BUS_TYPE_STRUCT, "sss");
                if (r < 0)
                        return r;
                r = message_append_text(reply, file->key);
                if (r < 0)
                        return r;
                r = message_append_text(reply, health_verdict_to_string(file->verdict));
                if (r < 0)
                        return r;
                r = message_append_text(reply, strempty(file->reason));
                if (r < 0)
                        return r;
                r = sd_bus_message_close_container(reply);
                if (r < 0)
                        return r;
        }

        return sd_bus_message_close_container(reply);
}

#define DEFINE_METHOD(name, method)                                                                         \
        static int method_##name(sd_bus_message *message, void *userdata, sd_bus_error *error) {            \
                BusApi *api = userdata;                                                                     \
                                                                                                            \
                return bus_calls_begin(api->calls, method, message, error);                                 \
        }

DEFINE_METHOD(reregister, METHOD_REREGISTER)
DEFINE_METHOD(report, METHOD_REPORT)
DEFINE_METHOD(get_node, METHOD_GET_NODE)
DEFINE_METHOD(get_health, METHOD_GET_HEALTH)

/* A getter of NULL is sd-bus's own for the type. */
#define GET_STRING(max) property_get_text
#define GET_BOOLEAN property_get_bool
#define GET_UINT32 NULL
#define GET_UINT64 NULL
#define GET_TIME NULL
#define GET_HEALTH property_get_health_files

#define FLAG_CONSTANT SD_BUS_VTABLE_PROPERTY_CONST
#define FLAG_CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE
#define FLAG_INVALIDATES SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION
#define FLAG_COUNTS 0

#define AS_VTABLE(name, type, member, signal)                                                               \
        SD_BUS_PROPERTY(#name, PROPERTY_SIGNATURE_##type, GET_##type, offsetof(BusApi, shown.member),       \
                        FLAG_##signal),

/* One table for the whole interface: with two, sd-bus 247 fails an assertion when it signals a property that
 * is invalidated. The methods are UNPRIVILEGED because otherwise sd-bus would check their callers, by a call
 * that blocks; they are authorised by bus-calls. */
static const sd_bus_vtable agent_vtable[] = {
        SD_BUS_VTABLE_START(0),
        AGENT_PROPERTIES(AS_VTABLE) SD_BUS_METHOD_WITH_ARGS("Reregister", SD_BUS_NO_ARGS,
                        SD_BUS_RESULT("s", node_id), method_reregister, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Report", SD_BUS_NO_ARGS, SD_BUS_RESULT("u", http_status), method_report,
                        SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetNode", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", node), method_get_node,
                        SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetHealth", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", health), method_get_health,
                        SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

/* Signals what is to be signalled, unless the bus takes nothing at present: it may hang for days, and the
 * signals of days would be kept in memory. */
static void api_flush(BusApi *api) {
        const char *names[_PROPERTY_MAX + 1] = { 0 };
        size_t count = 0;
        uint64_t queued;
        bool is_waiting;

        if (!api->bus)
                return;

        is_waiting = api->changed && sd_bus_get_n_queued_write(api->bus, &queued) >= 0 &&
                     queued > SIGNAL_QUEUE_MAX;
        (void) sd_event_source_set_enabled(api->drain, is_waiting ? SD_EVENT_ON : SD_EVENT_OFF);
        if (!api->changed || is_waiting)
                return;

        for (AgentProperty i = 0; i < _PROPERTY_MAX; i++)
                if (api->changed & PROPERTY_BIT(i) && agent_properties[i].has_signal)
                        names[count++] = agent_properties[i].name;
        api->changed = 0;
        if (count > 0)
                (void) sd_bus_emit_properties_changed_strv(
                                api->bus, AGENT_PATH, AGENT_INTERFACE, (char **) names);
}

static int on_drain(_unused_ sd_event_source *source, void *userdata) {
        api_flush(userdata);
        return 0;
}

void bus_api_publish(BusApi *api) {
        api->changed |= agent_status_update(&api->shown, api->status);
        api_flush(api);
}

int bus_api_attach(BusApi *api, sd_bus *bus) {
        int r;

        bus_api_detach(api);

        r = sd_bus_add_object_vtable(bus, &api->object, AGENT_PATH, AGENT_INTERFACE, agent_vtable, api);
        if (r < 0)
                return r;

        api->bus = sd_bus_ref(bus);
        (void) agent_status_update(&api->shown, api->status);
        api->changed = 0; /* whoever sees the name appear reads everything anew */
        return 0;
}

void bus_api_detach(BusApi *api) {
        bus_calls_reset(api->calls);
        api->object = sd_bus_slot_unref(api->object);
        api->bus = sd_bus_unref(api->bus);
        (void) sd_event_source_set_enabled(api->drain, SD_EVENT_OFF);
}

void bus_api_complete_reregister(BusApi *api, OperationResult result, const char *text) {
        bus_calls_complete(api->calls, METHOD_REREGISTER, result, 0, text);
}

void bus_api_complete_report(BusApi *api, OperationResult result, unsigned http_status, const char *text) {
        bus_calls_complete(api->calls, METHOD_REPORT, result, http_status, text);
}

void bus_api_complete_health(BusApi *api, OperationResult result, const char *text) {
        bus_calls_complete(api->calls, METHOD_GET_HEALTH, result, 0, text);
}

DEFINE_CLEANUP(BusApi *, bus_api_free)

int bus_api_new(sd_event *event, const AgentStatus *status, const HealthSet *health,
                const BusOperations *operations, void *userdata, BusApi **ret) {
        _cleanup_(bus_api_free_pointer) BusApi *api = NULL;
        int r;

        api = calloc(1, sizeof *api);
        if (!api)
                return -ENOMEM;
        api->status = status;
        (void) agent_status_update(&api->shown, status);
        api->health = health;

        r = bus_calls_new(event, operations, userdata, &api->calls);
        if (r < 0)
                return r;
        r = sd_event_add_post(event, &api->drain, on_drain, api);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(api->drain, SD_EVENT_OFF);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(api);
        return 0;
}

BusApi *bus_api_free(BusApi *api) {
        if (!api)
                return NULL;

        if (api->calls)
                bus_api_detach(api);
        bus_calls_free(api->calls);
        sd_event_source_disable_unref(api->drain);
        free(api);
        return NULL;
}
