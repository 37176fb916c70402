/* SPDX-License-Identifier: MIT */
/* Which of several addresses is asked: the walk, the rotation, Retry-After, and the visit to the first. */
#include "core/endpoint-choice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/macro.h"

#define START (5 * USEC_PER_HOUR)
#define INTERVAL USEC_PER_MINUTE
#define VISIT (10 * USEC_PER_MINUTE)

/* How each address responds. */
typedef struct World {
        EndpointVerdict verdicts[ENDPOINTS_MAX];
        usec_t retry_after_usec[ENDPOINTS_MAX];
        size_t count;
        usec_t interval_usec;
        EndpointChoice choice;
        size_t n_requests;
        size_t asked[ENDPOINTS_MAX]; /* of the last attempt, in this order */
        size_t n_asked;
} World;

/* A whole attempt. Returns true if an address responded, and is not overloaded. */
static bool attempt(World *world, usec_t now) {
        EndpointChoice *choice = &world->choice;
        EndpointVerdict verdict;
        size_t index;

        world->n_asked = 0;
        endpoint_choice_begin(choice, world->count, world->interval_usec, now);
        do {
                index = choice->index;
                assert_true(index < world->count);
                assert_true(world->n_asked < world->count);
                world->asked[world->n_asked++] = index;
                world->n_requests++;
                verdict = world->verdicts[index];
        } while (endpoint_choice_judge(choice, verdict, world->retry_after_usec[index], now) &&
                        endpoint_choice_next(choice, now));

        return verdict == ENDPOINT_ANSWERED;
}

#define ASSERT_ASKED(world, ...)                                                                            \
        do {                                                                                                \
                const size_t expected[] = { __VA_ARGS__ };                                                  \
                                                                                                            \
                assert_int_equal((world)->n_asked, ELEMENTSOF(expected));                                   \
                assert_memory_equal((world)->asked, expected, sizeof expected);                             \
        } while (0)

static void test_verdict(void **state _unused_) {
        static const struct {
                TransportResult transport;
                unsigned status;
                EndpointVerdict expected;
        } cases[] = {
                { TRANSPORT_ANSWERED, 200, ENDPOINT_ANSWERED },
                { TRANSPORT_ANSWERED, 304, ENDPOINT_ANSWERED },
                { TRANSPORT_ANSWERED, 401, ENDPOINT_ANSWERED },
                { TRANSPORT_ANSWERED, 404, ENDPOINT_ANSWERED },
                { TRANSPORT_ANSWERED, 408, ENDPOINT_OVERLOADED },
                { TRANSPORT_ANSWERED, 429, ENDPOINT_OVERLOADED },
                { TRANSPORT_ANSWERED, 499, ENDPOINT_ANSWERED },
                { TRANSPORT_ANSWERED, 500, ENDPOINT_OVERLOADED },
                { TRANSPORT_ANSWERED, 999, ENDPOINT_OVERLOADED },
                { TRANSPORT_TOO_LARGE, 200, ENDPOINT_ANSWERED },
                { TRANSPORT_TOO_LARGE, 503, ENDPOINT_OVERLOADED },
                { TRANSPORT_BROKEN, 200, ENDPOINT_UNREACHED },
                { TRANSPORT_BROKEN, 503, ENDPOINT_OVERLOADED },
                { TRANSPORT_TIMEOUT, 0, ENDPOINT_UNREACHED },
                { TRANSPORT_CONNECT, 0, ENDPOINT_UNREACHED },
                { TRANSPORT_NOT_HTTP, 0, ENDPOINT_UNREACHED },
                { TRANSPORT_LOCAL, 0, ENDPOINT_UNREACHED },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Outcome outcome = { .transport = cases[i].transport, .http_status = cases[i].status };

                if (endpoint_verdict(&outcome) != cases[i].expected)
                        fail_msg("%d with %u", (int) cases[i].transport, cases[i].status);
        }
}

