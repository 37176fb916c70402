/* SPDX-License-Identifier: MIT */
/* What is logged of health files: each change of a verdict once, files that went away, and no more
 * lines than it has room for. */
#include <stdio.h>

#include "health-set-fixture.h"
#include "util/text.h"

/* A scan finds so many files, all with this text. */
static void scan_numbered(
                HealthSet *set, const char *prefix, unsigned first, unsigned count, const char *text) {
        char name[64];

        for (unsigned i = first; i < first + count; i++) {
                (void) snprintf(name, sizeof name, "%s-%03u.json", prefix, i);
                see(set, name, text);
        }
}

static void scan_nothing(HealthSet *set) {
        health_set_begin(set, false);
        (void) health_set_end(set);
}

static void test_changes(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();

        (void) state;
        (void) log_all(set);
        assert_int_equal(n_logged, 0);

        health_set_begin(set, false);
        see(set, "c-bad.json", "x");
        see(set, "a-good.json", "1");
        assert_int_equal(set_refuse(set, "b-bad.json", HEALTH_UNREADABLE, "why"), 0);
        assert_true(set_end(set));
        (void) log_all(set);
        assert_int_equal(n_logged, 2);
        assert_logged(0, "b-bad", HEALTH_UNREADABLE);
        assert_logged(1, "c-bad", HEALTH_INVALID);
        (void) log_all(set);
        assert_int_equal(n_logged, 0);

        /* Once per change, whatever else is wrong with it now; and what is not asked for waits. */
        health_set_begin(set, false);
        see(set, "a-good.json", "x");
        assert_int_equal(set_refuse(set, "b-bad.json", HEALTH_UNREADABLE, "other words"), 0);
        see(set, "c-bad.json", "[y]");
        assert_true(set_end(set));
        assert_file(set, 1, HEALTH_UNREADABLE, "other words");
        health_set_begin(set, false);
        see(set, "a-good.json", "x");
        assert_int_equal(set_refuse(set, "b-bad.json", HEALTH_STALE, "old"), 0);
        see(set, "c-bad.json", "1");
        assert_true(set_end(set));
        (void) log_all(set);
        assert_int_equal(n_logged, 3);
        assert_logged(0, "a-good", HEALTH_INVALID);
        assert_logged(1, "b-bad", HEALTH_STALE);
        assert_logged(2, "c-bad", HEALTH_OK);

        /* One that is said to be gone is new when it comes again. */
        scan_nothing(set);
        (void) log_all(set);
        assert_int_equal(n_logged, 3);
        assert_logged(1, "b-bad", HEALTH_GONE);
        health_set_begin(set, false);
        see(set, "a-good.json", "1");
        see(set, "b-bad.json", "x");
        assert_true(set_end(set));
        (void) log_all(set);
        assert_int_equal(n_logged, 1);
        assert_logged(0, "b-bad", HEALTH_INVALID);
}

static void test_gone(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();

        (void) state;
        health_set_begin(set, false);
        scan_numbered(set, "a", 1, 4, "1");
        see(set, "a-002.json", "x");
        (void) health_set_end(set);
        (void) log_all(set);

        /* Good and bad ones, in the order of their names, and each once. */
        for (int i = 0; i < 2; i++) {
                health_set_begin(set, false);
                see(set, "a-003.json", "1");
                (void) health_set_end(set);
        }
        /* One that came back before its loss was logged is not logged, nor what a dropped scan did
         * not see. */
        health_set_begin(set, false);
        health_set_begin(set, false);
        scan_numbered(set, "a", 3, 2, "1");
        (void) health_set_end(set);
        (void) log_all(set);
        assert_int_equal(n_logged, 2);
        assert_logged(0, "a-001", HEALTH_GONE);
        assert_logged(1, "a-002", HEALTH_GONE);

        scan_nothing(set);
        (void) log_all(set);
        assert_int_equal(n_logged, 2);
        assert_logged(0, "a-003", HEALTH_GONE);
        health_set_begin(set, false);
        see(set, "a-003.json", "1");
        (void) health_set_end(set);
        scan_nothing(set);

        /* It seems to come back, and does not. */
        health_set_begin(set, false);
        health_set_miss(set, meet(set, "a-003.json", &(HealthStamp){}));
        (void) health_set_end(set);
        (void) log_all(set);
        assert_int_equal(n_logged, 1);
        assert_logged(0, "a-003", HEALTH_GONE);
}

