/* Scans of a health directory, without one: which files are taken, what is said of the others, and when the
 * report changes. The limits are in test-health-limits.c. */
#include "core/health-set.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>

#include "core/health-entry.h"
#include "health-scan.h"
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

                health_set_begin(set);
                assert_int_equal(health_set_refuse(set, cases[i].file_name, HEALTH_INVALID, "bad"), 0);
                assert_false(health_set_end(set));
                assert_int_equal(health_set_count(set), 1);
                assert_string_equal(health_set_get(set, 0)->file_name, cases[i].file_name);
                assert_string_equal(health_set_get(set, 0)->key, cases[i].key);
        }
}

static void test_verdict_names(void **state) {
        static const char *const names[] = { "ok", "invalid", "too-large", "too-many", "unreadable",
                "stale" };

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
        health_set_begin(set);
        see(set, "b-x.json", " \n{ \"n\" : 12345678901234567890.10e+1,\r\n\"n\":[ ] }\t\n");
        see(set, "a-b.json", "[1]");
        see(set, "a-b-c.json", "\"\\u0061\\/\"");
        see(set, "c-bad.json", "{");
        see(set, "B-0.json", "null");
        assert_true(health_set_end(set));
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

                health_set_begin(set);
                assert_int_equal(see(set, "a-b.json", cases[i].text), cases[i].result);
                assert_int_equal(health_set_end(set), cases[i].verdict == HEALTH_OK);

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
        health_set_begin(set);
        assert_int_equal(set_content(set, "a-b.json", &stamp, true, "{}\0", 3), 0);
        assert_false(health_set_end(set));
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
        health_set_begin(set);
        assert_int_equal(health_set_content(set, "a-b.json", &stamp, true, text, size), 0);
        assert_true(health_set_end(set));
        assert_report(set, NULL, "{\"a-b\":[1]}");
        assert_true(malloc_usable_size(health_set_get(set, 0)->value) < 8192);
}

static void test_content_under_a_bad_name(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();

        (void) state;
        health_set_begin(set);
        see(set, "systemd-a.json", "{}");
        see(set, "a-\"b.json", "{}");
        assert_false(health_set_end(set));
        assert_report(set, NULL, "{}");
        assert_file(set, 0, HEALTH_INVALID,
                        "the name holds other characters than letters, digits, '.', '_' and '-'");
        assert_file(set, 1, HEALTH_INVALID, "names that begin with systemd- are reserved");
}

