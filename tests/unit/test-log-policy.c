/* SPDX-License-Identifier: MIT */
/* How loud an outage is: first failure, every 10 minutes, and the end. And a crowd. */
#include "core/log-policy.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "util/macro.h"

static void test_no_outage(void **state _unused_) {
        OutageLogLimit policy = {};
        usec_t duration = 7;
        uint64_t attempts = 7;

        assert_false(outage_log_succeeded(&policy, 0, &duration, &attempts));
        assert_false(outage_log_succeeded(&policy, USEC_PER_HOUR, &duration, &attempts));
        assert_int_equal(duration, 7);
        assert_int_equal(attempts, 7);
}

static void test_single_failure(void **state _unused_) {
        OutageLogLimit policy = {};
        usec_t duration;
        uint64_t attempts;

        /* At boot time 0 as at any other. */
        assert_true(outage_log_failed(&policy, 0));
        assert_true(outage_log_succeeded(&policy, 3 * USEC_PER_SEC, &duration, &attempts));
        assert_int_equal(duration, 3 * USEC_PER_SEC);
        assert_int_equal(attempts, 1);
        assert_false(outage_log_succeeded(&policy, 4 * USEC_PER_SEC, &duration, &attempts));

        /* The next outage begins anew, however soon. */
        assert_true(outage_log_failed(&policy, 5 * USEC_PER_SEC));
        assert_true(outage_log_succeeded(&policy, 5 * USEC_PER_SEC, &duration, &attempts));
        assert_int_equal(duration, 0);
        assert_int_equal(attempts, 1);
}

static void test_long_outage(void **state _unused_) {
        const usec_t start = 40 * USEC_PER_SEC;
        OutageLogLimit policy = {};
        usec_t duration;
        uint64_t attempts, lines = 0;

        for (unsigned minute = 0; minute < 24 * 60; minute++)
                lines += outage_log_failed(&policy, start + minute * USEC_PER_MINUTE);

        assert_int_equal(lines, 24 * 6);
        assert_true(outage_log_succeeded(&policy, start + 24 * USEC_PER_HOUR, &duration, &attempts));
        assert_int_equal(duration, 24 * USEC_PER_HOUR);
        assert_int_equal(attempts, 24 * 60);
}

static void test_repeat_is_exact(void **state _unused_) {
        OutageLogLimit policy = {};

        assert_true(outage_log_failed(&policy, 1000));
        assert_false(outage_log_failed(&policy, 1000 + LOG_POLICY_REPEAT_USEC - 1));
        assert_true(outage_log_failed(&policy, 1000 + LOG_POLICY_REPEAT_USEC));
        assert_false(outage_log_failed(&policy, 1000 + LOG_POLICY_REPEAT_USEC));

        /* Long silence is one line, not several that were missed. */
        assert_true(outage_log_failed(&policy, 1000 + 50 * LOG_POLICY_REPEAT_USEC));
        assert_false(outage_log_failed(&policy, 1001 + 50 * LOG_POLICY_REPEAT_USEC));
}

static const char *numbered(unsigned number) {
        static char name[32];

        (void) snprintf(name, sizeof name, "log-%u", number);
        return name;
}

static void test_member_of_a_crowd(void **state _unused_) {
        LogCrowd crowd = {};

        assert_int_equal(log_crowd_ask(&crowd, "log-a", 0), LOG_TURN_NOW);
        assert_int_equal(log_crowd_ask(&crowd, "log-a", 0), LOG_TURN_LATER);
        assert_int_equal(log_crowd_ask(&crowd, "log-b", 1), LOG_TURN_NOW);
        assert_int_equal(log_crowd_ask(&crowd, "log-a", LOG_POLICY_REPEAT_USEC - 1), LOG_TURN_LATER);
        assert_int_equal(log_crowd_ask(&crowd, "log-a", LOG_POLICY_REPEAT_USEC), LOG_TURN_NOW);
        assert_int_equal(log_crowd_ask(&crowd, "log-b", LOG_POLICY_REPEAT_USEC), LOG_TURN_LATER);
        assert_int_equal(log_crowd_ask(&crowd, "log-b", LOG_POLICY_REPEAT_USEC + 1), LOG_TURN_NOW);
        assert_int_equal(log_crowd_summary(&crowd, LOG_POLICY_REPEAT_USEC), 0);
        log_crowd_done(&crowd);
        log_crowd_done(&crowd);
}

