/* SPDX-License-Identifier: MIT */
/* write-allowance: what the Master sets is written at once, and nothing wears out flash. */
#include "core/write-allowance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/buffer.h"
#include "util/macro.h"

#define DAY (24 * USEC_PER_HOUR)

static void note(WriteAllowance *allowance, const char *text) {
        write_allowance_note(allowance, text, strlen(text));
}

/* A report's answer as the keeper handles it. Returns whether it was written. */
static bool take(WriteAllowance *allowance, const char *text, usec_t now) {
        note(allowance, text);
        if (!write_allowance_is_due(allowance, now))
                return false;

        write_allowance_written(allowance, now);
        return true;
}

/* Stored at the start. */
static WriteAllowance stored(const char *text) {
        WriteAllowance allowance = {};

        note(&allowance, text);
        write_allowance_written(&allowance, 0);
        return allowance;
}

/* How many writes a day costs if `seen` changes in each `period`th report of a minute's interval. */
static void check_days(unsigned period, unsigned first_day) {
        enum { DAYS = 3, MINUTES = 24 * 60 };
        WriteAllowance allowance = stored("{\"seen\":0}");
        unsigned n_writes[DAYS] = {}, seen = 0;
        bool is_unsaved = false;

        for (unsigned minute = 1; minute <= DAYS * MINUTES; minute++) {
                char text[64];

                if (minute % period == 0) {
                        seen++;
                        is_unsaved = true;
                }
                (void) snprintf(text, sizeof text, "{\"id\":\"A1\",\"seen\":%u}", seen);
                if (is_unsaved && take(&allowance, text, minute * USEC_PER_MINUTE)) {
                        n_writes[(minute - 1) / MINUTES]++;
                        is_unsaved = false;
                }
        }

        assert_int_equal(n_writes[0], first_day);
        for (unsigned day = 1; day < DAYS; day++)
                assert_int_equal(n_writes[day], 144);
}

/* One every ten minutes; on the first day the three that are there at the start do not wait for it. */
static void test_days(void **state _unused_) {
        check_days(1, 146);
        check_days(2, 146);
        check_days(10, 144);
}

static void test_three_and_one_every_ten_minutes(void **state _unused_) {
        WriteAllowance allowance = stored("{\"a\":0}");
        usec_t now = USEC_PER_MINUTE;

        assert_true(take(&allowance, "{\"a\":1}", now));
        assert_true(take(&allowance, "{\"a\":2}", now + 1));
        assert_true(take(&allowance, "{\"a\":3}", now + 2));
        assert_false(take(&allowance, "{\"a\":4}", now + 3));
        assert_false(take(&allowance, "{\"a\":4}", now + WRITE_ALLOWANCE_INTERVAL_USEC - 1));
        assert_true(take(&allowance, "{\"a\":4}", now + WRITE_ALLOWANCE_INTERVAL_USEC));
        assert_false(take(&allowance, "{\"a\":5}", now + WRITE_ALLOWANCE_INTERVAL_USEC + 1));

        /* Never more than three, however long nothing changes. */
        now += DAY;
        for (unsigned i = 0; i < 5; i++) {
                char text[32];

                (void) snprintf(text, sizeof text, "{\"a\":%u}", 10 + i);
                assert_int_equal(take(&allowance, text, now + i), i < 3);
        }
}

/* One that changes always takes nothing from the others. */
static void test_each_member_has_its_own(void **state _unused_) {
        WriteAllowance allowance = stored("{\"seen\":0,\"config\":{\"x\":0}}");
        usec_t now = USEC_PER_MINUTE;
        char text[96];

        for (unsigned i = 1; i <= 9; i++) {
                (void) snprintf(text, sizeof text, "{\"seen\":%u,\"config\":{\"x\":0}}", i);
                assert_int_equal(take(&allowance, text, now + i), i <= 3);
        }
        for (unsigned i = 1; i <= 5; i++) {
                (void) snprintf(text, sizeof text, "{\"seen\":%u,\"config\":{\"x\":%u}}", 20 + i, i);
                assert_int_equal(take(&allowance, text, now + 20 + i), i <= 3);
        }

        /* A member that is new, and one that goes. */
        (void) snprintf(text, sizeof text, "{\"seen\":30,\"config\":{\"x\":3},\"labels\":[]}");
        assert_true(take(&allowance, text, now + 30));
        assert_true(take(&allowance, "{\"seen\":31,\"config\":{\"x\":3}}", now + 31));
        assert_false(take(&allowance, "{\"seen\":32,\"config\":{\"x\":3}}", now + 32));
}

/* What changed since the last write counts, not since the last report. */
static void test_a_change_that_is_taken_back(void **state _unused_) {
        WriteAllowance allowance = stored(" {\"a\" : 0, \"b\": 1}\n");
        usec_t now = USEC_PER_MINUTE;

        for (unsigned i = 1; i <= 4; i++) {
                char text[32];

                (void) snprintf(text, sizeof text, "{\"a\":%u,\"b\":1}", i);
                assert_int_equal(take(&allowance, text, now + i), i <= 3);
        }
        assert_false(take(&allowance, "{\"a\":3,\"b\":1}", now + 5));
        assert_true(take(&allowance, "{\"a\":3,\"b\":2}", now + 6));

        /* White space between members belongs to none: it waits. */
        assert_false(take(&allowance, "{ \"a\":3,\"b\":2}", now + 7));
        assert_true(take(&allowance, "{ \"a\":3,\"b\":2}", now + 6 + WRITE_ALLOWANCE_INTERVAL_USEC));
}

static char *many_members(unsigned first, unsigned count, unsigned value) {
        Buffer text = {};

        assert_int_equal(buffer_append_string(&text, "{\"id\":1"), 0);
        for (unsigned i = 0; i < count; i++)
                assert_int_equal(buffer_printf(&text, ",\"m%u\":%u", first + i, value), 0);
        assert_int_equal(buffer_append_string(&text, "}"), 0);
        return text.data;
}

/* Names that are ever new share one allowance: they cannot make each report a write. */
static void test_the_rest_shares_one(void **state _unused_) {
        _cleanup_free_ char *first = many_members(0, 63, 0);
        WriteAllowance allowance = stored(first);
        usec_t now = USEC_PER_MINUTE;

        for (unsigned i = 1; i <= 6; i++) {
                _cleanup_free_ char *text = many_members(0, 63 + i, 0);

                assert_int_equal(take(&allowance, text, now + i), i <= 3);
        }

        /* The first ones keep theirs. */
        for (unsigned i = 1; i <= 5; i++) {
                _cleanup_free_ char *text = many_members(0, 63, i);

                assert_int_equal(take(&allowance, text, now + 10 + i), i <= 3);
        }

        /* However many there are. */
        for (unsigned i = 0; i < 50; i++) {
                _cleanup_free_ char *text = many_members(1000 * i, 1000, i);

                (void) take(&allowance, text, now + 20 + i);
        }
        assert_int_equal(allowance.n_members, WRITE_ALLOWANCE_MEMBERS);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_days),
                cmocka_unit_test(test_three_and_one_every_ten_minutes),
                cmocka_unit_test(test_each_member_has_its_own),
                cmocka_unit_test(test_a_change_that_is_taken_back),
                cmocka_unit_test(test_the_rest_shares_one),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