/* A single address is asked at each attempt, and its Retry-After holds the node. */
static void test_single(void **state _unused_) {
        World world = { .count = 1, .interval_usec = INTERVAL };

        for (EndpointVerdict verdict = ENDPOINT_UNREACHED; verdict <= ENDPOINT_ANSWERED; verdict++)
                for (usec_t now = START; now < START + USEC_PER_HOUR; now += 5 * USEC_PER_MINUTE) {
                        world.verdicts[0] = verdict;
                        assert_int_equal(attempt(&world, now), verdict == ENDPOINT_ANSWERED);
                        ASSERT_ASKED(&world, 0);
                        assert_int_equal(endpoint_choice_wait(&world.choice, now), 0);
                }

        world.verdicts[0] = ENDPOINT_OVERLOADED;
        world.retry_after_usec[0] = USEC_PER_HOUR;
        (void) attempt(&world, START);
        assert_int_equal(endpoint_choice_wait(&world.choice, START), USEC_PER_HOUR);

        /* A person asks before that, and the newest response counts. */
        world.retry_after_usec[0] = 0;
        (void) attempt(&world, START + 1);
        ASSERT_ASKED(&world, 0);
        assert_int_equal(endpoint_choice_wait(&world.choice, START + 1), 0);
}

static void test_walk(void **state _unused_) {
        World world = { .count = 3, .interval_usec = INTERVAL };

        /* None can be reached: each attempt asks the whole list once, from the first. */
        for (usec_t i = 0; i < 3; i++) {
                assert_false(attempt(&world, START + i * INTERVAL));
                ASSERT_ASKED(&world, 0, 1, 2);
                assert_int_equal(world.choice.current, 0);
        }

        /* The second responds and is asked first from then on; the walk wraps around. */
        world.verdicts[1] = ENDPOINT_ANSWERED;
        assert_true(attempt(&world, START));
        ASSERT_ASKED(&world, 0, 1);
        assert_true(attempt(&world, START + INTERVAL));
        ASSERT_ASKED(&world, 1);
        assert_int_equal(world.choice.current, 1);

        world.verdicts[1] = ENDPOINT_UNREACHED;
        assert_false(attempt(&world, START + 2 * INTERVAL));
        ASSERT_ASKED(&world, 1, 2, 0);
        assert_int_equal(world.choice.current, 1);
}

static void test_left(void **state _unused_) {
        World world = { .count = 4, .interval_usec = INTERVAL, .retry_after_usec = { 0, USEC_PER_HOUR } };
        EndpointChoice *choice = &world.choice;

        world.verdicts[1] = ENDPOINT_OVERLOADED;
        (void) attempt(&world, START);
        ASSERT_ASKED(&world, 0, 1);

        endpoint_choice_begin(choice, 4, INTERVAL, START);
        assert_int_equal(choice->index, 2);
        assert_int_equal(endpoint_choice_left(choice, START), 2);
        assert_int_equal(endpoint_choice_left(choice, START + USEC_PER_HOUR), 3);
        assert_true(endpoint_choice_next(choice, START));
        assert_int_equal(endpoint_choice_left(choice, START), 1);
        assert_true(endpoint_choice_next(choice, START));
        assert_int_equal(choice->index, 0);
        assert_int_equal(endpoint_choice_left(choice, START), 0);
        assert_false(endpoint_choice_next(choice, START));
}

/* An overloaded Master is asked once for each attempt, however many addresses it has. */
static void test_all_overloaded(void **state _unused_) {
        for (size_t count = 1; count <= ENDPOINTS_MAX; count++)
                for (usec_t interval = USEC_PER_SEC; interval <= USEC_PER_HOUR; interval *= 60) {
                        World world = { .count = count, .interval_usec = interval };
                        const size_t slots = 2000;

                        for (size_t i = 0; i < count; i++)
                                world.verdicts[i] = ENDPOINT_OVERLOADED;
                        for (size_t slot = 0; slot < slots; slot++) {
                                assert_false(attempt(&world, START + slot * interval));
                                assert_int_equal(endpoint_choice_wait(&world.choice, START), 0);
                        }
                        assert_true(world.n_requests * 10 <= slots * 11);
                }
}

/* Several are overloaded, and the last is not: each costs one report. */
static void test_some_overloaded(void **state _unused_) {
        static const usec_t wishes[] = { 0, USEC_PER_MINUTE, USEC_PER_HOUR };

        for (size_t count = 2; count <= ENDPOINTS_MAX; count++)
                for (size_t w = 0; w < ELEMENTSOF(wishes); w++) {
                        World world = { .count = count, .interval_usec = INTERVAL };
                        size_t n_lost = 0;

                        for (size_t i = 0; i < count; i++) {
                                world.verdicts[i] = ENDPOINT_OVERLOADED;
                                world.retry_after_usec[i] = wishes[w];
                        }
                        world.verdicts[count - 1] = ENDPOINT_ANSWERED;
                        world.retry_after_usec[count - 1] = 0;

                        for (usec_t slot = 0; slot < 60; slot++) {
                                n_lost += !attempt(&world, START + slot * INTERVAL);
                                assert_int_equal(
                                                endpoint_choice_wait(&world.choice, START + slot * INTERVAL),
                                                0);
                        }
                        assert_int_equal(n_lost, count - 1);
                        assert_true(world.n_requests <= 66);
                }
}

