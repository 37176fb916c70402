/* SPDX-License-Identifier: MIT */
/* fair-share: who gets in. Against a second way to say the same: water that rises in all groups alike. */
#include "core/fair-share.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/macro.h"

enum { DEMANDS_MAX = 400, OWNERS_MAX = 6, PREFIXES_MAX = 5, NAME_SIZE = 64, ROUNDS = 1000 };

typedef struct Crowd {
        FairDemand demands[DEMANDS_MAX];
        char names[DEMANDS_MAX][NAME_SIZE];
        FairDemand *order[DEMANDS_MAX];
        bool is_in[DEMANDS_MAX];
        size_t count;
        uint64_t used;
} Crowd;

static uint64_t random_state = 1;

static unsigned random_below(unsigned bound) {
        random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (unsigned) (random_state >> 33) % bound;
}

static void crowd_add(Crowd *crowd, uint32_t owner, const char *name, uint64_t size) {
        size_t i = crowd->count++;

        assert_true(i < DEMANDS_MAX);
        (void) snprintf(crowd->names[i], NAME_SIZE, "%s", name);
        crowd->demands[i] = (FairDemand){ .owner = owner, .name = crowd->names[i], .size = size };
}

static void crowd_add_many(Crowd *crowd, uint32_t owner, const char *prefix, size_t count, uint64_t size) {
        char name[NAME_SIZE];

        for (size_t i = 0; i < count; i++) {
                (void) snprintf(name, sizeof name, "%s-%03zu", prefix, i);
                crowd_add(crowd, owner, name, size);
        }
}

static void crowd_order(Crowd *crowd) {
        for (size_t i = 0; i < crowd->count; i++)
                crowd->order[i] = &crowd->demands[i];
        fair_order(crowd->order, crowd->count);
}

/* Takes what fits, in the order of turns. */
static void crowd_admit(Crowd *crowd, uint64_t limit) {
        crowd_order(crowd);
        crowd->used = 0;
        for (size_t i = 0; i < crowd->count; i++) {
                bool fits = crowd->order[i]->size <= limit - crowd->used;

                crowd->is_in[crowd->order[i] - crowd->demands] = fits;
                if (fits)
                        crowd->used += crowd->order[i]->size;
        }
}

/* What the owner (and of him the prefix, unless NULL) asked for, and has. */
static uint64_t sum_of(const Crowd *crowd, uint32_t owner, const char *prefix, bool only_in) {
        uint64_t sum = 0;

        for (size_t i = 0; i < crowd->count; i++) {
                const char *name = crowd->names[i];

                if (crowd->demands[i].owner != owner || (only_in && !crowd->is_in[i]))
                        continue;
                if (!prefix || (strncmp(name, prefix, strlen(prefix)) == 0 && name[strlen(prefix)] == '-'))
                        sum += crowd->demands[i].size;
        }
        return sum;
}

static uint64_t asked(const Crowd *crowd, uint32_t owner, const char *prefix) {
        return sum_of(crowd, owner, prefix, false);
}

static uint64_t has(const Crowd *crowd, uint32_t owner, const char *prefix) {
        return sum_of(crowd, owner, prefix, true);
}

/* How high the water stands in groups that want so much when `limit` of it has been poured over them. */
static double water_level(const uint64_t *wants, size_t count, double limit) {
        double level = 0;
        size_t n_open = count;

        while (n_open > 0 && limit > 1e-6) {
                double step = limit / (double) n_open;

                for (size_t i = 0; i < count; i++)
                        if ((double) wants[i] > level && (double) wants[i] - level < step)
                                step = (double) wants[i] - level;
                level += step;
                limit -= step * (double) n_open;
                n_open = 0;
                for (size_t i = 0; i < count; i++)
                        n_open += (double) wants[i] > level;
        }
        return level;
}

static const char *const prefixes[PREFIXES_MAX] = { "a", "a.b", "a+", "log", "metric" };

static void make_random(Crowd *crowd, unsigned size_max) {
        unsigned n_groups = 1 + random_below(10);

        crowd->count = 0;
        for (unsigned i = 0; i < n_groups; i++) {
                const char *prefix = prefixes[random_below(PREFIXES_MAX)];

                for (unsigned left = random_below(35); left > 0; left--) {
                        char name[NAME_SIZE];

                        (void) snprintf(name, sizeof name, "%s-%u-%zu", prefix, random_below(1000),
                                        crowd->count);
                        crowd_add(crowd, random_below(OWNERS_MAX), name, 1 + random_below(size_max));
                }
        }
}

/* Every prefix that asks for no more than its share of its owner's share has all of it. */
static void check_prefixes(const Crowd *crowd, uint32_t owner, double owners_share) {
        uint64_t wants[PREFIXES_MAX];
        double level;

        for (unsigned i = 0; i < PREFIXES_MAX; i++)
                wants[i] = asked(crowd, owner, prefixes[i]);
        level = water_level(wants, PREFIXES_MAX, owners_share);
        for (unsigned i = 0; i < PREFIXES_MAX; i++)
                if ((double) wants[i] < level)
                        assert_int_equal(has(crowd, owner, prefixes[i]), wants[i]);
}

