/* How loud an outage is: first failure, every 10 minutes, and the end. */
#include "core/log-policy.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/macro.h"

static void test_no_outage(void **state _unused_) {
        LogPolicy policy = {};
        usec_t duration = 7;
        uint64_t attempts = 7;

        assert_false(log_policy_succeeded(&policy, 0, &duration, &attempts));
        assert_false(log_policy_succeeded(&policy, USEC_PER_HOUR, &duration, &attempts));
        assert_int_equal(duration, 7);
        assert_int_equal(attempts, 7);
}

static void test_single_failure(void **state _unused_) {
        LogPolicy policy = {};
        usec_t duration;
        uint64_t attempts;

        /* At boot time 0 as at any other. */
        assert_true(log_policy_failed(&policy, 0));
        assert_true(log_policy_succeeded(&policy, 3 * USEC_PER_SEC, &duration, &attempts));
        assert_int_equal(duration, 3 * USEC_PER_SEC);
        assert_int_equal(attempts, 1);
        assert_false(log_policy_succeeded(&policy, 4 * USEC_PER_SEC, &duration, &attempts));

        /* The next outage begins anew, however soon. */
        assert_true(log_policy_failed(&policy, 5 * USEC_PER_SEC));
        assert_true(log_policy_succeeded(&policy, 5 * USEC_PER_SEC, &duration, &attempts));
        assert_int_equal(duration, 0);
        assert_int_equal(attempts, 1);
}

static void test_long_outage(void **state _unused_) {
        const usec_t start = 40 * USEC_PER_SEC;
        LogPolicy policy = {};
        usec_t duration;
        uint64_t attempts, lines = 0;

        for (unsigned minute = 0; minute < 24 * 60; minute++)
                lines += log_policy_failed(&policy, start + minute * USEC_PER_MINUTE);

        assert_int_equal(lines, 24 * 6);
        assert_true(log_policy_succeeded(&policy, start + 24 * USEC_PER_HOUR, &duration, &attempts));
        assert_int_equal(duration, 24 * USEC_PER_HOUR);
        assert_int_equal(attempts, 24 * 60);
}

static void test_repeat_is_exact(void **state _unused_) {
        LogPolicy policy = {};

        assert_true(log_policy_failed(&policy, 1000));
        assert_false(log_policy_failed(&policy, 1000 + LOG_POLICY_REPEAT_USEC - 1));
        assert_true(log_policy_failed(&policy, 1000 + LOG_POLICY_REPEAT_USEC));
        assert_false(log_policy_failed(&policy, 1000 + LOG_POLICY_REPEAT_USEC));

        /* Long silence is one line, not several that were missed. */
        assert_true(log_policy_failed(&policy, 1000 + 50 * LOG_POLICY_REPEAT_USEC));
        assert_false(log_policy_failed(&policy, 1001 + 50 * LOG_POLICY_REPEAT_USEC));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_no_outage),
                cmocka_unit_test(test_single_failure),
                cmocka_unit_test(test_long_outage),
                cmocka_unit_test(test_repeat_is_exact),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
