#include "health/unit-fetch.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "health/systemd-link.h"
#include "util/macro.h"
#include "util/text.h"

#define COMMON_INTERFACE SYSTEMD_NAME ".Unit"

enum { INTERFACE_SIZE = sizeof SYSTEMD_NAME ".Automount" };

typedef struct Property {
        const char *name;
        UnitKind kind;  /* the first of the kinds that have it */
        bool is_common; /* of the interface that all units have; else of the one of their type */
        /* Into *state; returns 1 if that is other than it was, 0 if not, or a negative errno. NULL: it is no
         * part of the state. */
        int (*read)(sd_bus_message *message, void *field);
        size_t offset;
} Property;

struct UnitFetch {
        UnitState *state;
        UnitFetchCallback callback;
        void *userdata;
        struct Call {
                UnitFetch *fetch;
                const Property *property;
                sd_bus_slot *slot;
        } calls[UNIT_FETCH_CALLS_MAX];
        size_t n_waiting;
        char *path; /* as systemd says */
        int error;
};

DEFINE_CLEANUP(UnitFetch *, unit_fetch_free)

/* ---- properties ---- */

static int read_word(sd_bus_message *message, void *field) {
        char word[UNIT_WORD_SIZE];
        const char *text;
        int r;

        r = sd_bus_message_read(message, "v", "s", &text);
        if (r < 0)
                return r;

        unit_word_set(word, text);
        if (streq(word, field))
                return 0;
        (void) strcpy(field, word);
        return 1;
}

static int read_type(sd_bus_message *message, void *field) {
        bool *is_oneshot = field, before = *is_oneshot;
        const char *type;
        int r;

        r = sd_bus_message_read(message, "v", "s", &type);
        if (r < 0)
                return r;

        *is_oneshot = streq(type, "oneshot");
        return *is_oneshot != before;
}

static int read_number(sd_bus_message *message, void *field) {
        uint32_t *number = field, before = *number;
        int r;

        r = sd_bus_message_read(message, "v", "u", number);
        return r < 0 ? r : *number != before;
}

static int read_time(sd_bus_message *message, void *field) {
        uint64_t *time = field, before = *time;
        int r;

        r = sd_bus_message_read(message, "v", "t", time);
        return r < 0 ? r : *time != before;
}

#define FIELD(name) offsetof(UnitState, name)

/* GetAll would be one call instead of nine, but work for systemd: among the other ninety properties is
 * NeedDaemonReload, for which it looks through the directories of unit files. */
static const Property properties[UNIT_FETCH_CALLS_MAX] = {
        { "Id", UNIT_PLAIN, true, NULL, 0 },
        { "LoadState", UNIT_PLAIN, true, read_word, FIELD(load_state) },
        { "ActiveState", UNIT_PLAIN, true, read_word, FIELD(active_state) },
        { "SubState", UNIT_PLAIN, true, read_word, FIELD(sub_state) },
        { "StateChangeTimestamp", UNIT_PLAIN, true, read_time, FIELD(since_usec) },
        { "Result", UNIT_WITH_RESULT, false, read_word, FIELD(result) },
        { "Type", UNIT_SERVICE, false, read_type, FIELD(is_oneshot) },
        { "NRestarts", UNIT_SERVICE, false, read_number, FIELD(n_restarts) },
        { "MainPID", UNIT_SERVICE, false, read_number, FIELD(main_pid) },
};

static const Property *find_property(UnitKind kind, bool is_common, const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(properties); i++) {
                const Property *property = &properties[i];

                if (property->is_common == is_common && kind >= property->kind &&
                                streq(property->name, name))
                        return property;
        }

        return NULL;
}

static int property_read(const Property *property, sd_bus_message *message, UnitState *state) {
        if (!property || !property->read)
                return sd_bus_message_skip(message, "v") < 0 ? -EBADMSG : 0;
        return property->read(message, (char *) state + property->offset);
}

/* ---- what a signal says ---- */

