/* SPDX-License-Identifier: MIT */
/* When a change of health becomes a report of its own. */
#include "core/change-pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/macro.h"

#define START (1000 * USEC_PER_SEC)
#define AT(milliseconds) (START + (milliseconds) *USEC_PER_MSEC)

/* Notes a change every `step` and takes each report that is due; returns how many there were. */
static unsigned take_all(ChangePace *pace, usec_t step, usec_t span) {
        unsigned n_reports = 0;

        for (usec_t now = START; now < START + span; now += step) {
                if (change_pace_due(pace) <= now) {
                        change_pace_take(pace, now);
                        n_reports++;
                }
                change_pace_note(pace, now);
        }

        return n_reports;
}

static void test_one_change(void **state _unused_) {
        ChangePace pace = {};

        assert_int_equal(change_pace_due(&pace), USEC_INFINITY);
        change_pace_note(&pace, AT(0));
        assert_int_equal(change_pace_due(&pace), AT(1000));
        change_pace_take(&pace, AT(1000));
        assert_int_equal(change_pace_due(&pace), USEC_INFINITY);
}

static void test_a_series_is_one(void **state _unused_) {
        ChangePace pace = {};

        for (usec_t ms = 0; ms <= 3000; ms += 100)
                change_pace_note(&pace, AT(ms));
        assert_int_equal(change_pace_due(&pace), AT(4000));

        /* What never rests is told all the same. */
        for (usec_t ms = 3100; ms <= 60000; ms += 100)
                change_pace_note(&pace, AT(ms));
        assert_int_equal(change_pace_due(&pace), AT(5000));
}

static void test_at_most_every_ten_seconds(void **state _unused_) {
        ChangePace pace = {};

        change_pace_note(&pace, AT(0));
        change_pace_take(&pace, AT(1000));
        change_pace_note(&pace, AT(1500));
        assert_int_equal(change_pace_due(&pace), AT(11000));
        change_pace_note(&pace, AT(10900)); /* it has waited long enough: no quiet is asked for */
        assert_int_equal(change_pace_due(&pace), AT(11000));
        change_pace_take(&pace, AT(11000));

        change_pace_note(&pace, AT(20900));
        assert_int_equal(change_pace_due(&pace), AT(21900));
        change_pace_note(&pace, AT(21500));
        assert_int_equal(change_pace_due(&pace), AT(22500));

        pace = (ChangePace){};
        assert_in_range(take_all(&pace, 10 * USEC_PER_MSEC, 100 * USEC_PER_SEC), 8, 10);
        pace = (ChangePace){};
        assert_in_range(take_all(&pace, 3 * USEC_PER_SEC, 100 * USEC_PER_SEC), 8, 10);
}

/* A report that comes anyway has the change, and does not count as an extra one. */
static void test_other_reports(void **state _unused_) {
        ChangePace pace = {};

        change_pace_note(&pace, AT(0));
        change_pace_settle(&pace);
        assert_int_equal(change_pace_due(&pace), USEC_INFINITY);
        change_pace_note(&pace, AT(500));
        assert_int_equal(change_pace_due(&pace), AT(1500));
        change_pace_take(&pace, AT(1500));
        change_pace_note(&pace, AT(2000));
        change_pace_settle(&pace);
        change_pace_note(&pace, AT(3000));
        assert_int_equal(change_pace_due(&pace), AT(11500));
}

static void test_end_of_time(void **state _unused_) {
        ChangePace pace = {};

        change_pace_note(&pace, USEC_INFINITY);
        assert_int_equal(change_pace_due(&pace), USEC_INFINITY);
        change_pace_take(&pace, USEC_INFINITY);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_one_change),
                cmocka_unit_test(test_a_series_is_one),
                cmocka_unit_test(test_at_most_every_ten_seconds),
                cmocka_unit_test(test_other_reports),
                cmocka_unit_test(test_end_of_time),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
