/* SPDX-License-Identifier: MIT */
/* Scans of a health directory, without one: which files are taken, what is said of the others, and when the
 * report changes. The limits are in test-health-limits.c. */
#include "core/health-set.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>

#include "health-set-fixture.h"
#include "test-memory.h"
#include "util/text.h"

static void test_names(void **state) {
        static const struct {
                const char *file_name;
                HealthName result;
        } cases[] = {
                { "log-fluentbit.json", HEALTH_NAME_GOOD },
                { "metric-node-exporter.json", HEALTH_NAME_GOOD },
                { "a-b.json", HEALTH_NAME_GOOD },
                { "a--.json", HEALTH_NAME_GOOD },
                { "a--b.json", HEALTH_NAME_GOOD },
                { "A.b_0-9.x.json", HEALTH_NAME_GOOD },
                { "a-b.json.json", HEALTH_NAME_GOOD },
                { "-", HEALTH_NAME_OTHER },
                { "", HEALTH_NAME_OTHER },
                { "json", HEALTH_NAME_OTHER },
                { ".json", HEALTH_NAME_OTHER },
                { "-.json", HEALTH_NAME_MISNAMED },
                { "a-.json", HEALTH_NAME_MISNAMED },
                { "-b.json", HEALTH_NAME_MISNAMED },
                { "-a-b.json", HEALTH_NAME_MISNAMED },
                { "--.json", HEALTH_NAME_MISNAMED },
                { "ab.json", HEALTH_NAME_MISNAMED },
                { ".a-b.json", HEALTH_NAME_OTHER },
                { ".log-x.json", HEALTH_NAME_OTHER },
                { "a-b", HEALTH_NAME_OTHER },
                { "a-bjson", HEALTH_NAME_OTHER },
                { "a-b.JSON", HEALTH_NAME_MISNAMED },
                { "disk.Json", HEALTH_NAME_MISNAMED },
                { "log x.jSON", HEALTH_NAME_MISNAMED },
                { ".a-b.JSON", HEALTH_NAME_OTHER },
                { ".JSON", HEALTH_NAME_OTHER },
                { "README", HEALTH_NAME_OTHER },
                { "lost+found", HEALTH_NAME_OTHER },
                { "a-b.jsonl", HEALTH_NAME_OTHER },
                { "a-b.json5", HEALTH_NAME_OTHER },
                { "a-b.json.tmp", HEALTH_NAME_OTHER },
                { "a-b.json~", HEALTH_NAME_OTHER },
                { "ab.json-c", HEALTH_NAME_OTHER },
                { "systemd-.json", HEALTH_NAME_MISNAMED },
                { "systemd-a.json", HEALTH_NAME_BAD_KEY },
                { "systemd-a.service.json", HEALTH_NAME_BAD_KEY },
                { "systemd--.json", HEALTH_NAME_BAD_KEY },
                { "systemd.x-a.json", HEALTH_NAME_GOOD },
                { "Systemd-a.json", HEALTH_NAME_GOOD },
                { "a-b c.json", HEALTH_NAME_BAD_KEY },
                { "a-b\n.json", HEALTH_NAME_BAD_KEY },
                { "a-\x01.json", HEALTH_NAME_BAD_KEY },
                { "a-\x7F.json", HEALTH_NAME_BAD_KEY },
                { "a-\xC3\xA9.json", HEALTH_NAME_BAD_KEY },
                { "\xFF-b.json", HEALTH_NAME_BAD_KEY },
                { "a-\".json", HEALTH_NAME_BAD_KEY },
                { "a-\\.json", HEALTH_NAME_BAD_KEY },
                { "a-/.json", HEALTH_NAME_BAD_KEY },
                { "a-b:.json", HEALTH_NAME_BAD_KEY },
                { "a-@.json", HEALTH_NAME_BAD_KEY },
                { "a-[.json", HEALTH_NAME_BAD_KEY },
                { "a-`.json", HEALTH_NAME_BAD_KEY },
                { "a-{.json", HEALTH_NAME_BAD_KEY },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const char *reason = NULL;
                HealthName r = health_name_check(cases[i].file_name, &reason);

                if (r != cases[i].result)
                        fail_msg("%s: %d", cases[i].file_name, (int) r);
                assert_int_equal(reason != NULL, r == HEALTH_NAME_BAD_KEY || r == HEALTH_NAME_MISNAMED);
        }
}