static void check_shares(const Crowd *crowd, uint64_t limit, unsigned size_max) {
        uint64_t wants[OWNERS_MAX];
        double level;

        for (uint32_t owner = 0; owner < OWNERS_MAX; owner++)
                wants[owner] = asked(crowd, owner, NULL);
        level = water_level(wants, OWNERS_MAX, (double) limit);

        for (uint32_t owner = 0; owner < OWNERS_MAX; owner++) {
                uint64_t got = has(crowd, owner, NULL);

                if ((double) wants[owner] < level)
                        assert_int_equal(got, wants[owner]);
                else /* as near to it as whole files come */
                        assert_true((double) got > level - size_max);
                check_prefixes(crowd, owner, (double) wants[owner] < level ? (double) wants[owner] : level);
        }
}

static void check_random(unsigned size_max) {
        static Crowd crowd, again;

        for (unsigned round = 0; round < ROUNDS; round++) {
                uint64_t limit = random_below(200 * size_max);

                make_random(&crowd, size_max);
                crowd_admit(&crowd, limit);

                assert_true(crowd.used <= limit);
                for (size_t i = 0; i < crowd.count; i++) /* nothing that would fit is left out */
                        assert_true(crowd.is_in[i] || crowd.demands[i].size > limit - crowd.used);
                check_shares(&crowd, limit, size_max);

                /* The order in which they are met decides nothing. */
                again.count = 0;
                for (size_t i = crowd.count; i > 0; i--)
                        crowd_add(&again, crowd.demands[i - 1].owner, crowd.names[i - 1],
                                        crowd.demands[i - 1].size);
                crowd_admit(&again, limit);
                for (size_t i = 0; i < crowd.count; i++)
                        if (again.is_in[crowd.count - 1 - i] != crowd.is_in[i])
                                fail_msg("round %u: %s", round, crowd.names[i]);
        }
}

static void test_random_counts(_unused_ void **state) {
        check_random(1);
}

static void test_random_sizes(_unused_ void **state) {
        check_random(2);
        check_random(50);
        check_random(1000);
}

/* The first of the order stay. */
static void crowd_prune(Crowd *crowd, size_t count) {
        static Crowd kept;

        crowd_order(crowd);
        kept.count = 0;
        for (size_t i = 0; i < count && i < crowd->count; i++)
                crowd_add(&kept, crowd->order[i]->owner, crowd->order[i]->name, crowd->order[i]->size);
        crowd->count = 0;
        for (size_t i = 0; i < kept.count; i++)
                crowd_add(crowd, kept.demands[i].owner, kept.names[i], kept.demands[i].size);
}

/* What has no room among those met so far has none at the end: a crowd may be met in parts. */
static void test_in_parts(_unused_ void **state) {
        static Crowd whole, parts;
        enum { LIMIT = 20 };

        for (unsigned round = 0; round < ROUNDS; round++) {
                make_random(&whole, 1);
                parts.count = 0;
                for (size_t i = 0; i < whole.count; i++) {
                        crowd_add(&parts, whole.demands[i].owner, whole.names[i], 1);
                        if (parts.count == 2 * LIMIT)
                                crowd_prune(&parts, LIMIT);
                }
                crowd_prune(&parts, LIMIT);
                crowd_prune(&whole, LIMIT);

                assert_int_equal(parts.count, whole.count);
                for (size_t i = 0; i < whole.count; i++)
                        assert_string_equal(parts.names[i], whole.names[i]);
        }
}

static void test_a_crowd_of_one_prefix(_unused_ void **state) {
        static Crowd crowd;

        crowd.count = 0;
        crowd_add_many(&crowd, 0, "a", 256, 1);
        crowd_add(&crowd, 0, "log-fluentbit", 1);
        crowd_admit(&crowd, 256);
        assert_int_equal(has(&crowd, 0, "log"), 1);
        assert_int_equal(has(&crowd, 0, "a"), 255);
        assert_false(crowd.is_in[255]); /* the last by name */

        crowd.count = 0;
        crowd_add_many(&crowd, 0, "a", 8, 1 << 20);
        crowd_add(&crowd, 0, "log-fluentbit", 400);
        crowd_admit(&crowd, 8 << 20);
        assert_int_equal(has(&crowd, 0, "log"), 400);
        assert_int_equal(has(&crowd, 0, "a"), 7 << 20);
}

/* More prefixes are no more share: that is the owner's. */
static void test_a_crowd_of_one_owner(_unused_ void **state) {
        static Crowd crowd;
        char prefix[NAME_SIZE];

        crowd.count = 0;
        for (unsigned i = 0; i < 300; i++) {
                (void) snprintf(prefix, sizeof prefix, "a%u", i);
                crowd_add_many(&crowd, 1000, prefix, 1, 1);
        }
        crowd_add_many(&crowd, 0, "z", 100, 1);
        crowd_admit(&crowd, 150);
        assert_int_equal(has(&crowd, 1000, NULL), 75);
        assert_int_equal(has(&crowd, 0, NULL), 75);
        crowd_admit(&crowd, 256);
        assert_int_equal(has(&crowd, 1000, NULL), 156);
        assert_int_equal(has(&crowd, 0, NULL), 100);
}

static void test_empty(_unused_ void **state) {
        fair_order(NULL, 0);
        fair_sort(NULL, 0);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_random_counts),
                cmocka_unit_test(test_random_sizes),
                cmocka_unit_test(test_in_parts),
                cmocka_unit_test(test_a_crowd_of_one_prefix),
                cmocka_unit_test(test_a_crowd_of_one_owner),
                cmocka_unit_test(test_empty),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
