#include "core/unit-set.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "util/buffer.h"
#include "util/macro.h"
#include "util/text.h"

#define KEY_PREFIX "systemd-"
#define SERVICE_SUFFIX ".service"

typedef struct Unit {
        const char *name;
        char *key;
        UnitState state;
        bool is_known;
        usec_t restarts_usec[2]; /* when systemd restarted it last, and before that; 0: not seen */
} Unit;

struct UnitSet {
        Unit *units;
        size_t count;
        Buffer members;
        bool is_stale;           /* `members` is */
        usec_t loops_until_usec; /* then one of the loops in `members` is over; USEC_INFINITY: none */
};

DEFINE_CLEANUP(UnitSet *, unit_set_free)

static bool ends_with(const char *text, const char *end) {
        size_t size = strlen(text), end_size = strlen(end);

        return size >= end_size && streq(text + size - end_size, end);
}

static bool is_named(char *const *names, size_t count, const char *name, size_t size) {
        for (size_t i = 0; i < count; i++)
                if (strncmp(names[i], name, size) == 0 && !names[i][size])
                        return true;

        return false;
}

/* A service's name without its suffix is no other service's, but may be the whole name of a unit of
 * another type. */
static char *make_key(char *const *names, size_t count, const char *name) {
        size_t size = strlen(name);
        char *key;

        if (ends_with(name, SERVICE_SUFFIX) && !is_named(names, count, name, size - strlen(SERVICE_SUFFIX)))
                size -= strlen(SERVICE_SUFFIX);

        key = malloc(strlen(KEY_PREFIX) + size + 1);
        if (key)
                *(char *) mempcpy(stpcpy(key, KEY_PREFIX), name, size) = '\0';
        return key;
}

static int compare_units(const void *a, const void *b) {
        return strcmp(((const Unit *) a)->key, ((const Unit *) b)->key);
}

int unit_set_new(char *const *names, size_t count, UnitSet **ret) {
        _cleanup_(unit_set_free_pointer) UnitSet *set = NULL;

        assert(count > 0);

        set = calloc(1, sizeof *set);
        if (!set)
                return -ENOMEM;
        set->units = calloc(count, sizeof *set->units);
        if (!set->units)
                return -ENOMEM;

        while (set->count < count) {
                Unit *unit = &set->units[set->count];

                unit->name = names[set->count];
                unit->key = make_key(names, count, unit->name);
                if (!unit->key)
                        return -ENOMEM;
                set->count++;
        }
        qsort(set->units, count, sizeof *set->units, compare_units);
        set->is_stale = true;

        *ret = TAKE_PTR(set);
        return 0;
}

UnitSet *unit_set_free(UnitSet *set) {
        if (!set)
                return NULL;

        for (size_t i = 0; i < set->count; i++)
                free(set->units[i].key);
        free(set->units);
        buffer_done(&set->members);
        free(set);
        return NULL;
}

size_t unit_set_count(const UnitSet *set) {
        return set->count;
}

const char *unit_set_name(const UnitSet *set, size_t index) {
        assert(index < set->count);
        return set->units[index].name;
}

const char *unit_set_key(const UnitSet *set, size_t index) {
        assert(index < set->count);
        return set->units[index].key;
}

UnitKind unit_kind(const char *name) {
        static const char *const plain[] = { ".target", ".slice", ".device" };

        if (ends_with(name, SERVICE_SUFFIX))
                return UNIT_SERVICE;
        for (size_t i = 0; i < ELEMENTSOF(plain); i++)
                if (ends_with(name, plain[i]))
                        return UNIT_PLAIN;

        return UNIT_WITH_RESULT;
}

bool unit_is_healthy(const UnitState *state) {
        static const char *const good[] = { "active", "reloading", "refreshing" };

        if (!streq(state->load_state, "loaded"))
                return false;
        for (size_t i = 0; i < ELEMENTSOF(good); i++)
                if (streq(state->active_state, good[i]))
                        return true;

        if (streq(state->active_state, "activating"))
                /* also auto-restart-queued */
                return strncmp(state->sub_state, "auto-restart", strlen("auto-restart")) != 0;
        if (streq(state->active_state, "inactive"))
                return state->is_oneshot && streq(state->result, "success");

        return false;
}

/* Between two failures a service is up, for most of the time maybe: what a report finds is chance. */
static usec_t unit_loops_until(const Unit *unit) {
        return unit->restarts_usec[1] > 0 ? unit->restarts_usec[1] + UNIT_LOOP_USEC : 0;
}

static void unit_note_restarts(Unit *unit, uint32_t before, usec_t now) {
        uint32_t after = unit->state.n_restarts;

        if (after < before) /* somebody started it: that is no loop */
                unit->restarts_usec[0] = unit->restarts_usec[1] = 0;
        if (after <= before)
                return;

        unit->restarts_usec[1] = after - before > 1 ? now : unit->restarts_usec[0];
        unit->restarts_usec[0] = now;
}