/* The walk passes an unreachable address, and ends at an overloaded one behind it. */
static void test_unreached_before_overloaded(void **state _unused_) {
        World world = { .count = 3, .interval_usec = INTERVAL };

        world.verdicts[1] = ENDPOINT_OVERLOADED;
        world.verdicts[2] = ENDPOINT_ANSWERED;
        assert_false(attempt(&world, START));
        ASSERT_ASKED(&world, 0, 1);
        assert_true(attempt(&world, START + INTERVAL));
        ASSERT_ASKED(&world, 2);
}

static void test_retry_after_binds_its_address(void **state _unused_) {
        World world = { .count = 3, .interval_usec = INTERVAL };

        world.verdicts[0] = ENDPOINT_OVERLOADED;
        world.retry_after_usec[0] = 3 * INTERVAL;
        (void) attempt(&world, START);
        ASSERT_ASKED(&world, 0);

        /* Even if the others are away, it is skipped, and the node keeps its pace. */
        for (usec_t slot = 1; slot < 3; slot++) {
                (void) attempt(&world, START + slot * INTERVAL);
                ASSERT_ASKED(&world, 1, 2);
                assert_int_equal(endpoint_choice_wait(&world.choice, START + slot * INTERVAL), 0);
        }

        world.verdicts[0] = ENDPOINT_ANSWERED;
        world.retry_after_usec[0] = 0;
        assert_true(attempt(&world, START + 3 * INTERVAL));
        ASSERT_ASKED(&world, 1, 2, 0);
        assert_int_equal(world.choice.free_usec[0], 0);
}

static void test_all_have_retry_after(void **state _unused_) {
        World world = { .count = 3, .interval_usec = INTERVAL };

        for (size_t i = 0; i < 3; i++)
                world.verdicts[i] = ENDPOINT_OVERLOADED;
        world.retry_after_usec[0] = USEC_PER_HOUR;
        world.retry_after_usec[1] = 5 * USEC_PER_MINUTE;
        world.retry_after_usec[2] = USEC_PER_HOUR;

        (void) attempt(&world, START);
        assert_int_equal(endpoint_choice_wait(&world.choice, START), 0);
        (void) attempt(&world, START + INTERVAL);
        assert_int_equal(endpoint_choice_wait(&world.choice, START + INTERVAL), 0);
        (void) attempt(&world, START + 2 * INTERVAL);
        ASSERT_ASKED(&world, 2);
        assert_int_equal(endpoint_choice_wait(&world.choice, START + 2 * INTERVAL), 4 * INTERVAL);

        /* A person asks nevertheless. */
        world.verdicts[1] = ENDPOINT_UNREACHED;
        world.retry_after_usec[1] = 0;
        (void) attempt(&world, START + 3 * INTERVAL);
        ASSERT_ASKED(&world, 1);
        assert_int_equal(endpoint_choice_wait(&world.choice, START + 3 * INTERVAL), 0);
        world.verdicts[1] = ENDPOINT_ANSWERED;
        assert_true(attempt(&world, START + 4 * INTERVAL));
        ASSERT_ASKED(&world, 1);
}

static void test_an_endless_wish(void **state _unused_) {
        World world = { .count = 1,
                .interval_usec = INTERVAL,
                .verdicts = { ENDPOINT_OVERLOADED },
                .retry_after_usec = { USEC_INFINITY } };

        (void) attempt(&world, START);
        assert_int_equal(endpoint_choice_wait(&world.choice, START), USEC_INFINITY - START);
}

/* The first of the list is away at START, and the last has responded. */
static World after_leaving(EndpointVerdict head, usec_t interval) {
        World world = { .count = 3, .interval_usec = interval };

        world.verdicts[2] = ENDPOINT_ANSWERED;
        assert_true(attempt(&world, START));
        ASSERT_ASKED(&world, 0, 1, 2);
        world.verdicts[0] = head;
        return world;
}