static void test_name_length(void **state) {
        char name[HEALTH_KEY_MAX + 16];
        const char *reason;

        (void) state;
        memset(name, 'x', sizeof name);
        name[1] = '-';

        strcpy(name + HEALTH_KEY_MAX, ".json");
        assert_int_equal(health_name_check(name, &reason), HEALTH_NAME_GOOD);

        name[HEALTH_KEY_MAX] = 'x';
        strcpy(name + HEALTH_KEY_MAX + 1, ".json");
        assert_int_equal(health_name_check(name, &reason), HEALTH_NAME_BAD_KEY);
        assert_string_equal(reason, "the name is longer than 128 bytes");
}

static void test_keys(void **state) {
        static const struct {
                const char *file_name, *key;
        } cases[] = {
                { "a-b.json", "a-b" },
                { "a-b.json.json", "a-b.json" },
                { "a-\n\xC3\xA9\\.json", "a-\\x0a\\xc3\\xa9\\x5c" },
                { "systemd-x.json", "systemd-x" },
                { "disk.json", "disk.json" },
                { "log-x.JSON", "log-x.JSON" },
                { "\n.json", "\\x0a.json" },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(health_set_free_pointer) HealthSet *set = set_new();

                health_set_begin(set, false);
                assert_int_equal(set_refuse(set, cases[i].file_name, HEALTH_INVALID, "bad"), 0);
                assert_false(set_end(set));
                assert_int_equal(health_set_count(set), 1);
                assert_string_equal(health_set_get(set, 0)->file_name, cases[i].file_name);
                assert_string_equal(health_set_get(set, 0)->key, cases[i].key);
        }
}

static void test_verdict_names(void **state) {
        static const char *const names[] = { "ok", "invalid", "too-large", "too-many", "unreadable", "stale",
                "gone" };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                assert_string_equal(health_verdict_to_string((HealthVerdict) i), names[i]);
}

static void test_splice(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();
        _cleanup_(buffer_done) Buffer buffer = {};

        (void) state;
        assert_report(set, NULL, "{}");
        assert_report(set, "", "{}");
        assert_report(set, "\"systemd-x\":{}", "{\"systemd-x\":{}}");

        /* Byte for byte, but for the space around; in byte order of the file names, not of the keys. */
        health_set_begin(set, false);
        see(set, "b-x.json", " \n{ \"n\" : 12345678901234567890.10e+1,\r\n\"n\":[ ] }\t\n");
        see(set, "a-b.json", "[1]");
        see(set, "a-b-c.json", "\"\\u0061\\/\"");
        see(set, "c-bad.json", "{");
        see(set, "B-0.json", "null");
        assert_true(set_end(set));
        assert_report(set, NULL,
                        "{\"B-0\":null,\"a-b-c\":\"\\u0061\\/\",\"a-b\":[1],"
                        "\"b-x\":{ \"n\" : 12345678901234567890.10e+1,\r\n\"n\":[ ] }}");
        assert_int_equal(health_set_count(set), 5);

        /* Behind what is in the buffer already. */
        assert_int_equal(buffer_append_string(&buffer, "x"), 0);
        assert_int_equal(health_set_splice(set, "\"y\":1,\"z\":2", &buffer), 0);
        assert_int_equal(strncmp(buffer.data, "x{\"B-0\"", 7), 0);
        assert_string_equal(buffer.data + buffer.size - 13, ",\"y\":1,\"z\":2}");
}

static void test_content(void **state) {
        static const struct {
                const char *text;
                int result;
                HealthVerdict verdict;
                const char *reason;
        } cases[] = {
                { "{\"status\":\"healthy\"}", 0, HEALTH_OK, "" },
                { " 1 ", 0, HEALTH_OK, "" },
                { "", 1, HEALTH_INVALID, "unexpected end at byte 0" },
                { "  ", 1, HEALTH_INVALID, "unexpected end at byte 2" },
                { "{\"status\":\"hea", 1, HEALTH_INVALID, "unexpected end at byte 14" },
                { "{\"status\":01}", 0, HEALTH_INVALID, "leading zero in a number at byte 11" },
                { "{} {}", 0, HEALTH_INVALID, "text behind the value at byte 3" },
                { "\xEF\xBB\xBF{}", 0, HEALTH_INVALID, "byte order mark at byte 0" },
                { "{\"a\":\"\xE9\"}", 0, HEALTH_INVALID, "not UTF-8 at byte 6" },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(health_set_free_pointer) HealthSet *set = set_new();
                const HealthFile *file;

                health_set_begin(set, false);
                assert_int_equal(see(set, "a-b.json", cases[i].text), cases[i].result);
                assert_int_equal(set_end(set), cases[i].verdict == HEALTH_OK);

                file = health_set_get(set, 0);
                assert_int_equal(file->verdict, cases[i].verdict);
                assert_string_equal(file->reason, cases[i].reason);
                assert_int_equal(file->value != NULL, cases[i].verdict == HEALTH_OK);
                assert_int_equal(file->value_size > 0, cases[i].verdict == HEALTH_OK);
        }
}

