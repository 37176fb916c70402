/* SPDX-License-Identifier: MIT */
#include "health/unit-fetch.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/macro.h"
#include "util/text.h"

enum { PROPERTIES = 9, INTERFACE_SIZE = sizeof SYSTEMD_NAME ".Automount" };

typedef struct Call {
        UnitFetch *fetch;
        sd_bus_slot *slot;
} Call;

struct UnitFetch {
        const char *name;
        UnitFetchCallback callback;
        void *userdata;
        Call calls[PROPERTIES]; /* one for each property */
        size_t n_waiting;
        int error;

        char *id; /* NULL: as `name` */
        UnitState state;
};

DEFINE_CLEANUP(UnitFetch *, unit_fetch_free)

#define FIELD(member) offsetof(UnitFetch, member)

/* GetAll would be one call instead of nine, but work for systemd: among the other ninety properties is
 * NeedDaemonReload, for which it looks through the directories of unit files. */
static const struct Property {
        const char *name, *type;
        UnitKind kind; /* the first of the kinds that have it: all have the Unit interface's, UNIT_PLAIN */
        size_t offset;
} properties[PROPERTIES] = {
        { "Id", "s", UNIT_PLAIN, FIELD(id) },
        { "LoadState", "s", UNIT_PLAIN, FIELD(state.load_state) },
        { "ActiveState", "s", UNIT_PLAIN, FIELD(state.active_state) },
        { "SubState", "s", UNIT_PLAIN, FIELD(state.sub_state) },
        { "StateChangeTimestamp", "t", UNIT_PLAIN, FIELD(state.since_usec) },
        { "Result", "s", UNIT_WITH_RESULT, FIELD(state.result) },
        { "Type", "s", UNIT_SERVICE, FIELD(state.is_oneshot) },
        { "NRestarts", "u", UNIT_SERVICE, FIELD(state.n_restarts) },
        { "MainPID", "u", UNIT_SERVICE, FIELD(state.main_pid) },
};

static int fetch_take(UnitFetch *fetch, const struct Property *property, const char *text) {
        if (property->offset == FIELD(id))
                return text_replace(&fetch->id, text);

        if (property->offset == FIELD(state.is_oneshot))
                fetch->state.is_oneshot = streq(text, "oneshot");
        else
                unit_word_set((char *) fetch + property->offset, text);
        return 0;
}

/* systemd replied, but not about this unit: no such object, interface, property or unit, or a bad name. */
static bool is_error_of_unit(sd_bus_message *reply, int error) {
        return error == -EBADR || error == -EINVAL ||
               sd_bus_message_is_method_error(reply, SYSTEMD_NAME ".NoSuchUnit") ||
               sd_bus_message_is_method_error(reply, SYSTEMD_NAME ".LoadFailed");
}

static int fetch_read(UnitFetch *fetch, const struct Property *property, sd_bus_message *reply) {
        bool is_text = streq(property->type, "s");
        const char *text;
        int r;

        r = -sd_bus_message_get_errno(reply);
        if (r < 0 && is_error_of_unit(reply, r))
                return is_text && property->offset != FIELD(id) ? fetch_take(fetch, property, "error") : 0;
        if (r < 0)
                return r;

        r = sd_bus_message_read(reply, "v", property->type,
                        is_text ? (void *) &text : (char *) fetch + property->offset);
        if (r < 0)
                return -EBADMSG;
        return is_text ? fetch_take(fetch, property, text) : 0;
}

static int on_property(sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error) {
        Call *call = userdata;
        UnitFetch *fetch = call->fetch;
        int r;

        call->slot = sd_bus_slot_unref(call->slot);
        r = fetch_read(fetch, &properties[call - fetch->calls], reply);
        if (r < 0)
                fetch->error = r;

        fetch->n_waiting--;
        if (fetch->n_waiting == 0) {
                fetch->callback(fetch->error, fetch->id ? fetch->id : fetch->name, &fetch->state,
                                fetch->userdata);
        }
        return 1;
}

static int fetch_call(UnitFetch *fetch, sd_bus *bus, const char *owner, const char *path, size_t index) {
        const char *type = strrchr(fetch->name, '.') + 1;
        char interface[INTERFACE_SIZE];

        if (properties[index].kind == UNIT_PLAIN)
                (void) strcpy(interface, SYSTEMD_NAME ".Unit");
        else
                (void) snprintf(interface, sizeof interface, SYSTEMD_NAME ".%c%s",
                                toupper((unsigned char) *type), type + 1);

        fetch->calls[index].fetch = fetch;
        fetch->n_waiting++;
        return sd_bus_call_method_async(bus, &fetch->calls[index].slot, owner, path,
                        "org.freedesktop.DBus.Properties", "Get", on_property, &fetch->calls[index], "ss",
                        interface, properties[index].name);
}

int unit_fetch_new(sd_bus *bus, const char *owner, const char *name, UnitFetchCallback callback,
                void *userdata, UnitFetch **ret) {
        _cleanup_(unit_fetch_free_pointer) UnitFetch *fetch = NULL;
        _cleanup_free_ char *path = NULL;
        UnitKind kind = unit_kind(name);
        int r;

        fetch = calloc(1, sizeof *fetch);
        if (!fetch)
                return -ENOMEM;
        fetch->name = name;
        fetch->callback = callback;
        fetch->userdata = userdata;

        r = sd_bus_path_encode(SYSTEMD_UNIT_PATH, name, &path);
        for (size_t i = 0; r >= 0 && i < PROPERTIES && kind >= properties[i].kind; i++)
                r = fetch_call(fetch, bus, owner, path, i);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(fetch);
        return 0;
}

UnitFetch *unit_fetch_free(UnitFetch *fetch) {
        if (!fetch)
                return NULL;

        for (size_t i = 0; i < PROPERTIES; i++)
                sd_bus_slot_unref(fetch->calls[i].slot);
        free(fetch->id);
        free(fetch);
        return NULL;
}