/* What only looks like a health file is shown, and that is all. */
static void test_misnamed(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();
        char *gone;

        (void) state;
        for (int scan = 0; scan < 2; scan++) {
                health_set_begin(set);
                see(set, "disk.json", "{}");
                see(set, "log-x.JSON", "{}");
                see(set, "log-x.json", "1");
                assert_int_equal(health_set_end(set), scan == 0);
                assert_int_equal(health_set_count(set), 3);
                assert_file(set, 0, HEALTH_INVALID, "not named PREFIX-NAME.json");
                assert_file(set, 1, HEALTH_INVALID, "not named PREFIX-NAME.json");
                assert_file(set, 2, HEALTH_OK, "");
                assert_true(health_set_get(set, 0)->is_misnamed);
                assert_false(health_set_get(set, 2)->is_misnamed);
                assert_report(set, NULL, "{\"log-x\":1}");
        }

        /* It was missed by nobody when it is gone. */
        health_set_begin(set);
        assert_true(health_set_end(set));
        gone = take_gone(set);
        assert_non_null(gone);
        assert_string_equal(gone, "log-x");
        free(gone);
        assert_null(take_gone(set));
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
        health_set_begin(set);
        assert_false(health_set_keep(set, "a-b.json", &stamp));
        assert_int_equal(set_content(set, "a-b.json", &stamp, false, "1", 1), 0);
        assert_int_equal(set_content(set, "a-c.json", &stamp, true, "1", 1), 0);
        assert_int_equal(set_content(set, "a-d.json", &stamp, true, "x", 1), 0);
        assert_int_equal(health_set_refuse(set, "a-e.json", HEALTH_UNREADABLE, "Permission denied"), 0);
        assert_true(health_set_end(set));

        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                assert_false(health_set_keep(set, "a-c.json", others + i));

        health_set_begin(set);
        assert_false(health_set_keep(set, "a-b.json", &stamp)); /* it was too young to trust */
        assert_true(health_set_keep(set, "a-c.json", &stamp));
        assert_true(health_set_keep(set, "a-d.json", &stamp)); /* bad stays bad */
        assert_false(health_set_keep(set, "a-e.json", &stamp));
        assert_false(health_set_keep(set, "a-e.json", &(HealthStamp){}));
        assert_false(health_set_keep(set, "a-f.json", &stamp));
        assert_true(health_set_end(set)); /* a-b was not seen */

        assert_report(set, NULL, "{\"a-c\":1}");
        assert_int_equal(health_set_count(set), 2);
        assert_file(set, 1, HEALTH_INVALID, "a value is missing at byte 0");

        /* What was found earlier in the same scan counts less than what is said later. */
        health_set_begin(set);
        see(set, "a-c.json", "2");
        assert_true(health_set_keep(set, "a-c.json", &stamp));
        assert_false(health_set_end(set));
        assert_report(set, NULL, "{\"a-c\":1}");
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

                health_set_begin(set);
                for (size_t j = 0; j < ELEMENTSOF(was_there); j++) {
                        size_t number = j * steps[i] % ELEMENTSOF(was_there);
                        bool is_there = number % 5 != i % 3, is_new = is_there && !was_there[number];

                        (void) snprintf(name, sizeof name, "n-1%02zu.json", number);
                        if (is_there)
                                assert_int_equal(health_set_keep(set, name, &stamp), !is_new);
                        if (is_new)
                                assert_int_equal(set_content(set, name, &stamp, true, name + 2, 3), 0);
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

                health_set_begin(set);
                see(set, "z-other.json", "0");
                if (cases[i].before)
                        see(set, "a-b.json", cases[i].before);
                assert_true(health_set_end(set));

                health_set_begin(set);
                see(set, "z-other.json", "0");
                if (cases[i].after)
                        see(set, "a-b.json", cases[i].after);
                assert_int_equal(health_set_end(set), cases[i].is_changed);

                health_set_begin(set);
                see(set, "z-other.json", "0");
                if (cases[i].after)
                        see(set, "a-b.json", cases[i].after);
                assert_false(health_set_end(set));
        }
}

/* Caught half-written, and read once more: nothing has happened if it is the same then. */
static void test_second_read(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();

        (void) state;
        health_set_begin(set);
        see(set, "a-b.json", "[1]");
        assert_true(health_set_end(set));

        health_set_begin(set);
        assert_int_equal(see(set, "a-b.json", "[1"), 1);
        assert_report(set, NULL, "{\"a-b\":[1]}"); /* the last scan's, until this one is at its end */
        assert_file(set, 0, HEALTH_OK, "");
        assert_int_equal(see(set, "a-b.json", "[1]"), 0);
        assert_false(health_set_end(set));
        assert_null(next_change(set));

        health_set_begin(set);
        assert_int_equal(see(set, "a-b.json", "[1"), 1);
        assert_int_equal(see(set, "a-b.json", "[1,2]"), 0);
        assert_true(health_set_end(set));
        assert_report(set, NULL, "{\"a-b\":[1,2]}");
}

static void test_scan_begun_anew(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();

        (void) state;
        health_set_begin(set);
        see(set, "a-b.json", "1");
        assert_true(health_set_end(set));

        health_set_begin(set);
        see(set, "a-b.json", "2");
        see(set, "a-c.json", "3");
        assert_int_equal(health_set_count(set), 1);

        health_set_begin(set);
        assert_report(set, NULL, "{\"a-b\":1}");
        assert_true(health_set_end(set));
        assert_report(set, NULL, "{}");
}

static void assert_change(HealthSet *set, const char *key, HealthVerdict verdict) {
        const HealthFile *file = next_change(set);

        assert_non_null(file);
        assert_string_equal(file->key, key);
        assert_int_equal(file->verdict, verdict);
}