static bool is_same_state(const UnitState *a, const UnitState *b) {
        return streq(a->active_state, b->active_state) && streq(a->sub_state, b->sub_state);
}

static bool is_news(const UnitState *a, const UnitState *b) {
        return !is_same_state(a, b) || !streq(a->load_state, b->load_state) ||
               !streq(a->result, b->result) || a->n_restarts != b->n_restarts ||
               unit_is_healthy(a) != unit_is_healthy(b);
}

bool unit_set_update(UnitSet *set, size_t index, const UnitState *state, usec_t now) {
        Unit *unit;
        UnitState before;
        bool was_known;

        assert(index < set->count);

        unit = &set->units[index];
        before = unit->state;
        was_known = unit->is_known;
        unit->state = *state;
        unit->is_known = true;
        if (was_known && state->since_usec == 0 && is_same_state(&before, state))
                unit->state.since_usec = before.since_usec;
        if (was_known)
                unit_note_restarts(unit, before.n_restarts, now);

        if (!was_known || before.main_pid != state->main_pid ||
                        before.since_usec != unit->state.since_usec || is_news(&before, state))
                set->is_stale = true;
        return !was_known || is_news(&before, state);
}

void unit_set_forget(UnitSet *set) {
        for (size_t i = 0; i < set->count; i++) {
                set->units[i].is_known = false;
                memset(set->units[i].restarts_usec, 0, sizeof set->units[i].restarts_usec);
        }
        set->is_stale = true;
}

/* Names hold backslashes (dev-disk-by\x2dlabel-data.device); systemd's words are made safe before they come
 * here, but for these two. */
static int append_text(Buffer *buffer, const char *prefix, const char *text) {
        int r;

        r = buffer_append_string(buffer, prefix);
        for (; r >= 0 && *text; text++)
                r = *text == '"' || *text == '\\' ? buffer_printf(buffer, "\\%c", *text)
                                                  : buffer_append(buffer, text, 1);

        return r < 0 ? r : buffer_append_string(buffer, "\"");
}

static int append_service(Buffer *buffer, const UnitState *state, UnitKind kind) {
        if (kind != UNIT_SERVICE)
                return buffer_append_string(buffer, ",\"n_restarts\":null,\"main_pid\":null");
        return buffer_printf(buffer, ",\"n_restarts\":%" PRIu32 ",\"main_pid\":%" PRIu32, state->n_restarts,
                        state->main_pid);
}

static int append_since(Buffer *buffer, const UnitState *state) {
        char timestamp[TIMESTAMP_SIZE];

        if (state->since_usec == 0)
                return buffer_append_string(buffer, ",\"since\":null");
        return append_text(buffer, ",\"since\":\"", format_timestamp(timestamp, state->since_usec));
}

static int append_unit(Buffer *buffer, const Unit *unit, bool is_looping) {
        const UnitState *state = &unit->state;
        UnitKind kind = unit_kind(unit->name);
        int r;

        r = append_text(buffer, buffer->size > 0 ? ",\"" : "\"", unit->key);
        if (r >= 0)
                r = append_text(buffer, ":{\"unit\":\"", unit->name);
        if (r >= 0)
                r = append_text(buffer, ",\"load_state\":\"", state->load_state);
        if (r >= 0)
                r = append_text(buffer, ",\"active_state\":\"", state->active_state);
        if (r >= 0)
                r = append_text(buffer, ",\"sub_state\":\"", state->sub_state);
        if (r >= 0)
                r = kind == UNIT_PLAIN ? buffer_append_string(buffer, ",\"result\":null")
                                       : append_text(buffer, ",\"result\":\"", state->result);
        if (r >= 0)
                r = append_service(buffer, state, kind);
        if (r >= 0)
                r = append_since(buffer, state);
        if (r >= 0)
                r = buffer_printf(buffer, ",\"healthy\":%s}",
                                unit_is_healthy(state) && !is_looping ? "true" : "false");

        return r;
}

const char *unit_set_members(UnitSet *set, usec_t now) {
        if (!set->is_stale && now < set->loops_until_usec)
                return strempty(set->members.data);

        buffer_clear(&set->members);
        set->is_stale = true;
        set->loops_until_usec = USEC_INFINITY;
        for (size_t i = 0; i < set->count; i++) {
                const Unit *unit = &set->units[i];
                usec_t until = unit_loops_until(unit);

                if (!unit->is_known)
                        continue;
                if (append_unit(&set->members, unit, now < until) < 0)
                        return NULL;
                if (now < until && until < set->loops_until_usec)
                        set->loops_until_usec = until;
        }

        set->is_stale = false;
        return strempty(set->members.data);
}