/* A NUL in the text is no end of it. */
static void test_content_with_nul(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();
        HealthStamp stamp = {};

        (void) state;
        health_set_begin(set, false);
        assert_int_equal(set_content(set, "a-b.json", &stamp, HEALTH_OLD, "{}\0", 3), 0);
        assert_false(set_end(set));
        assert_file(set, 0, HEALTH_INVALID, "text behind the value at byte 2");
}

/* What stands around the value costs no memory. */
static void test_content_in_white_space(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();
        static const size_t size = 1024 * 1024;
        const HealthStamp stamp = {};
        char *text = malloc(size + 1);

        (void) state;
        assert_non_null(text);
        memset(text, ' ', size);
        memcpy(text + size / 2, "[1]", 3);
        health_set_begin(set, false);
        assert_int_equal(health_set_content(set, meet(set, "a-b.json", &stamp), HEALTH_OLD, text, size), 0);
        assert_true(set_end(set));
        assert_report(set, NULL, "{\"a-b\":[1]}");
        assert_true(malloc_usable_size(health_set_get(set, 0)->value) < 8192);
}

/* What only looks like a health file is shown, and that is all. */
static void test_misnamed(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();

        (void) state;
        for (int scan = 0; scan < 2; scan++) {
                health_set_begin(set, false);
                assert_int_equal(set_refuse(set, "disk.json", HEALTH_INVALID, "not named so"), 0);
                see(set, "log-x.json", "1");
                assert_int_equal(set_end(set), scan == 0);
                assert_int_equal(health_set_count(set), 2);
                assert_file(set, 0, HEALTH_INVALID, "not named so");
                assert_file(set, 1, HEALTH_OK, "");
                assert_true(health_set_get(set, 0)->is_misnamed);
                assert_false(health_set_get(set, 1)->is_misnamed);
                assert_report(set, NULL, "{\"log-x\":1}");
                (void) log_all(set);
                assert_int_equal(n_logged, scan == 0);
        }

        /* It was missed by nobody when it is gone. */
        health_set_begin(set, false);
        assert_true(set_end(set));
        (void) log_all(set);
        assert_int_equal(n_logged, 1);
        assert_logged(0, "log-x", HEALTH_GONE);
}

static void test_keep(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();
        static const HealthStamp stamp = { 1, 2, 3, 4, 5, 6 };
        static const HealthStamp others[] = {
                { 9, 2, 3, 4, 5, 6 },
                { 1, 9, 3, 4, 5, 6 },
                { 1, 2, 9, 4, 5, 6 },
                { 1, 2, 3, 9, 5, 6 },
                { 1, 2, 3, 4, 9, 6 },
                { 1, 2, 3, 4, 5, 9 },
        };

        (void) state;
        health_set_begin(set, false);
        assert_false(set_keep(set, "a-b.json", &stamp));
        assert_int_equal(set_content(set, "a-b.json", &stamp, HEALTH_YOUNG, "1", 1), 0);
        assert_int_equal(set_content(set, "a-c.json", &stamp, HEALTH_OLD, "1", 1), 0);
        assert_int_equal(set_content(set, "a-d.json", &stamp, HEALTH_OLD, "x", 1), 0);
        assert_int_equal(set_refuse(set, "a-e.json", HEALTH_UNREADABLE, "Permission denied"), 0);
        assert_true(set_end(set));

        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                assert_false(set_keep(set, "a-c.json", others + i));

        health_set_begin(set, false);
        assert_false(set_keep(set, "a-b.json", &stamp)); /* it was too young to trust */
        assert_true(set_keep(set, "a-c.json", &stamp));
        assert_true(set_keep(set, "a-d.json", &stamp)); /* bad stays bad */
        assert_false(set_keep(set, "a-e.json", &stamp));
        assert_false(set_keep(set, "a-e.json", &(HealthStamp){}));
        assert_false(set_keep(set, "a-f.json", &stamp));
        assert_true(set_end(set)); /* a-b was not seen */

        assert_report(set, NULL, "{\"a-c\":1}");
        assert_int_equal(health_set_count(set), 2);
        assert_file(set, 1, HEALTH_INVALID, "a value is missing at byte 0");
}

