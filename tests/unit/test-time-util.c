/* SPDX-License-Identifier: MIT */
/* How points and spans of time are written, and sums that do not wrap. */
#include "util/time-util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "util/macro.h"

static void test_sums(void **state) {
        static const struct {
                usec_t a, b, sum, difference;
        } cases[] = {
                { 0, 0, 0, 0 },
                { 5, 3, 8, 2 },
                { 3, 5, 8, 0 },
                { USEC_INFINITY, 0, USEC_INFINITY, USEC_INFINITY },
                { USEC_INFINITY, 1, USEC_INFINITY, USEC_INFINITY - 1 },
                { 1, USEC_INFINITY, USEC_INFINITY, 0 },
                { USEC_INFINITY, USEC_INFINITY, USEC_INFINITY, 0 },
                { USEC_INFINITY - 1, 1, USEC_INFINITY, USEC_INFINITY - 2 },
                { USEC_INFINITY - 5, 4, USEC_INFINITY - 1, USEC_INFINITY - 9 },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                assert_true(usec_add(cases[i].a, cases[i].b) == cases[i].sum);
                assert_true(usec_sub(cases[i].a, cases[i].b) == cases[i].difference);
        }
}

static void test_now(void **state) {
        usec_t boot = now_usec(CLOCK_BOOTTIME), later;

        (void) state;
        assert_true(boot > 0);
        later = now_usec(CLOCK_BOOTTIME);
        assert_true(later >= boot && later - boot < USEC_PER_HOUR);

        assert_true(now_usec(CLOCK_REALTIME) > UINT64_C(1600000000) * USEC_PER_SEC);
        assert_true(now_usec((clockid_t) 12345) == 0); /* none such */
}

static void test_timestamp(void **state) {
        static const struct {
                usec_t usec;
                const char *text;
        } cases[] = {
                { 0, "1970-01-01T00:00:00.000Z" },
                { 999, "1970-01-01T00:00:00.000Z" },
                { 1000, "1970-01-01T00:00:00.001Z" },
                { 999999, "1970-01-01T00:00:00.999Z" },
                { 1000000, "1970-01-01T00:00:01.000Z" },
                { 1795522380123456, "2026-11-24T12:13:00.123Z" },
                { 951782400000000, "2000-02-29T00:00:00.000Z" },
                { 1483228799999999, "2016-12-31T23:59:59.999Z" },
                { 2147483648000000, "2038-01-19T03:14:08.000Z" },
                { 4107542399999999, "2100-02-28T23:59:59.999Z" },
                { 253402300799999999, "9999-12-31T23:59:59.999Z" },
        };
        char buffer[TIMESTAMP_SIZE];

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_string_equal(format_timestamp(buffer, cases[i].usec), cases[i].text);

        /* No date that a person needs, but no harm either. */
        assert_true(strlen(format_timestamp(buffer, USEC_INFINITY)) < sizeof buffer);
}

static void test_span(void **state) {
        static const struct {
                usec_t usec;
                const char *text;
        } cases[] = {
                { 0, "0ms" },
                { 999, "0ms" },
                { 1000, "1ms" },
                { 850 * USEC_PER_MSEC, "850ms" },
                { USEC_PER_SEC - 1, "999ms" },
                { USEC_PER_SEC, "1s" },
                { 12 * USEC_PER_SEC + 999999, "12s" },
                { 59 * USEC_PER_SEC, "59s" },
                { USEC_PER_MINUTE, "1min" },
                { USEC_PER_MINUTE + 1, "1min" },
                { 3 * USEC_PER_MINUTE + 4 * USEC_PER_SEC, "3min 4s" },
                { USEC_PER_HOUR - 1, "59min 59s" },
                { USEC_PER_HOUR, "1h" },
                { USEC_PER_HOUR + 59 * USEC_PER_SEC, "1h" },
                { 2 * USEC_PER_HOUR + 5 * USEC_PER_MINUTE + USEC_PER_SEC, "2h 5min" },
                { 24 * USEC_PER_HOUR, "1d" },
                { 24 * USEC_PER_HOUR + 59 * USEC_PER_MINUTE, "1d" },
                { 97 * USEC_PER_HOUR, "4d 1h" },
                { 10000 * 24 * USEC_PER_HOUR, "10000d" },
                { USEC_INFINITY - 1, "213503982d 8h" },
                { USEC_INFINITY, "for ever" },
        };
        char buffer[SPAN_SIZE];

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_string_equal(format_span(buffer, cases[i].usec), cases[i].text);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sums),
                cmocka_unit_test(test_now),
                cmocka_unit_test(test_timestamp),
                cmocka_unit_test(test_span),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