static void test_visit(void **state _unused_) {
        for (EndpointVerdict head = ENDPOINT_UNREACHED; head <= ENDPOINT_OVERLOADED; head++) {
                World world = after_leaving(head, INTERVAL);

                assert_true(attempt(&world, START + VISIT - 1));
                ASSERT_ASKED(&world, 2);

                /* One visit without success: the attempt continues at the one in use. */
                assert_true(attempt(&world, START + VISIT));
                ASSERT_ASKED(&world, 0, 2);
                assert_int_equal(world.choice.current, 2);
                assert_true(attempt(&world, START + 2 * VISIT - 1));
                ASSERT_ASKED(&world, 2);

                world.verdicts[0] = ENDPOINT_ANSWERED;
                assert_true(attempt(&world, START + 2 * VISIT));
                ASSERT_ASKED(&world, 0);
                assert_true(attempt(&world, START + 9 * VISIT));
                ASSERT_ASKED(&world, 0);
        }
}

static void test_visit_goes_on(void **state _unused_) {
        World world = after_leaving(ENDPOINT_OVERLOADED, INTERVAL);

        /* The one in use is gone too: the attempt asks the rest. */
        world.verdicts[2] = ENDPOINT_UNREACHED;
        assert_false(attempt(&world, START + VISIT));
        ASSERT_ASKED(&world, 0, 2, 1);

        /* The one in use is overloaded too: that ends the attempt. */
        world.verdicts[2] = ENDPOINT_OVERLOADED;
        assert_false(attempt(&world, START + 2 * VISIT));
        ASSERT_ASKED(&world, 0, 2);
}

static void test_visit_at_a_long_interval(void **state _unused_) {
        World world = after_leaving(ENDPOINT_UNREACHED, USEC_PER_HOUR);

        assert_true(attempt(&world, START + 9 * USEC_PER_HOUR));
        ASSERT_ASKED(&world, 2);
        assert_true(attempt(&world, START + 10 * USEC_PER_HOUR));
        ASSERT_ASKED(&world, 0, 2);
}

static void test_visit_at_a_short_interval(void **state _unused_) {
        World world = after_leaving(ENDPOINT_UNREACHED, USEC_PER_SEC);

        assert_true(attempt(&world, START + VISIT - 1));
        ASSERT_ASKED(&world, 2);
        assert_true(attempt(&world, START + VISIT));
        ASSERT_ASKED(&world, 0, 2);
}

static void test_visit_waits_for_retry_after(void **state _unused_) {
        World world = after_leaving(ENDPOINT_OVERLOADED, INTERVAL);
        usec_t visit = START + VISIT;

        world.retry_after_usec[0] = USEC_PER_HOUR;
        assert_true(attempt(&world, visit));
        ASSERT_ASKED(&world, 0, 2);

        assert_true(attempt(&world, visit + USEC_PER_HOUR - 1));
        ASSERT_ASKED(&world, 2);
        assert_true(attempt(&world, visit + USEC_PER_HOUR));
        ASSERT_ASKED(&world, 0, 2);
}

/* However often the others take turns, the first is visited. */
static void test_visit_in_spite_of_changes(void **state _unused_) {
        World world = after_leaving(ENDPOINT_UNREACHED, INTERVAL);
        size_t n_visits = 0;

        for (usec_t slot = 1; slot <= 60; slot++) {
                world.verdicts[1] = slot / 5 % 2 ? ENDPOINT_ANSWERED : ENDPOINT_OVERLOADED;
                world.verdicts[2] = slot / 5 % 2 ? ENDPOINT_OVERLOADED : ENDPOINT_ANSWERED;
                (void) attempt(&world, START + slot * INTERVAL);
                for (size_t i = 0; i < world.n_asked; i++)
                        n_visits += world.asked[i] == 0;
        }
        assert_true(n_visits >= 6);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_verdict),
                cmocka_unit_test(test_single),
                cmocka_unit_test(test_walk),
                cmocka_unit_test(test_left),
                cmocka_unit_test(test_all_overloaded),
                cmocka_unit_test(test_some_overloaded),
                cmocka_unit_test(test_unreached_before_overloaded),
                cmocka_unit_test(test_retry_after_binds_its_address),
                cmocka_unit_test(test_all_have_retry_after),
                cmocka_unit_test(test_an_endless_wish),
                cmocka_unit_test(test_visit),
                cmocka_unit_test(test_visit_goes_on),
                cmocka_unit_test(test_visit_at_a_long_interval),
                cmocka_unit_test(test_visit_at_a_short_interval),
                cmocka_unit_test(test_visit_waits_for_retry_after),
                cmocka_unit_test(test_visit_in_spite_of_changes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