/* The directory has one order for two scans, then another; some files are new in each, others gone. */
static void test_keep_in_any_order(void **state) {
        static const size_t steps[] = { 1, 1, 7, 7, 52, 52, 3, 1 };
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();
        const HealthStamp stamp = {};
        bool was_there[53] = {};
        char name[32];

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(steps); i++) {
                size_t n_listed = 0;

                health_set_begin(set, false);
                for (size_t j = 0; j < ELEMENTSOF(was_there); j++) {
                        size_t number = j * steps[i] % ELEMENTSOF(was_there);
                        bool is_there = number % 5 != i % 3, is_new = is_there && !was_there[number];

                        (void) snprintf(name, sizeof name, "n-1%02zu.json", number);
                        if (is_there)
                                assert_int_equal(set_keep(set, name, &stamp), !is_new);
                        if (is_new)
                                assert_int_equal(set_content(set, name, &stamp, HEALTH_OLD, name + 2, 3), 0);
                        was_there[number] = is_there;
                }
                (void) health_set_end(set);

                for (size_t number = 0; number < ELEMENTSOF(was_there); number++) {
                        const HealthFile *file;

                        if (!was_there[number])
                                continue;
                        file = health_set_get(set, n_listed++);
                        (void) snprintf(name, sizeof name, "n-1%02zu.json", number);
                        assert_string_equal(file->file_name, name);
                        assert_int_equal(file->value_size, 3);
                        assert_memory_equal(file->value, name + 2, 3);
                }
                assert_int_equal(health_set_count(set), n_listed);
        }
}

/* What a scan of two files does to the report, from one content to the next; NULL: not there. */
static void test_changes(void **state) {
        static const struct {
                const char *before, *after;
                bool is_changed;
        } cases[] = {
                { NULL, NULL, false },
                { NULL, "1", true },
                { "1", NULL, true },
                { "1", "1", false },
                { "1", " 1\n", false }, /* the space goes */
                { "1", "2", true },
                { "[1]", "[1 ]", true },
                { "1", "bad", true },
                { "bad", "1", true },
                { "bad", "bad too", false },
                { NULL, "bad", false },
                { "bad", NULL, false },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(health_set_free_pointer) HealthSet *set = set_new();

                health_set_begin(set, false);
                see(set, "z-other.json", "0");
                if (cases[i].before)
                        see(set, "a-b.json", cases[i].before);
                assert_true(set_end(set));

                health_set_begin(set, false);
                see(set, "z-other.json", "0");
                if (cases[i].after)
                        see(set, "a-b.json", cases[i].after);
                assert_int_equal(set_end(set), cases[i].is_changed);

                health_set_begin(set, false);
                see(set, "z-other.json", "0");
                if (cases[i].after)
                        see(set, "a-b.json", cases[i].after);
                assert_false(set_end(set));
        }
}

static int see_at(HealthSet *set, const char *file_name, usec_t changed, HealthAge age, const char *text) {
        const HealthStamp stamp = { .changed_usec = changed };

        return set_content(set, file_name, &stamp, age, text, strlen(text));
}