static void test_crowd_at_once(void **state _unused_) {
        LogCrowd crowd = {};
        const usec_t start = 5;

        for (unsigned i = 0; i < 256; i++)
                assert_int_equal(log_crowd_ask(&crowd, numbered(i), start),
                                i < LOG_CROWD_LINES_MAX ? LOG_TURN_NOW : LOG_TURN_NEVER);
        assert_int_equal(log_crowd_summary(&crowd, start), 256 - LOG_CROWD_LINES_MAX);
        assert_int_equal(log_crowd_summary(&crowd, start), 0);

        /* The next summary has its minute, and so have the next lines. */
        assert_int_equal(log_crowd_ask(&crowd, "a", start + LOG_CROWD_WINDOW_USEC - 1), LOG_TURN_NEVER);
        assert_int_equal(log_crowd_summary(&crowd, start + LOG_CROWD_WINDOW_USEC - 1), 0);
        assert_int_equal(log_crowd_ask(&crowd, "b", start + LOG_CROWD_WINDOW_USEC), LOG_TURN_NOW);
        assert_int_equal(log_crowd_summary(&crowd, start + LOG_CROWD_WINDOW_USEC), 1);

        /* Who was left out has had no line. */
        assert_int_equal(log_crowd_ask(&crowd, "a", start + LOG_CROWD_WINDOW_USEC), LOG_TURN_NOW);
        log_crowd_done(&crowd);
}

/* Three hours of a crowd that never rests: every minute, wherever it begins, has 30 lines at most. */
static void test_crowd_that_never_rests(void **state _unused_) {
        enum { N_NAMES = 1024, N_LINES = 3 * 60 * LOG_CROWD_LINES_MAX };
        static usec_t said[N_LINES + 1], last[N_NAMES];
        LogCrowd crowd = {};
        unsigned n_lines = 0;
        uint64_t n_asked = 0, n_later = 0, n_summed = 0;

        for (usec_t now = USEC_PER_HOUR; now < 4 * USEC_PER_HOUR; now += 10 * USEC_PER_SEC) {
                for (unsigned i = 0; i < N_NAMES; i += 7) {
                        unsigned name = (unsigned) (now / USEC_PER_SEC + i) % N_NAMES;
                        LogTurn turn = log_crowd_ask(&crowd, numbered(name), now);

                        n_asked++;
                        n_later += turn == LOG_TURN_LATER;
                        if (turn != LOG_TURN_NOW)
                                continue;
                        assert_true(last[name] == 0 || now - last[name] >= LOG_POLICY_REPEAT_USEC);
                        last[name] = now;
                        assert_true(n_lines < N_LINES);
                        said[n_lines++] = now;
                }
                n_summed += log_crowd_summary(&crowd, now);
        }

        for (unsigned i = LOG_CROWD_LINES_MAX; i < n_lines; i++)
                assert_true(said[i] - said[i - LOG_CROWD_LINES_MAX] >= USEC_PER_MINUTE);
        assert_true(n_lines > N_LINES / 2);
        n_summed += log_crowd_summary(&crowd, 5 * USEC_PER_HOUR);
        assert_int_equal(n_lines + n_later + n_summed, n_asked);
        log_crowd_done(&crowd);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_no_outage),
                cmocka_unit_test(test_single_failure),
                cmocka_unit_test(test_long_outage),
                cmocka_unit_test(test_repeat_is_exact),
                cmocka_unit_test(test_member_of_a_crowd),
                cmocka_unit_test(test_crowd_at_once),
                cmocka_unit_test(test_crowd_that_never_rests),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
