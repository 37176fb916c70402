/* SPDX-License-Identifier: MIT */
#include "core/unit-set.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "util/buffer.h"
#include "util/macro.h"
#include "util/text.h"

#define SERVICE_SUFFIX ".service"

typedef struct Unit {
        const char *name;
        char *key, *text; /* what follows "systemd-", and the name, as JSON */
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
 * another type: then the suffix stays. */
static size_t key_size(char *const *names, size_t count, const char *name) {
        size_t size = strlen(name);

        if (ends_with(name, SERVICE_SUFFIX) && !is_named(names, count, name, size - strlen(SERVICE_SUFFIX)))
                size -= strlen(SERVICE_SUFFIX);
        return size;
}

/* Backslashes (dev-disk-by\x2dlabel-data.device) are all that JSON wants escaped in a unit's name. */
static char *escape(const char *name, size_t size) {
        char *text = malloc(2 * size + 1), *end = text;

        for (size_t i = 0; text && i < size; i++) {
                if (name[i] == '\\')
                        *end++ = '\\';
                *end++ = name[i];
        }
        if (text)
                *end = '\0';
        return text;
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

        for (size_t i = 0; i < count; i++) {
                Unit *unit = &set->units[set->count++];

                unit->name = names[i];
                unit->key = escape(names[i], key_size(names, count, names[i]));
                unit->text = escape(names[i], strlen(names[i]));
                if (!unit->key || !unit->text)
                        return -ENOMEM;
        }
        qsort(set->units, count, sizeof *set->units, compare_units);
        set->is_stale = true;

        *ret = TAKE_PTR(set);
        return 0;
}

UnitSet *unit_set_free(UnitSet *set) {
        if (!set)
                return NULL;

        for (size_t i = 0; i < set->count; i++) {
                free(set->units[i].key);
                free(set->units[i].text);
        }
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

UnitKind unit_kind(const char *name) {
        static const char *const plain[] = { ".target", ".slice", ".device" };

        if (ends_with(name, SERVICE_SUFFIX))
                return UNIT_SERVICE;
        for (size_t i = 0; i < ELEMENTSOF(plain); i++)
                if (ends_with(name, plain[i]))
                        return UNIT_PLAIN;

        return UNIT_WITH_RESULT;
}

void unit_word_set(char word[static UNIT_WORD_SIZE], const char *text) {
        text_sanitize_into(word, UNIT_WORD_SIZE, text, strlen(text));
        for (; *word; word++)
                if (*word == '"' || *word == '\\')
                        *word = '?';
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

bool unit_set_update(UnitSet *set, size_t index, const UnitState *state, usec_t now, usec_t realtime) {
        UnitState before;
        Unit *unit;

        assert(index < set->count);

        unit = &set->units[index];
        before = unit->state;
        unit->state = *state;
        if (!unit->is_known) {
                unit->is_known = set->is_stale = true;
                return true;
        }

        if (state->since_usec == 0)
                unit->state.since_usec = is_same_state(&before, state) ? before.since_usec : realtime;
        unit_note_restarts(unit, before.n_restarts, now);

        set->is_stale = set->is_stale || before.main_pid != state->main_pid ||
                        before.since_usec != unit->state.since_usec || is_news(&before, state);
        return is_news(&before, state);
}

void unit_set_forget(UnitSet *set) {
        for (size_t i = 0; i < set->count; i++) {
                set->units[i].is_known = false;
                memset(set->units[i].restarts_usec, 0, sizeof set->units[i].restarts_usec);
        }
        set->is_stale = true;
}

static int append_unit(Buffer *buffer, const Unit *unit, bool is_looping) {
        const UnitState *state = &unit->state;
        UnitKind kind = unit_kind(unit->name);
        char since[TIMESTAMP_SIZE];
        int r;

        r = buffer_printf(buffer,
                        "%s\"systemd-%s\":{\"unit\":\"%s\",\"load_state\":\"%s\",\"active_state\":\"%s\","
                        "\"sub_state\":\"%s\"",
                        buffer->size > 0 ? "," : "", unit->key, unit->text, state->load_state,
                        state->active_state, state->sub_state);
        if (r >= 0)
                r = kind == UNIT_PLAIN ? buffer_append_string(buffer, ",\"result\":null")
                                       : buffer_printf(buffer, ",\"result\":\"%s\"", state->result);
        if (r >= 0)
                r = kind == UNIT_SERVICE
                                    ? buffer_printf(buffer,
                                                      ",\"n_restarts\":%" PRIu32 ",\"main_pid\":%" PRIu32,
                                                      state->n_restarts, state->main_pid)
                                    : buffer_append_string(buffer, ",\"n_restarts\":null,\"main_pid\":null");
        if (r >= 0)
                r = state->since_usec == 0 ? buffer_append_string(buffer, ",\"since\":null")
                                           : buffer_printf(buffer, ",\"since\":\"%s\"",
                                                             format_timestamp(since, state->since_usec));
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
                if (now < until)
                        set->loops_until_usec = usec_earlier(set->loops_until_usec, until);
        }

        set->is_stale = false;
        return strempty(set->members.data);
}