/* Caught half-written, and read once more: nothing has happened if it is the same then. */
static void test_second_look(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();

        (void) state;
        health_set_begin(set, false);
        see(set, "a-b.json", "[1]");
        assert_true(set_end(set));

        for (int i = 0; i < 2; i++) {
                health_set_begin(set, false);
                assert_int_equal(see_at(set, "a-b.json", 1, HEALTH_OLD, "[1"), 1);
                assert_false(set_end(set));
                assert_report(set, NULL, "{\"a-b\":[1]}"); /* the last good text */
                assert_file(set, 0, HEALTH_OK, "");
                health_set_begin(set, true);
                assert_false(set_keep(set, "a-b.json", &(HealthStamp){ .changed_usec = 1 }));
                assert_int_equal(see(set, "a-b.json", i == 0 ? "[1]" : "[1,2]"), 0);
                assert_int_equal(set_end(set), i == 1);
                (void) log_all(set);
                assert_int_equal(n_logged, 0);
        }
        assert_report(set, NULL, "{\"a-b\":[1,2]}");

        /* The second look decides, also of a text that somebody wrote to meanwhile. */
        for (int i = 0; i < 2; i++) {
                const char *text = i == 0 ? "[3]" : "[3";

                health_set_begin(set, false);
                assert_int_equal(see_at(set, "a-b.json", 2, HEALTH_WRITTEN, text), 1);
                assert_false(set_end(set));
                health_set_begin(set, true);
                assert_int_equal(see_at(set, "a-b.json", 3, HEALTH_WRITTEN, text), 0);
                assert_true(set_end(set));
                assert_file(set, 0, i == 0 ? HEALTH_OK : HEALTH_INVALID,
                                i == 0 ? "" : "unexpected end at byte 2");
                assert_false(set_keep(set, "a-b.json", &(HealthStamp){ .changed_usec = 3 }));

                /* What does not change is not waited for again; what does is. */
                health_set_begin(set, false);
                assert_int_equal(see_at(set, "a-b.json", 3, HEALTH_WRITTEN, text), 0);
                assert_false(set_end(set));
        }
        health_set_begin(set, false);
        assert_int_equal(see_at(set, "a-b.json", 4, HEALTH_OLD, "[3,"), 1);
        (void) health_set_end(set);
        assert_file(set, 0, HEALTH_INVALID, "unexpected end at byte 2");

        /* One that begins only by the second look has its own in the next scan. */
        health_set_begin(set, true);
        see(set, "a-b.json", "[4]");
        assert_true(set_end(set));
        health_set_begin(set, true);
        assert_int_equal(see_at(set, "a-b.json", 5, HEALTH_OLD, "["), 1);
        assert_false(set_end(set));
        assert_report(set, NULL, "{\"a-b\":[4]}");
}

/* One that is new is listed for what it is; the second look decides nevertheless. */
static void test_second_look_at_a_new_one(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();

        (void) state;
        for (int i = 0; i < 2; i++) {
                health_set_begin(set, i == 1);
                assert_int_equal(see(set, "a-b.json", "[1"), i == 0);
                assert_false(set_end(set));
                assert_file(set, 0, HEALTH_INVALID, "unexpected end at byte 2");
                assert_int_equal(set_keep(set, "a-b.json", &(HealthStamp){ .size = 2 }), i == 1);
        }
}

/* Of what is met and nothing else is said, what was known stays; and what is missed is gone. */
static void test_met_alone(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();
        HealthEntry *entry;

        (void) state;
        health_set_begin(set, false);
        see(set, "a-b.json", "1");
        assert_true(set_end(set));
        health_set_begin(set, false);
        assert_non_null(meet(set, "a-b.json", &(HealthStamp){}));
        assert_non_null(meet(set, "a-b.json", &(HealthStamp){})); /* twice in one directory */
        health_set_miss(set, meet(set, "a-new.json", &(HealthStamp){}));
        assert_int_equal(health_set_meet(set, "README", &entry), 0);
        assert_false(set_end(set));
        assert_report(set, NULL, "{\"a-b\":1}");
        assert_int_equal(health_set_count(set), 1);

        /* A scan that cannot be brought to its end has done nothing, if another begins. */
        health_set_begin(set, false);
        see(set, "a-c.json", "3");
        health_set_begin(set, false);
        assert_true(set_end(set));
        assert_report(set, NULL, "{}");
        assert_int_equal(health_set_count(set), 0);
        (void) log_all(set);
        assert_int_equal(n_logged, 1);
        assert_logged(0, "a-b", HEALTH_GONE);
}