static int read_changed(sd_bus_message *message, UnitKind kind, bool is_common, UnitState *state) {
        int r, changes = 0;
        const char *name;

        r = sd_bus_message_enter_container(message, 'a', "{sv}");
        if (r < 0)
                return r;

        while ((r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
                r = sd_bus_message_read(message, "s", &name);
                if (r < 0)
                        return r;
                r = property_read(find_property(kind, is_common, name), message, state);
                if (r < 0)
                        return r;
                if (r > 0)
                        changes = UNIT_CHANGED;
                r = sd_bus_message_exit_container(message);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;

        r = sd_bus_message_exit_container(message);
        return r < 0 ? r : changes;
}

static int read_invalidated(sd_bus_message *message, UnitKind kind, bool is_common) {
        int r, changes = 0;
        const char *name;

        r = sd_bus_message_enter_container(message, 'a', "s");
        if (r < 0)
                return r;

        while ((r = sd_bus_message_read(message, "s", &name)) > 0)
                if (find_property(kind, is_common, name))
                        changes = UNIT_WANTS_FETCH;

        return r < 0 ? r : changes;
}

int unit_changes_read(sd_bus_message *message, const char *name, UnitState *state) {
        UnitKind kind = unit_kind(name);
        const char *interface;
        int r, changes;
        bool is_common;

        r = sd_bus_message_read(message, "s", &interface);
        if (r < 0)
                return r;

        is_common = streq(interface, COMMON_INTERFACE);
        changes = read_changed(message, kind, is_common, state);
        if (changes < 0)
                return changes;

        r = read_invalidated(message, kind, is_common);
        return r < 0 ? r : changes | r;
}

/* ---- all of it ---- */

/* Whether it is this unit, and no other, that systemd has nothing to say of. */
static bool is_error_of_unit(sd_bus_message *reply) {
        static const char *const names[] = {
                SD_BUS_ERROR_UNKNOWN_OBJECT,
                SD_BUS_ERROR_UNKNOWN_INTERFACE,
                SD_BUS_ERROR_UNKNOWN_PROPERTY,
                SD_BUS_ERROR_INVALID_ARGS,
                SYSTEMD_NAME ".NoSuchUnit",
                SYSTEMD_NAME ".LoadFailed",
        };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (sd_bus_message_is_method_error(reply, names[i]))
                        return true;

        return false;
}

static int fetch_read_id(UnitFetch *fetch, sd_bus_message *reply) {
        const char *id;
        int r;

        r = sd_bus_message_read(reply, "v", "s", &id);
        if (r < 0)
                return r;

        free(TAKE_PTR(fetch->path));
        return sd_bus_path_encode(SYSTEMD_UNIT_PATH, id, &fetch->path);
}

static int fetch_read(UnitFetch *fetch, const Property *property, sd_bus_message *reply) {
        if (sd_bus_message_is_method_error(reply, NULL)) {
                if (!is_error_of_unit(reply))
                        return -sd_bus_message_get_errno(reply);
                if (property->read == read_word)
                        (void) strcpy((char *) fetch->state + property->offset, "error");
                return 0;
        }

        return property->read ? property_read(property, reply, fetch->state) : fetch_read_id(fetch, reply);
}

static int on_property(sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error) {
        struct Call *call = userdata;
        UnitFetch *fetch = call->fetch;
        int r;

        call->slot = sd_bus_slot_unref(call->slot);
        r = fetch_read(fetch, call->property, reply);
        if (r < 0)
                fetch->error = r;

        fetch->n_waiting--;
        if (fetch->n_waiting == 0)
                fetch->callback(fetch, fetch->error, fetch->path, fetch->userdata);
        return 1;
}

static const char *property_interface(
                const Property *property, const char *name, char buffer[static INTERFACE_SIZE]) {
        const char *type = strrchr(name, '.') + 1;

        if (property->is_common)
                return COMMON_INTERFACE;

        (void) snprintf(buffer, INTERFACE_SIZE, SYSTEMD_NAME ".%c%s", toupper((unsigned char) *type),
                        type + 1);
        return buffer;
}

int unit_fetch_new(sd_bus *bus, const char *owner, const char *path, const char *name, UnitState *state,
                UnitFetchCallback callback, void *userdata, UnitFetch **ret) {
        _cleanup_(unit_fetch_free_pointer) UnitFetch *fetch = NULL;
        UnitKind kind = unit_kind(name);
        int r;

        fetch = calloc(1, sizeof *fetch);
        if (!fetch)
                return -ENOMEM;
        fetch->state = state;
        fetch->callback = callback;
        fetch->userdata = userdata;
        fetch->path = strdup(path);
        if (!fetch->path)
                return -ENOMEM;

        for (size_t i = 0; i < ELEMENTSOF(properties) && kind >= properties[i].kind; i++) {
                struct Call *call = &fetch->calls[i];
                char interface[INTERFACE_SIZE];

                *call = (struct Call){ .fetch = fetch, .property = &properties[i] };
                r = sd_bus_call_method_async(bus, &call->slot, owner, path,
                                "org.freedesktop.DBus.Properties", "Get", on_property, call, "ss",
                                property_interface(call->property, name, interface), call->property->name);
                if (r < 0)
                        return r;
                fetch->n_waiting++;
        }

        *ret = TAKE_PTR(fetch);
        return 0;
}

UnitFetch *unit_fetch_free(UnitFetch *fetch) {
        if (!fetch)
                return NULL;

        for (size_t i = 0; i < ELEMENTSOF(fetch->calls); i++)
                sd_bus_slot_unref(fetch->calls[i].slot);
        free(fetch->path);
        free(fetch);
        return NULL;
}
