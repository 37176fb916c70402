/* SPDX-License-Identifier: MIT */
/* When reports are due, and the pauses after a failed registration. */
#include "core/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/macro.h"

#define START (5000 * USEC_PER_SEC)

static const uint64_t edges[] = { 0, 1, UINT64_MAX / 2, UINT64_MAX - 1, UINT64_MAX };

static void test_between(void **state _unused_) {
        assert_int_equal(usec_between(3, 9, 0), 3);
        assert_int_equal(usec_between(3, 9, UINT64_MAX), 9);
        assert_int_equal(usec_between(7, 7, UINT64_MAX / 3), 7);
        assert_int_equal(usec_between(0, USEC_INFINITY, UINT64_MAX), USEC_INFINITY);
        assert_true(usec_between(0, 100, UINT64_MAX / 2) == 50);
}

static void test_registration_pause(void **state _unused_) {
        static const usec_t ceilings[REGISTRATION_PAUSES] = { 2, 4, 8, 16, 32 };

        for (unsigned i = 0; i < ELEMENTSOF(ceilings); i++)
                for (size_t e = 0; e < ELEMENTSOF(edges); e++) {
                        usec_t pause = registration_pause(i, 0, edges[e]);

                        assert_true(pause >= ceilings[i] * USEC_PER_SEC / 2);
                        assert_true(pause <= ceilings[i] * USEC_PER_SEC);
                        assert_true(pause >= REGISTRATION_PAUSE_MIN_USEC);
                        assert_true(pause <= REGISTRATION_PAUSE_MAX_USEC);
                }
}

/* A fleet that was sent away until one instant comes back over as long a time as it was sent for. */
static void test_registration_pause_after_a_retry_after(void **state _unused_) {
        static const struct {
                unsigned n_pauses;
                usec_t retry_after, least, most;
        } cases[] = {
                { 0, 0, 1, 2 }, { 0, 2, 1, 2 }, /* the pause after a first failure is as long */
                { 0, 3, 1, 3 }, { 0, 45, 1, 45 }, { 0, 60, 1, 60 }, { 0, 3600, 1, 60 },
                { 4, 5, 16, 32 }, /* the pauses have grown beyond it */
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                usec_t retry_after = cases[i].retry_after * USEC_PER_SEC;

                assert_int_equal(registration_pause(cases[i].n_pauses, retry_after, 0),
                                cases[i].least * USEC_PER_SEC);
                assert_int_equal(registration_pause(cases[i].n_pauses, retry_after, UINT64_MAX),
                                cases[i].most * USEC_PER_SEC);
        }
}

static void test_accuracy(void **state _unused_) {
        static const struct {
                usec_t interval, accuracy;
        } cases[] = {
                { 1, 1 },
                { 6 * USEC_PER_SEC, 100 * USEC_PER_MSEC },
                { USEC_PER_MINUTE, USEC_PER_SEC },
                { USEC_PER_HOUR, USEC_PER_SEC },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Schedule schedule;

                schedule_init(&schedule, cases[i].interval);
                assert_int_equal(schedule_accuracy(&schedule), cases[i].accuracy);
        }
}

static void test_phase(void **state _unused_) {
        for (size_t e = 0; e < ELEMENTSOF(edges); e++) {
                Schedule schedule;
                usec_t first;

                schedule_init(&schedule, 60 * USEC_PER_SEC);
                schedule_start(&schedule, START, edges[e]);
                first = schedule_next(&schedule, START, 0);
                assert_true(first > START && first <= START + 60 * USEC_PER_SEC);

                schedule_start(&schedule, START + 1, ~edges[e]); /* the phase is chosen once */
                assert_int_equal(schedule_next(&schedule, START, 0), first);
                assert_int_equal(schedule_next(&schedule, first, 0), first + 60 * USEC_PER_SEC);
        }
}

/* A fleet that loses its Master asks as often as ever: nothing is tried between the slots. */
static void test_a_failure_waits_for_its_slot(void **state _unused_) {
        static const usec_t intervals[] = { USEC_PER_SEC, USEC_PER_MINUTE, UINT32_MAX * USEC_PER_SEC };

        for (size_t i = 0; i < ELEMENTSOF(intervals); i++)
                for (size_t e = 0; e < ELEMENTSOF(edges); e++) {
                        Schedule schedule;
                        usec_t slot;

                        schedule_init(&schedule, intervals[i]);
                        schedule_start(&schedule, START, edges[e]);
                        slot = schedule_next(&schedule, START, 0);
                        assert_true(slot > START && slot <= START + intervals[i]);
                        for (unsigned n = 0; n < 10; n++, slot += intervals[i])
                                assert_int_equal(schedule_next(&schedule, slot, 0), slot + intervals[i]);
                        assert_int_equal(schedule_next(&schedule, slot, 0), slot + intervals[i]);
                }
}

static void test_not_before(void **state _unused_) {
        static const usec_t minute = 60 * USEC_PER_SEC;
        Schedule schedule;
        usec_t slot;

        schedule_init(&schedule, minute);
        schedule_start(&schedule, START, UINT64_MAX / 2);
        slot = schedule_next(&schedule, START, 0);

        /* Exactly a slot is not before it. */
        assert_int_equal(schedule_next(&schedule, START, slot), slot);
        assert_int_equal(schedule_next(&schedule, START, slot + 1), slot + minute);

        schedule_init(&schedule, minute);
        schedule_start(&schedule, START, UINT64_MAX / 2);
        assert_int_equal(schedule_next(&schedule, START, START + 3600 * USEC_PER_SEC), slot + 60 * minute);
}

static void test_a_success_ends_the_wish(void **state _unused_) {
        static const usec_t minute = 60 * USEC_PER_SEC;
        Schedule schedule;
        usec_t slot;

        schedule_init(&schedule, minute);
        schedule_start(&schedule, START, UINT64_MAX / 2);
        slot = schedule_next(&schedule, START, 0);
        assert_int_equal(schedule_next(&schedule, slot, slot + USEC_PER_HOUR), slot + USEC_PER_HOUR);

        assert_int_equal(schedule_next(&schedule, slot + 1, 0), slot + minute);
        assert_int_equal(schedule_next(&schedule, slot + minute, 0), slot + 2 * minute);
}

static void test_missed_slots_are_gone(void **state _unused_) {
        static const usec_t second = USEC_PER_SEC;
        Schedule schedule;
        usec_t slot;

        schedule_init(&schedule, second);
        schedule_start(&schedule, START, UINT64_MAX / 2);
        slot = schedule_next(&schedule, START, 0);
        assert_int_equal(schedule_next(&schedule, slot + 1000000 * second + 5, 0), slot + 1000001 * second);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_between),
                cmocka_unit_test(test_registration_pause),
                cmocka_unit_test(test_registration_pause_after_a_retry_after),
                cmocka_unit_test(test_accuracy),
                cmocka_unit_test(test_phase),
                cmocka_unit_test(test_a_failure_waits_for_its_slot),
                cmocka_unit_test(test_not_before),
                cmocka_unit_test(test_a_success_ends_the_wish),
                cmocka_unit_test(test_missed_slots_are_gone),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
