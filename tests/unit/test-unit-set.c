/* SPDX-License-Identifier: MIT */
/* The watched units in the report: their keys, what is healthy, what is news. */
#include "core/unit-set.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/json-scan.h"
#include "test-memory.h"
#include "util/buffer.h"
#include "util/macro.h"
#include "util/text.h"

DEFINE_CLEANUP(UnitSet *, unit_set_free)

#define NAMES(...) ((char *[]){ __VA_ARGS__ })
#define NOW (1000 * USEC_PER_SEC)
#define REALTIME UINT64_C(1795522380123456)
#define REALTIME_TEXT "2026-11-24T12:13:00.123Z"
#define NEW_SET(...) set_of(NAMES(__VA_ARGS__), ELEMENTSOF(NAMES(__VA_ARGS__)))

static UnitSet *set_of(char *const *names, size_t count) {
        UnitSet *set;

        assert_int_equal(unit_set_new(names, count, &set), 0);
        assert_int_equal(unit_set_count(set), count);
        return set;
}

static bool update(UnitSet *set, size_t index, const UnitState *state, usec_t now) {
        return unit_set_update(set, index, state, now, REALTIME);
}

static UnitState state_of(const char *load_state, const char *active_state, const char *sub_state) {
        UnitState state = {};

        (void) stpcpy(state.load_state, load_state);
        (void) stpcpy(state.active_state, active_state);
        (void) stpcpy(state.sub_state, sub_state);
        (void) stpcpy(state.result, "success");
        return state;
}

static const char *members_of(UnitSet *set) {
        const char *members = unit_set_members(set, NOW);

        assert_non_null(members);
        return members;
}

/* The members are those of a JSON object. */
static void assert_object(UnitSet *set) {
        _cleanup_(buffer_done) Buffer text = {};
        JsonSlice value;

        assert_int_equal(buffer_printf(&text, "{%s}", members_of(set)), 0);
        assert_int_equal(json_scan(text.data, text.size, &value, NULL), 0);
}

static void test_keys(void **state _unused_) {
        _cleanup_(unit_set_free_pointer) UnitSet *set = NEW_SET("z.service", "b.socket", "b.socket.service",
                        "B.service", "b@x.service", "b.timer", "b.socket.service.service",
                        "c.socket.service", "b.service");
        static const struct {
                const char *key, *name;
        } expected[] = {
                { "systemd-B", "B.service" },
                { "systemd-b", "b.service" },
                { "systemd-b.socket", "b.socket" },
                { "systemd-b.socket.service", "b.socket.service" },
                { "systemd-b.socket.service.service", "b.socket.service.service" },
                { "systemd-b.timer", "b.timer" },
                { "systemd-b@x", "b@x.service" },
                { "systemd-c.socket", "c.socket.service" },
                { "systemd-z", "z.service" },
        };

        UnitState unit = state_of("loaded", "active", "running");
        const char *member;

        assert_int_equal(unit_set_count(set), ELEMENTSOF(expected));
        for (size_t i = 0; i < ELEMENTSOF(expected); i++) {
                char head[128];

                assert_string_equal(unit_set_name(set, i), expected[i].name);
                assert_true(update(set, i, &unit, NOW));
                (void) snprintf(head, sizeof head, "\"%s\":{\"unit\":\"%s\",", expected[i].key,
                                expected[i].name);
                member = strstr(members_of(set), head);
                assert_true(member && strstr(member, "}") == member + strlen(member) - 1); /* the last */
        }
}

static void test_kinds(void **state _unused_) {
        static const char *const names[] = { "a.socket", "a.timer", "a.mount", "a.automount", "a.swap",
                "a.path", "a.scope" };

        assert_int_equal(unit_kind("a.service"), UNIT_SERVICE);
        assert_int_equal(unit_kind("a.socket.service"), UNIT_SERVICE);
        assert_int_equal(unit_kind("a.target"), UNIT_PLAIN);
        assert_int_equal(unit_kind("a.slice"), UNIT_PLAIN);
        assert_int_equal(unit_kind("dev-sda.device"), UNIT_PLAIN);
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                assert_int_equal(unit_kind(names[i]), UNIT_WITH_RESULT);
}

