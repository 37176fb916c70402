/* Health files that went away, for the log. */
#include <stdio.h>

#include "health-scan.h"

static void assert_gone(HealthSet *set, const char *key) {
        _cleanup_free_ char *gone = take_gone(set);

        if (!key) {
                assert_null(gone);
                return;
        }
        assert_non_null(gone);
        assert_string_equal(gone, key);
}

static void test_gone(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();

        (void) state;
        assert_gone(set, NULL);
        health_set_begin(set);
        see(set, "a-1.json", "1");
        see(set, "a-2.json", "x");
        see(set, "a-3.json", "1");
        see(set, "a-4.json", "1");
        (void) health_set_end(set);
        assert_gone(set, NULL);

        /* Good and bad ones, in the order of their names, and each once. */
        health_set_begin(set);
        see(set, "a-3.json", "1");
        (void) health_set_end(set);
        health_set_begin(set);
        see(set, "a-3.json", "1");
        (void) health_set_end(set);
        assert_gone(set, "a-1");
        assert_gone(set, "a-2");

        /* One that came back before it was told is not told, nor what a scan that was dropped did
         * not see. */
        health_set_begin(set);
        see(set, "a-3.json", "1");
        see(set, "a-4.json", "1");
        (void) health_set_end(set);
        health_set_begin(set);
        health_set_begin(set);
        see(set, "a-3.json", "1");
        see(set, "a-4.json", "1");
        (void) health_set_end(set);
        assert_gone(set, NULL);

        health_set_begin(set);
        (void) health_set_end(set);
        assert_gone(set, "a-3");
        health_set_begin(set);
        see(set, "a-3.json", "1");
        (void) health_set_end(set);
        health_set_begin(set);
        (void) health_set_end(set);
        assert_gone(set, "a-4");
        assert_gone(set, "a-3");
        assert_gone(set, NULL);
}

/* Whoever makes and removes files between two reports gets no memory of the agent. */
static void test_gone_are_bounded(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();
        char name[64];
        size_t n_gone = 0;
        char *key;

        (void) state;
        for (unsigned scan = 0; scan < 20; scan++) {
                health_set_begin(set);
                for (unsigned i = 0; i < 100; i++) {
                        (void) snprintf(name, sizeof name, "a-%u-%u.json", scan, i);
                        see(set, name, "1");
                }
                (void) health_set_end(set);
        }
        for (; (key = take_gone(set)); free(key))
                n_gone++;
        assert_int_equal(n_gone, HEALTH_FILES_MAX);
}

/* The log has 30 lines for them, and counts the rest. */
static void test_gone_share_the_log(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();
        LogCrowd crowd = {};
        char name[64], *key;
        size_t n_gone = 0;

        (void) state;
        health_set_begin(set);
        for (unsigned i = 0; i < 100; i++) {
                (void) snprintf(name, sizeof name, "a-%u.json", i);
                see(set, name, "1");
        }
        (void) health_set_end(set);
        health_set_begin(set);
        (void) health_set_end(set);
        for (; (key = health_set_take_gone(set, &crowd, 0)); free(key))
                n_gone++;
        assert_int_equal(n_gone, LOG_CROWD_LINES_MAX);
        assert_int_equal(log_crowd_summary(&crowd, 0), 100 - LOG_CROWD_LINES_MAX);
        log_crowd_done(&crowd);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_gone),
                cmocka_unit_test(test_gone_share_the_log),
                cmocka_unit_test(test_gone_are_bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