static void test_next_change(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();
        char *gone;

        (void) state;
        assert_null(next_change(set));

        health_set_begin(set);
        see(set, "c-bad.json", "x");
        see(set, "a-good.json", "1");
        assert_int_equal(health_set_refuse(set, "b-bad.json", HEALTH_UNREADABLE, "why"), 0);
        assert_true(health_set_end(set));
        assert_change(set, "b-bad", HEALTH_UNREADABLE);
        assert_change(set, "c-bad", HEALTH_INVALID);
        assert_null(next_change(set));
        assert_null(next_change(set));

        /* Once per change, whatever else is wrong with it now; and what is not asked for waits. */
        health_set_begin(set);
        see(set, "a-good.json", "x");
        assert_int_equal(health_set_refuse(set, "b-bad.json", HEALTH_UNREADABLE, "other words"), 0);
        see(set, "c-bad.json", "[y]");
        assert_true(health_set_end(set));
        assert_file(set, 1, HEALTH_UNREADABLE, "other words");
        health_set_begin(set);
        see(set, "a-good.json", "x");
        assert_int_equal(health_set_refuse(set, "b-bad.json", HEALTH_STALE, "old"), 0);
        see(set, "c-bad.json", "1");
        assert_true(health_set_end(set));
        assert_change(set, "a-good", HEALTH_INVALID);
        assert_change(set, "b-bad", HEALTH_STALE);
        assert_change(set, "c-bad", HEALTH_OK);
        assert_null(next_change(set));

        /* One that went away while it was bad, and is said to be gone, is new when it comes again. */
        health_set_begin(set);
        assert_true(health_set_end(set));
        assert_null(next_change(set));
        while ((gone = take_gone(set)))
                free(gone);
        health_set_begin(set);
        see(set, "a-good.json", "1");
        see(set, "b-bad.json", "x");
        assert_true(health_set_end(set));
        assert_change(set, "b-bad", HEALTH_INVALID);
        assert_null(next_change(set));
}

/* A crowd that turns bad leaves room in the log for the one that matters. */
static void test_changes_by_turns(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();
        LogCrowd crowd = {};
        const HealthFile *file;
        unsigned n_lines = 0;
        bool has_log = false;
        char name[32];

        (void) state;
        health_set_begin(set);
        for (unsigned i = 0; i < 100; i++) {
                (void) snprintf(name, sizeof name, "a-%02u.json", i);
                see(set, name, "x");
        }
        see(set, "log-fluentbit.json", "x");
        (void) health_set_end(set);
        for (; (file = health_set_next_change(set, &crowd, 0)); n_lines++)
                has_log = has_log || streq(file->key, "log-fluentbit");
        assert_int_equal(n_lines, LOG_CROWD_LINES_MAX);
        assert_true(has_log);
        assert_int_equal(log_crowd_summary(&crowd, 0), 101 - LOG_CROWD_LINES_MAX);
        log_crowd_done(&crowd);
}

/* A file that flips has its lines 10 minutes apart, and the last word is true; so has one that comes
 * and goes. */
static void test_flipping(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();
        LogCrowd crowd = {};
        unsigned n_lines = 0, n_gone = 0;
        HealthVerdict said = HEALTH_OK;

        (void) state;
        for (usec_t second = 0; second < 3600; second += 10) {
                const HealthFile *file;
                char *gone;

                health_set_begin(set);
                see(set, "a-steady.json", "1");
                if (second < 3000)
                        see(set, "a-flip.json", second / 10 % 2 == 0 ? "x" : "1");
                else /* rests */
                        see(set, "a-flip.json", "1");
                if (second / 10 % 2 == 0)
                        see(set, "b-comes.json", "1");
                (void) health_set_end(set);
                while ((file = health_set_next_change(set, &crowd, second * USEC_PER_SEC))) {
                        assert_string_equal(file->key, "a-flip");
                        assert_true(file->verdict != said);
                        said = file->verdict;
                        n_lines++;
                }
                for (; (gone = health_set_take_gone(set, &crowd, second * USEC_PER_SEC)); free(gone))
                        n_gone++;
        }
        assert_in_range(n_lines, 4, 6);
        assert_in_range(n_gone, 5, 6);
        assert_int_equal(said, HEALTH_OK);
        assert_int_equal(log_crowd_summary(&crowd, USEC_PER_HOUR), 0);
        log_crowd_done(&crowd);
}