/* What D-Bus signals: files, verdicts and reasons, not values. */
static void test_listing_change(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();
        static const struct {
                const char *text; /* NULL: the file is not there; "": it may not be read */
                bool is_other;
        } scans[] = {
                { NULL, false },
                { "1", true },
                { "1", false },
                { "2", false },
                { "x", true },
                { "x", false },
                { "[1,x", true },
                { "", true },
                { "", false },
                { "3", true },
                { NULL, true },
                { NULL, false },
                { "x", true },
                { "[ x", true },
                { "4", true },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(scans); i++) {
                const char *text = scans[i].text;

                health_set_begin(set, false);
                (void) see(set, "a-always.json", "true");
                if (text && *text)
                        (void) see(set, "a-b.json", text);
                else if (text)
                        assert_int_equal(set_refuse(set, "a-b.json", HEALTH_UNREADABLE, "why"), 0);
                (void) health_set_end(set);
                if (i == 0) /* the one that is always there */
                        assert_true(health_set_take_listing_change(set));
                if (health_set_take_listing_change(set) != scans[i].is_other)
                        fail_msg("scan %zu: %s", i, strempty(text));
        }

        /* Two scans are asked for at once. */
        for (int n_files = 1; n_files >= 0; n_files--) {
                health_set_begin(set, false);
                if (n_files > 0)
                        (void) see(set, "a-always.json", "true");
                (void) health_set_end(set);
        }
        assert_true(health_set_take_listing_change(set));
        assert_false(health_set_take_listing_change(set));
}

/* What an unchanged directory may cost. */
static void test_unchanged_needs_no_memory(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = NULL;
        static const HealthStamp stamp = { 1, 2, 3, 4, 5, 6 };

        (void) state;
        if (!memory_can_fail())
                skip();

        set = set_new();
        for (int i = 0; i < 2; i++) {
                char *text = strdup(" 1"); /* what was read */

                assert_non_null(text);
                memory_fail_in = i > 0; /* any would fail */

                health_set_begin(set, false);
                assert_int_equal(set_keep(set, "a-b.json", &stamp), i > 0);
                if (i == 0)
                        assert_int_equal(set_content(set, "a-b.json", &stamp, HEALTH_OLD, "1", 1), 0);
                assert_int_equal(health_set_content(
                                                 set, meet(set, "a-c.json", &stamp), HEALTH_YOUNG, text, 2),
                                0);
                assert_int_equal(set_refuse(set, "a-d.json", HEALTH_UNREADABLE, "why"), 0);
                assert_int_equal(set_end(set), i == 0);
                assert_true(i == 0 || memory_fail_in > 0);
                memory_fail_in = 0;
        }
        assert_report(set, NULL, "{\"a-b\":1,\"a-c\":1}");
}

static int scan_all_kinds(void) {
        _cleanup_(health_set_free_pointer) HealthSet *set = NULL;
        _cleanup_(buffer_done) Buffer buffer = {};
        static const HealthStamp stamp = {};
        int r;

        r = health_set_new(&set);
        if (r < 0)
                return r;

        health_set_begin(set, false);
        r = set_content(set, "a-b.json", &stamp, HEALTH_OLD, "1", 1);
        (void) health_set_end(set);
        if (r >= 0)
                r = health_set_splice(set, NULL, &buffer);
        if (r >= 0)
                r = set_content(set, "a-c.json", &stamp, HEALTH_OLD, "x", 1);
        if (r >= 0)
                r = set_refuse(set, "a-d.json", HEALTH_STALE, "old");
        (void) health_set_end(set); /* whatever was reached */
        return r;
}

static int scan_stale(void) {
        _cleanup_(health_set_free_pointer) HealthSet *set = NULL;
        int r;

        r = health_set_new(&set);
        if (r < 0)
                return r;

        health_set_begin(set, false);
        r = set_refuse(set, "a-d.json", HEALTH_STALE, "old");
        assert_false(set_end(set));
        assert_int_equal(health_set_count(set), r < 0 ? 0 : 1);
        return r;
}

static void test_no_memory(void **state) {
        (void) state;
        memory_check(scan_all_kinds);
        memory_check(scan_stale);
}

static void test_freed(void **state) {
        (void) state;
        assert_null(health_set_free(NULL));
        assert_null(health_set_free(set_new()));
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_name_length),
                cmocka_unit_test(test_keys),
                cmocka_unit_test(test_verdict_names),
                cmocka_unit_test(test_splice),
                cmocka_unit_test(test_content),
                cmocka_unit_test(test_content_with_nul),
                cmocka_unit_test(test_content_in_white_space),
                cmocka_unit_test(test_misnamed),
                cmocka_unit_test(test_keep),
                cmocka_unit_test(test_keep_in_any_order),
                cmocka_unit_test(test_changes),
                cmocka_unit_test(test_second_look),
                cmocka_unit_test(test_second_look_at_a_new_one),
                cmocka_unit_test(test_met_alone),
                cmocka_unit_test(test_listing_change),
                cmocka_unit_test(test_unchanged_needs_no_memory),
                cmocka_unit_test(test_no_memory),
                cmocka_unit_test(test_freed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
