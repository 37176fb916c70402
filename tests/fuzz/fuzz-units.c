/* SPDX-License-Identifier: MIT */
/* Watched units: any names that the configuration accepts, any states of them, and a report that stays JSON
 * with a member of its own for each. */
#include "fuzz.h"

#include <stdio.h>

#include "core/config.h"
#include "core/unit-set.h"
#include "util/buffer.h"

enum { CHANGES_MAX = 16 };

DEFINE_CLEANUP(UnitSet *, unit_set_free)

/* A word that healthy units have, or any. */
static void fuzz_word(FuzzInput *input, char word[static UNIT_WORD_SIZE]) {
        static const char *const usual[] = { "loaded", "active", "activating", "inactive", "success" };
        uint8_t choice = fuzz_byte(input);
        _cleanup_free_ char *text = NULL;

        if (choice >= ELEMENTSOF(usual))
                text = fuzz_string(input);
        unit_word_set(word, text ? text : usual[choice]);
}

static void fuzz_state(FuzzInput *input, UnitState *state) {
        fuzz_word(input, state->load_state);
        fuzz_word(input, state->active_state);
        fuzz_word(input, state->sub_state);
        fuzz_word(input, state->result);
        state->is_oneshot = fuzz_byte(input) & 1;
        state->n_restarts = (uint32_t) fuzz_number(input, 4);
        state->main_pid = (uint32_t) fuzz_number(input, 4);
        state->since_usec = fuzz_number(input, 8);
}

static void check_state(const UnitState *state) {
        const char *const words[] = { state->load_state, state->active_state, state->sub_state,
                state->result };

        for (size_t i = 0; i < ELEMENTSOF(words); i++) {
                assert(memchr(words[i], '\0', UNIT_WORD_SIZE));
                assert(fuzz_is_safe(words[i]));
        }
}

static void check_member(JsonSlice unit, const char *name, const UnitState *state) {
        JsonSlice value;
        bool is_healthy;

        assert(json_type(unit) == JSON_OBJECT);
        assert(json_object_find(unit, "unit", &value) && json_string_equals(value, name));
        assert(json_object_find(unit, "active_state", &value) &&
                        json_string_equals(value, state->active_state));
        assert(json_object_find(unit, "healthy", &value));
        is_healthy = fuzz_slice_equals(value, "true", 4);
        assert(is_healthy || fuzz_slice_equals(value, "false", 5));
        assert(!is_healthy || unit_is_healthy(state)); /* the other way round: it restarts too often */
}

/* Each unit that is known has one member, in the order of the keys. */
static void check_members(UnitSet *set, const UnitState *states, const bool *is_known, usec_t now) {
        const char *members = unit_set_members(set, now);
        _cleanup_(buffer_done) Buffer buffer = {};
        _cleanup_free_ char *before = NULL;
        JsonSlice object, name, value;
        size_t position = 0;

        assert(members);
        assert(buffer_printf(&buffer, "{%s}", members) == 0);
        assert(json_scan(buffer.data, buffer.size, &object, NULL) == 0);
        for (size_t i = 0; i < unit_set_count(set); i++) {
                char *key;

                if (!is_known[i])
                        continue;
                assert(json_object_next(object, &position, &name, &value) > 0);
                assert(json_string_decode(name, &key) == 0);
                assert(strncmp(key, "systemd-", strlen("systemd-")) == 0);
                assert(!before || strcmp(before, key) < 0);
                free(before);
                before = key;
                check_member(value, unit_set_name(set, i), &states[i]);
        }
        assert(json_object_next(object, &position, &name, &value) == 0);
}

static void watch(char *const *names, size_t count, FuzzInput *input) {
        _cleanup_(unit_set_free_pointer) UnitSet *set = NULL;
        _cleanup_free_ UnitState *states = calloc(count, sizeof *states);
        _cleanup_free_ bool *is_known = calloc(count, sizeof *is_known);
        usec_t now = USEC_PER_SEC;

        assert(states && is_known);
        assert(unit_set_new(names, count, &set) == 0);

        for (unsigned i = 0; i < CHANGES_MAX && input->size > 0; i++) {
                size_t index = fuzz_byte(input) % count;
                bool is_news;

                now += fuzz_byte(input) * USEC_PER_SEC;
                fuzz_state(input, &states[index]);
                check_state(&states[index]);
                is_news = unit_set_update(set, index, &states[index], now, now);
                assert(is_known[index] || is_news);
                assert(!unit_set_update(set, index, &states[index], now, now));
                is_known[index] = true;
        }
        check_members(set, states, is_known, now);

        memset(is_known, 0, count);
        unit_set_forget(set);
        check_members(set, states, is_known, now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = NULL, *entry = NULL;
        FuzzInput input = { data, size };
        _cleanup_(config_messages_done) ConfigMessages messages = {};
        _cleanup_(config_done) Config config = {};

        text = fuzz_string(&input);
        assert(asprintf(&entry, "AGENT_WATCH_UNITS=%s", text) >= 0);
        (void) config_parse((char *const[]){ entry, NULL }, NULL, NULL, &config, &messages);
        for (size_t i = 0; i < messages.count; i++) {
                assert(fuzz_is_safe(messages.items[i].text));
                if (messages.items[i].is_error && streq(messages.items[i].variable, "AGENT_WATCH_UNITS"))
                        return 0;
        }

        assert(!config.watch_units == (config.n_watch_units == 0));
        if (config.n_watch_units > 0)
                watch(config.watch_units, config.n_watch_units, &input);
        return 0;
}