/* Whoever makes and removes files between two reports gets no memory of the agent. */
static void test_gone_are_bounded(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();

        (void) state;
        for (unsigned scan = 0; scan < 20; scan++) {
                health_set_begin(set, false);
                scan_numbered(set, "a", scan * 100, 100, "1");
                (void) health_set_end(set);
        }
        scan_nothing(set);
        assert_int_equal(log_all(set) + n_logged, HEALTH_FILES_MAX);
}

/* A crowd that turns bad, or goes, leaves room in the log for the one that matters, and its rest
 * is counted. */
static void test_crowd(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();

        (void) state;
        for (int i = 0; i < 2; i++) {
                bool has_log = false;

                health_set_begin(set, false);
                if (i == 0) {
                        scan_numbered(set, "a", 0, 100, "x");
                        see(set, "log-fluentbit.json", "x");
                }
                (void) health_set_end(set);
                assert_int_equal(log_all(set), 101 - LOG_CROWD_LINES_MAX);
                assert_int_equal(n_logged, LOG_CROWD_LINES_MAX);
                for (size_t j = 0; j < n_logged; j++)
                        has_log = has_log || streq(logged[j].key, "log-fluentbit");
                assert_true(has_log);
        }
        (void) log_all(set);
        assert_int_equal(n_logged, 0);
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
                health_set_begin(set, false);
                see(set, "a-steady.json", "1");
                /* It rests at the end. */
                see(set, "a-flip.json", second < 3000 && second / 10 % 2 == 0 ? "x" : "1");
                if (second / 10 % 2 == 0)
                        see(set, "b-comes.json", "1");
                (void) health_set_end(set);

                n_logged = 0;
                health_set_log(set, &crowd, second * USEC_PER_SEC, note_line);
                for (size_t i = 0; i < n_logged; i++)
                        if (logged[i].verdict == HEALTH_GONE) {
                                assert_string_equal(logged[i].key, "b-comes");
                                n_gone++;
                        } else {
                                assert_string_equal(logged[i].key, "a-flip");
                                assert_true(logged[i].verdict != said);
                                said = logged[i].verdict;
                                n_lines++;
                        }
        }
        assert_in_range(n_lines, 4, 6);
        assert_in_range(n_gone, 5, 6);
        assert_int_equal(said, HEALTH_OK);
        assert_int_equal(log_crowd_summary(&crowd, USEC_PER_HOUR), 0);
        log_crowd_done(&crowd);
}

/* A module that removes its bad file and writes a good one: the last that is said of it must be true. */
static void test_back_before_it_is_said_to_be_gone(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();
        static const char *const contents[] = { "x", NULL, "1", "1" };
        static const usec_t times[] = { 0, USEC_PER_MINUTE, 2 * USEC_PER_MINUTE, 11 * USEC_PER_MINUTE };
        static const bool is_said[] = { true, false, false, true };
        LogCrowd crowd = {};

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(contents); i++) {
                health_set_begin(set, false);
                if (contents[i])
                        see(set, "a-b.json", contents[i]);
                (void) health_set_end(set);
                n_logged = 0;
                health_set_log(set, &crowd, times[i], note_line);
                assert_int_equal(n_logged, is_said[i]);
                if (n_logged > 0)
                        assert_logged(0, "a-b", i == 0 ? HEALTH_INVALID : HEALTH_OK);
        }
        log_crowd_done(&crowd);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_changes),
                cmocka_unit_test(test_gone),
                cmocka_unit_test(test_gone_are_bounded),
                cmocka_unit_test(test_crowd),
                cmocka_unit_test(test_flipping),
                cmocka_unit_test(test_back_before_it_is_said_to_be_gone),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