static void test_healthy(void **state _unused_) {
        static const struct {
                const char *load_state, *active_state, *sub_state, *result;
                bool is_oneshot, is_healthy;
        } cases[] = {
                { "loaded", "active", "running", "success", false, true },
                { "loaded", "active", "exited", "success", true, true },
                { "loaded", "active", "listening", "success", false, true },
                { "loaded", "active", "waiting", "success", false, true },
                { "loaded", "active", "mounted", "success", false, true },
                { "loaded", "active", "active", "", false, true },
                { "loaded", "reloading", "reload", "success", false, true },
                { "loaded", "refreshing", "refresh", "success", false, true },
                { "loaded", "activating", "start-pre", "success", false, true },
                { "loaded", "activating", "start", "success", true, true },
                { "loaded", "activating", "auto-restart", "exit-code", false, false },
                { "loaded", "activating", "auto-restart-queued", "exit-code", false, false },
                { "loaded", "inactive", "dead", "success", true, true },
                { "loaded", "inactive", "dead", "exec-condition", true, false },
                { "loaded", "inactive", "dead", "success", false, false },
                { "loaded", "deactivating", "stop-sigterm", "success", false, false },
                { "loaded", "failed", "failed", "exit-code", false, false },
                { "loaded", "failed", "failed", "exit-code", true, false },
                { "loaded", "maintenance", "cleaning", "success", false, false },
                { "loaded", "something-new", "x", "success", false, false },
                { "not-found", "inactive", "dead", "success", false, false },
                { "not-found", "inactive", "dead", "success", true, false },
                { "not-found", "active", "running", "success", false, false },
                { "masked", "inactive", "dead", "success", true, false },
                { "masked", "active", "running", "success", false, false },
                { "bad-setting", "inactive", "dead", "success", true, false },
                { "error", "inactive", "dead", "success", true, false },
                { "", "", "", "", false, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                UnitState unit = state_of(cases[i].load_state, cases[i].active_state, cases[i].sub_state);

                (void) stpcpy(unit.result, cases[i].result);
                unit.is_oneshot = cases[i].is_oneshot;
                if (unit_is_healthy(&unit) != cases[i].is_healthy)
                        fail_msg("%s %s %s", cases[i].load_state, cases[i].active_state, cases[i].sub_state);
        }
}

static void test_members(void **state _unused_) {
        _cleanup_(unit_set_free_pointer) UnitSet *set =
                        NEW_SET("web@a\\x2db.service", "multi-user.target", "cron.service", "db.socket");
        UnitState unit = state_of("loaded", "active", "running");

        assert_string_equal(members_of(set), "");
        unit.n_restarts = UINT32_MAX;
        unit.main_pid = 4711;
        unit.since_usec = REALTIME;
        assert_true(update(set, 3, &unit, NOW));
        assert_string_equal(members_of(set),
                        "\"systemd-web@a\\\\x2db\":{\"unit\":\"web@a\\\\x2db.service\","
                        "\"load_state\":\"loaded\",\"active_state\":\"active\",\"sub_state\":\"running\","
                        "\"result\":\"success\",\"n_restarts\":4294967295,\"main_pid\":4711,"
                        "\"since\":\"2026-11-24T12:13:00.123Z\",\"healthy\":true}");

        /* The others, in the order of their keys. */
        unit = state_of("not-found", "inactive", "dead");
        assert_true(update(set, 2, &unit, NOW));
        assert_true(update(set, 1, &unit, NOW));
        assert_true(update(set, 0, &unit, NOW));
        unit_set_forget(set);
        assert_true(update(set, 2, &unit, NOW));
        assert_true(update(set, 1, &unit, NOW));
        assert_string_equal(members_of(set),
                        "\"systemd-db.socket\":{\"unit\":\"db.socket\",\"load_state\":\"not-found\","
                        "\"active_state\":\"inactive\",\"sub_state\":\"dead\",\"result\":\"success\","
                        "\"n_restarts\":null,\"main_pid\":null,\"since\":null,\"healthy\":false},"
                        "\"systemd-multi-user.target\":{\"unit\":\"multi-user.target\","
                        "\"load_state\":\"not-found\",\"active_state\":\"inactive\",\"sub_state\":\"dead\","
                        "\"result\":null,\"n_restarts\":null,\"main_pid\":null,\"since\":null,"
                        "\"healthy\":false}");
        assert_object(set);

        unit_set_forget(set);
        assert_string_equal(members_of(set), "");
}

static void test_news(void **state _unused_) {
        _cleanup_(unit_set_free_pointer) UnitSet *set = NEW_SET("a.service");
        UnitState unit = state_of("loaded", "active", "running");

        assert_true(update(set, 0, &unit, NOW));
        assert_false(update(set, 0, &unit, NOW));

        /* Not these alone; but they are reported. */
        unit.main_pid = 7;
        assert_false(update(set, 0, &unit, NOW));
        assert_non_null(strstr(members_of(set), "\"main_pid\":7"));
        unit.since_usec = 1;
        assert_false(update(set, 0, &unit, NOW));
        assert_non_null(strstr(members_of(set), "\"since\":\"1970-01-01T00:00:00.000Z\""));

        unit.n_restarts = 1;
        assert_true(update(set, 0, &unit, NOW));
        (void) stpcpy(unit.result, "signal");
        assert_true(update(set, 0, &unit, NOW));
        (void) stpcpy(unit.sub_state, "exited");
        assert_true(update(set, 0, &unit, NOW));
        (void) stpcpy(unit.active_state, "inactive");
        assert_true(update(set, 0, &unit, NOW));
        (void) stpcpy(unit.load_state, "masked");
        assert_true(update(set, 0, &unit, NOW));

        /* The verdict alone: the unit's file has become a oneshot's. */
        unit = state_of("loaded", "inactive", "dead");
        assert_true(update(set, 0, &unit, NOW));
        unit.is_oneshot = true;
        assert_true(update(set, 0, &unit, NOW));

        unit_set_forget(set);
        assert_true(update(set, 0, &unit, NOW));
}

/* Words that nobody has thought of stay within their string. */
static void test_words(void **state _unused_) {
        char word[UNIT_WORD_SIZE];

        unit_word_set(word, "auto-restart");
        assert_string_equal(word, "auto-restart");
        unit_word_set(word, "a\"b\\");
        assert_string_equal(word, "a?b?");
        unit_word_set(word, "\n\xFF");
        assert_string_equal(word, "\xEF\xBF\xBD");
        unit_word_set(word, "a-word-that-is-longer-than-all-of-systemd");
        assert_int_equal(strlen(word), UNIT_WORD_SIZE - 1);
        unit_word_set(word, "");
        assert_string_equal(word, "");
}

/* systemd unloads what is inactive, and loads it without a past. */
static void test_since_outlives_unloading(void **state _unused_) {
        _cleanup_(unit_set_free_pointer) UnitSet *set = NEW_SET("a.service");
        UnitState unit = state_of("loaded", "inactive", "dead");

        assert_true(update(set, 0, &unit, NOW));
        assert_non_null(strstr(members_of(set), "\"since\":null"));
        unit.since_usec = 1;
        assert_false(update(set, 0, &unit, NOW));
        unit.since_usec = 0;
        assert_false(update(set, 0, &unit, NOW));
        assert_non_null(strstr(members_of(set), "\"since\":\"1970-01-01T00:00:00.000Z\""));

        /* It was unloaded at once after a change. */
        (void) stpcpy(unit.active_state, "failed");
        assert_true(update(set, 0, &unit, NOW));
        assert_non_null(strstr(members_of(set), "\"since\":\"" REALTIME_TEXT "\""));

        /* What was known before it was forgotten does not come back. */
        unit_set_forget(set);
        assert_true(update(set, 0, &unit, NOW));
        assert_non_null(strstr(members_of(set), "\"since\":null"));
}

static void test_text_is_kept(void **state _unused_) {
        _cleanup_(unit_set_free_pointer) UnitSet *set = NEW_SET("a.service");
        UnitState unit = state_of("loaded", "active", "running");
        const char *members;

        (void) update(set, 0, &unit, NOW);
        members = members_of(set);
        memset((char *) members, 'x', strlen(members)); /* nothing is written again without a change */
        assert_false(update(set, 0, &unit, NOW));
        assert_string_equal(members_of(set), members);
        assert_int_equal(members[0], 'x');
        unit.main_pid = 1;
        (void) update(set, 0, &unit, NOW);
        assert_int_equal(members_of(set)[0], '"');
}

static bool is_healthy_at(UnitSet *set, usec_t now) {
        return strstr(unit_set_members(set, now), "\"healthy\":true") != NULL;
}

static void restart(UnitSet *set, UnitState *unit, usec_t now) {
        unit->n_restarts++;
        assert_true(update(set, 0, unit, now));
}

/* A service that fails again and again is not healthy because a report meets it while it runs. */
static void test_restart_loop(void **state _unused_) {
        _cleanup_(unit_set_free_pointer) UnitSet *set = NEW_SET("a.service");
        UnitState unit = state_of("loaded", "active", "running");
        usec_t now = NOW;

        unit.n_restarts = 50; /* nobody knows when that was */
        (void) update(set, 0, &unit, now);
        assert_true(is_healthy_at(set, now));

        restart(set, &unit, now);
        assert_true(is_healthy_at(set, now)); /* one may happen */
        restart(set, &unit, now + 50 * USEC_PER_SEC);
        assert_false(is_healthy_at(set, now + 50 * USEC_PER_SEC));
        assert_false(is_healthy_at(set, now + UNIT_LOOP_USEC - 1));
        assert_true(is_healthy_at(set, now + UNIT_LOOP_USEC)); /* without an update */

        /* It goes on while there is never a minute with less than two. */
        restart(set, &unit, now + 70 * USEC_PER_SEC);
        assert_false(is_healthy_at(set, now + 109 * USEC_PER_SEC));
        assert_true(is_healthy_at(set, now + 110 * USEC_PER_SEC));

        /* Several at a time, as one change */
        now += 1000 * USEC_PER_SEC;
        unit.n_restarts++;
        restart(set, &unit, now);
        assert_false(is_healthy_at(set, now));

        /* A start by hand counts anew. */
        unit.n_restarts = 0;
        assert_true(update(set, 0, &unit, now));
        assert_true(is_healthy_at(set, now));
        restart(set, &unit, now);
        assert_true(is_healthy_at(set, now));

        /* So does what is known again. */
        unit_set_forget(set);
        restart(set, &unit, now);
        assert_true(is_healthy_at(set, now));
        restart(set, &unit, now);
        assert_true(is_healthy_at(set, now));
        restart(set, &unit, now);
        assert_false(is_healthy_at(set, now));
}

static int build_and_splice(void) {
        static char *const names[] = { "a.service", "b.socket" };
        _cleanup_(unit_set_free_pointer) UnitSet *set = NULL;
        UnitState unit = state_of("loaded", "active", "running");
        int r;

        r = unit_set_new(names, ELEMENTSOF(names), &set);
        if (r < 0)
                return r;
        (void) update(set, 0, &unit, NOW);
        (void) update(set, 1, &unit, NOW);
        return unit_set_members(set, NOW) ? 0 : -ENOMEM;
}

static void test_memory(void **state _unused_) {
        memory_check(build_and_splice);
        assert_null(unit_set_free(NULL));
}

static void test_many(void **state _unused_) {
        static char texts[1024][32];
        char *names[ELEMENTSOF(texts)];
        _cleanup_(unit_set_free_pointer) UnitSet *set = NULL;
        UnitState unit = state_of("loaded", "active", "running");

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                (void) snprintf(texts[i], sizeof texts[i], "unit-%zu.service", i);
                names[i] = texts[i];
        }
        set = set_of(names, ELEMENTSOF(names));
        for (size_t i = 0; i < unit_set_count(set); i++)
                assert_true(update(set, i, &unit, NOW));
        assert_object(set);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_keys),
                cmocka_unit_test(test_kinds),
                cmocka_unit_test(test_healthy),
                cmocka_unit_test(test_members),
                cmocka_unit_test(test_news),
                cmocka_unit_test(test_words),
                cmocka_unit_test(test_since_outlives_unloading),
                cmocka_unit_test(test_text_is_kept),
                cmocka_unit_test(test_restart_loop),
                cmocka_unit_test(test_memory),
                cmocka_unit_test(test_many),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