/* What D-Bus has to be told of: files, verdicts and reasons, not values. */
/* A module that removes its bad file and writes a good one: the last that is said of it must be true. */
static void test_back_before_it_is_said_to_be_gone(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();
        static const char *const contents[] = { "x", NULL, "1", "1" };
        static const usec_t times[] = { 0, USEC_PER_MINUTE, 2 * USEC_PER_MINUTE, 11 * USEC_PER_MINUTE };
        static const bool is_said[] = { true, false, false, true };
        LogCrowd crowd = {};

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(contents); i++) {
                const HealthFile *file;

                health_set_begin(set);
                if (contents[i])
                        see(set, "a-b.json", contents[i]);
                (void) health_set_end(set);
                file = health_set_next_change(set, &crowd, times[i]);
                assert_int_equal(file != NULL, is_said[i]);
                assert_null(health_set_take_gone(set, &crowd, times[i]));
                if (file)
                        assert_int_equal(file->verdict, i == 0 ? HEALTH_INVALID : HEALTH_OK);
        }
        log_crowd_done(&crowd);
}

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
                { "[", true },
                { "[", false },
                { "[1,", true },
                { "", true },
                { "", false },
                { "3", true },
                { NULL, true },
                { NULL, false },
                { "[", true },
                { "[ ", true },
                { "4", true },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(scans); i++) {
                const char *text = scans[i].text;

                health_set_begin(set);
                (void) see(set, "a-always.json", "true");
                if (text && *text)
                        (void) see(set, "a-b.json", text);
                else if (text)
                        assert_int_equal(health_set_refuse(set, "a-b.json", HEALTH_UNREADABLE, "why"), 0);
                (void) health_set_end(set);
                if (i == 0) /* the one that is always there */
                        assert_true(health_set_take_listing_change(set));
                if (health_set_take_listing_change(set) != scans[i].is_other)
                        fail_msg("scan %zu: %s", i, strempty(text));
        }

        /* Two scans are asked for at once. */
        for (int n_files = 1; n_files >= 0; n_files--) {
                health_set_begin(set);
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

                health_set_begin(set);
                assert_int_equal(health_set_keep(set, "a-b.json", &stamp), i > 0);
                if (i == 0)
                        assert_int_equal(set_content(set, "a-b.json", &stamp, true, "1", 1), 0);
                assert_int_equal(health_set_content(set, "a-c.json", &stamp, false, text, 2), 0);
                assert_int_equal(health_set_refuse(set, "a-d.json", HEALTH_UNREADABLE, "why"), 0);
                assert_int_equal(health_set_end(set), i == 0);
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

        health_set_begin(set);
        r = set_content(set, "a-b.json", &stamp, true, "1", 1);
        if (r >= 0)
                r = set_content(set, "a-c.json", &stamp, true, "x", 1);
        if (r >= 0)
                r = health_set_refuse(set, "a-d.json", HEALTH_STALE, "old");
        (void) health_set_end(set); /* whatever was reached */
        if (r >= 0)
                r = health_set_splice(set, NULL, &buffer);
        return r;
}

static int scan_stale(void) {
        _cleanup_(health_set_free_pointer) HealthSet *set = NULL;
        int r;

        r = health_set_new(&set);
        if (r < 0)
                return r;

        health_set_begin(set);
        r = health_set_refuse(set, "a-d.json", HEALTH_STALE, "old");
        assert_false(health_set_end(set));
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
        assert_null(health_entry_free(NULL));
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
                cmocka_unit_test(test_content_under_a_bad_name),
                cmocka_unit_test(test_misnamed),
                cmocka_unit_test(test_keep),
                cmocka_unit_test(test_keep_in_any_order),
                cmocka_unit_test(test_changes),
                cmocka_unit_test(test_second_read),
                cmocka_unit_test(test_scan_begun_anew),
                cmocka_unit_test(test_next_change),
                cmocka_unit_test(test_changes_by_turns),
                cmocka_unit_test(test_flipping),
                cmocka_unit_test(test_back_before_it_is_said_to_be_gone),
                cmocka_unit_test(test_listing_change),
                cmocka_unit_test(test_unchanged_needs_no_memory),
                cmocka_unit_test(test_no_memory),
                cmocka_unit_test(test_freed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
