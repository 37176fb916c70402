/* SPDX-License-Identifier: MIT */
/* The limits on health files: size of one, number and size of all, and how many are remembered at all. */
#include <stdio.h>

#include "health-set-fixture.h"
#include "util/text.h"

enum { MIB = 1024 * 1024 };

static const char total_reason[] = "all files together are larger than 8 MiB";
static const char count_reason[] = "more than 256 files";

/* The scan reads a string of so many bytes, quotes included, in a file. */
static void see_size(HealthSet *set, const char *file_name, size_t size) {
        _cleanup_free_ char *text = malloc(size + 1);

        assert_non_null(text);
        memset(text, 'x', size);
        text[0] = text[size - 1] = '"';
        text[size] = '\0';
        see(set, file_name, text);
}

static const char *numbered(size_t number) {
        static char name[32];

        (void) snprintf(name, sizeof name, "n-%05zu.json", number);
        return name;
}

static size_t count_verdict(const HealthSet *set, HealthVerdict verdict) {
        size_t count = 0;

        for (size_t i = 0; i < health_set_count(set); i++)
                if (health_set_get(set, i)->verdict == verdict)
                        count++;
        return count;
}

/* Of one prefix the first in byte order are reported, in whatever order the directory has them. */
static void test_count(void **state) {
        static const size_t steps[] = { 1, 17, 299 }; /* forwards, mixed, backwards through 300 */

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(steps); i++) {
                _cleanup_(health_set_free_pointer) HealthSet *set = set_new();

                health_set_begin(set, false);
                for (size_t j = 0; j < HEALTH_FILES_MAX; j++)
                        see(set, numbered(j * steps[i] % 300), "0");
                assert_true(set_end(set));
                assert_int_equal(count_verdict(set, HEALTH_OK), HEALTH_FILES_MAX);

                health_set_begin(set, false);
                for (size_t j = 0; j < 300; j++)
                        see(set, numbered(j * steps[i] % 300), "0");
                (void) health_set_end(set);
                assert_int_equal(health_set_count(set), 300);
                for (size_t j = 0; j < 300; j++) {
                        assert_string_equal(health_set_get(set, j)->file_name, numbered(j));
                        if (j < HEALTH_FILES_MAX)
                                assert_file(set, j, HEALTH_OK, "");
                        else {
                                assert_file(set, j, HEALTH_TOO_MANY, count_reason);
                                assert_null(health_set_get(set, j)->value);
                        }
                }
        }
}

/* Those that could not be reported anyway take nobody's place. */
static void test_count_is_of_good_ones(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();

        (void) state;
        health_set_begin(set, false);
        for (size_t i = 0; i < HEALTH_FILES_MAX; i++)
                see(set, numbered(1000 + i), "0");
        for (size_t i = 0; i < 100; i++)
                see(set, numbered(i), "bad");
        assert_true(set_end(set));
        assert_int_equal(count_verdict(set, HEALTH_OK), HEALTH_FILES_MAX);
        assert_int_equal(count_verdict(set, HEALTH_INVALID), 100);
}

static void test_total(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();

        (void) state;
        health_set_begin(set, false);
        for (size_t i = 0; i < 8; i++)
                see_size(set, numbered(i), MIB);
        assert_true(set_end(set));
        assert_int_equal(count_verdict(set, HEALTH_OK), 8); /* 8 MiB to the byte */

        health_set_begin(set, false);
        for (size_t i = 0; i < 8; i++)
                see_size(set, numbered(i), MIB);
        see(set, numbered(8), "0");
        assert_false(set_end(set));
        assert_file(set, 8, HEALTH_TOO_LARGE, total_reason);
        assert_null(health_set_get(set, 8)->value);

        /* A large one that has no room leaves it to smaller ones. */
        health_set_begin(set, false);
        for (size_t i = 0; i < 7; i++)
                see_size(set, numbered(i), MIB);
        see_size(set, numbered(7), MIB - 1);
        see_size(set, numbered(8), MIB);
        see(set, numbered(9), "0");
        see(set, numbered(91), "0");
        assert_true(set_end(set));
        assert_file(set, 7, HEALTH_OK, "");
        assert_file(set, 8, HEALTH_TOO_LARGE, total_reason);
        assert_file(set, 9, HEALTH_OK, "");
        assert_file(set, 10, HEALTH_TOO_LARGE, total_reason);
        assert_null(next_wanted(set));
}

/* Gives what the set wants to have read again, all of that size. Returns how many there were. */
static size_t see_wanted(HealthSet *set, size_t size) {
        const char *name;
        size_t count = 0;

        for (; (name = next_wanted(set)); count++)
                see_size(set, name, size);
        (void) health_set_end(set);
        return count;
}

/* Much more of one prefix than is reported, whatever comes first: the first in byte order get in. */
static void test_total_in_any_order(void **state) {
        static const size_t steps[] = { 1, 7, 39 };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(steps); i++) {
                _cleanup_(health_set_free_pointer) HealthSet *set = set_new();

                for (int scan = 0; scan < 2; scan++) {
                        health_set_begin(set, false);
                        for (size_t j = 0; j < 40; j++)
                                see_size(set, numbered(j * steps[i] % 40), MIB);
                        (void) health_set_end(set);
                        assert_int_equal(see_wanted(set, MIB) > 0, scan == 0 && steps[i] != 1);
                        assert_null(next_wanted(set));
                        assert_int_equal(health_set_take_change(set), scan == 0);
                        for (size_t j = 0; j < 40; j++)
                                assert_int_equal(health_set_get(set, j)->verdict,
                                                j < 8 ? HEALTH_OK : HEALTH_TOO_LARGE);
                }
        }
}

/* What was left out is not kept in memory; it has to be read when there is room, and is asked for. */
static void test_room_again(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();
        static const HealthStamp stamp = { .size = 1 };

        (void) state;
        health_set_begin(set, false);
        for (size_t i = 0; i <= HEALTH_FILES_MAX; i++)
                see(set, numbered(i), "0");
        assert_true(set_end(set));
        assert_file(set, HEALTH_FILES_MAX, HEALTH_TOO_MANY, count_reason);

        /* No room as yet: nothing to do. */
        health_set_begin(set, false);
        for (size_t i = 0; i <= HEALTH_FILES_MAX; i++)
                assert_true(set_keep(set, numbered(i), &stamp));
        assert_false(set_end(set));
        assert_null(next_wanted(set));

        health_set_begin(set, false);
        for (size_t i = 1; i <= HEALTH_FILES_MAX; i++)
                assert_true(set_keep(set, numbered(i), &stamp));
        assert_true(set_end(set)); /* the first one went */
        assert_string_equal(next_wanted(set), numbered(HEALTH_FILES_MAX));
        assert_null(next_wanted(set));
        assert_file(set, HEALTH_FILES_MAX - 1, HEALTH_TOO_MANY, count_reason);

        /* Nobody gave it: it is read by the next scan. */
        health_set_begin(set, false);
        for (size_t i = 1; i < HEALTH_FILES_MAX; i++)
                assert_true(set_keep(set, numbered(i), &stamp));
        assert_false(set_keep(set, numbered(HEALTH_FILES_MAX), &stamp));
        see(set, numbered(HEALTH_FILES_MAX), "0");
        assert_true(set_end(set));
        assert_null(next_wanted(set));
        assert_int_equal(count_verdict(set, HEALTH_OK), HEALTH_FILES_MAX);
}

/* The same within one scan: its text was given up early, and then another one turns out smaller. */
static void test_room_after_all(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();

        (void) state;
        health_set_begin(set, false);
        see(set, "a-bad.json", "x");
        for (size_t i = 0; i < 8; i++)
                see_size(set, numbered(i), MIB);
        see(set, "n-91.json", "0");
        see_size(set, numbered(7), 100);
        assert_true(set_end(set));
        assert_int_equal(health_set_count(set), 10);
        assert_file(set, 9, HEALTH_TOO_LARGE, total_reason);
        assert_int_equal(see_wanted(set, 2),
                        2); /* that of the smaller one came when there was no room either */
        assert_int_equal(count_verdict(set, HEALTH_OK), 9);
        assert_true(health_set_take_change(set));

        /* The kept ones count as well. */
        health_set_begin(set, false);
        for (size_t i = 0; i < 7; i++)
                assert_true(set_keep(set, numbered(i), &(HealthStamp){ .size = MIB }));
        for (size_t i = 20; i < 30; i++)
                see_size(set, numbered(i), MIB);
        see(set, "n-91.json", "0");
        assert_true(set_end(set));
        assert_int_equal(count_verdict(set, HEALTH_OK), 8);
        assert_file(set, 7, HEALTH_OK, "");
        assert_null(next_wanted(set));
}

/* The scan meets files of this prefix, and as many that are misnamed. */
static void meet_many(HealthSet *set, const char *prefix, size_t count) {
        char name[64];

        for (size_t i = 0; i < count; i++) {
                (void) snprintf(name, sizeof name, "%s-%05zu.json", prefix, i);
                assert_non_null(meet(set, name, &(HealthStamp){ .size = 1 }));
                (void) snprintf(name, sizeof name, "%s%05zu.json", prefix, i);
                assert_non_null(meet(set, name, &(HealthStamp){ .size = 1 }));
        }
}

/* Of a crowd some are chosen before they are read; the others are counted until the next scan. */
static void test_crowd(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();

        (void) state;
        for (size_t scan = 0; scan < 4; scan++) {
                static const char *const prefixes[] = { "a", "b", "b",
                        "a" }; /* then all others than before */
                size_t n_files = HEALTH_ENTRIES_MAX + scan % 3 * 1000;
                HealthEntry *entry;

                health_set_begin(set, false);
                meet_many(set, prefixes[scan], n_files);
                see(set, "log-x.json", "1");
                health_set_choose(set);
                for (size_t i = 0; (entry = health_set_next(set, &i));)
                        see(set, entry->file.file_name, "0");
                (void) health_set_end(set);
                assert_int_equal(health_set_overflow(set), n_files + 1 - HEALTH_ENTRIES_MAX);
                assert_int_equal(health_set_count(set), HEALTH_LISTED_MAX);
                assert_int_equal(count_verdict(set, HEALTH_TOO_MANY), HEALTH_LISTED_MAX - HEALTH_FILES_MAX);
                assert_string_equal(health_set_get(set, HEALTH_LISTED_MAX - 1)->file_name, "log-x.json");
                assert_file(set, HEALTH_LISTED_MAX - 1, HEALTH_OK, "");
        }
}

/* However many names come and go while the directory is listed, the set has room. */
static void test_missed_crowd(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();

        (void) state;
        health_set_begin(set, false);
        see(set, "z-z.json", "1");
        for (size_t i = 0; i < 10000; i++)
                health_set_miss(set, meet(set, numbered(i), &(HealthStamp){}));
        assert_true(set_end(set));
        assert_int_equal(health_set_count(set), 1);
}

/* A file of this owner whose text has this size; a bad one if that is 0. */
static void see_of(HealthSet *set, uint32_t owner, const char *prefix, size_t number, size_t size) {
        _cleanup_free_ char *text = malloc(size + 2);
        HealthStamp stamp = { .size = size, .owner = owner };
        char name[64];

        assert_non_null(text);
        memset(text, '1', size + 1);
        text[size + 1] = '\0';
        if (size > 1) /* a string: a number of so many digits is not portable */
                text[0] = text[size - 1] = '"';
        (void) snprintf(name, sizeof name, "%s-%03zu.json", prefix, number);
        assert_int_equal(set_content(set, name, &stamp, HEALTH_OLD, size > 0 ? text : "x",
                                         size > 0 ? size : 1),
                        0);
}

/* How many of them are reported; all others must have this verdict and reason. */
static size_t count_of(const HealthSet *set, const char *prefix, HealthVerdict verdict, const char *reason) {
        size_t count = 0;

        for (size_t i = 0; i < health_set_count(set); i++) {
                const HealthFile *file = health_set_get(set, i);

                if (strncmp(file->file_name, prefix, strlen(prefix)) != 0)
                        continue;
                count += file->verdict == HEALTH_OK;
                if (file->verdict != HEALTH_OK)
                        assert_file(set, i, verdict, reason);
        }
        return count;
}

static void test_shares_of_prefixes(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();

        (void) state;
        for (int scan = 0; scan < 3; scan++) { /* the same directory has the same result */
                health_set_begin(set, false);
                for (size_t i = 0; i < 300; i++)
                        see_of(set, 0, "a", i, 1);
                see_of(set, 0, "log", 1, 1);
                assert_int_equal(set_end(set), scan == 0);
                assert_int_equal(health_set_take_listing_change(set), scan == 0);
                assert_int_equal(count_of(set, "log-", HEALTH_OK, ""), 1);
                assert_int_equal(count_of(set, "a-", HEALTH_TOO_MANY,
                                                 "256 files at most, 255 of them for this prefix"),
                                255);
                assert_file(set, 254, HEALTH_OK, "");
        }

        /* What takes no room makes none. */
        health_set_begin(set, false);
        for (size_t i = 0; i < 300; i++)
                see_of(set, 0, "a", i, 1);
        see_of(set, 0, "log", 1, 0);
        for (size_t i = 0; i < 100; i++)
                see_of(set, 1, "metric", i, 0);
        assert_true(set_end(set));
        assert_int_equal(count_of(set, "a-", HEALTH_TOO_MANY, count_reason), HEALTH_FILES_MAX);
}

static void test_shares_of_owners(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();

        (void) state;
        health_set_begin(set, false);
        for (size_t i = 0; i < 200; i++)
                see_of(set, 7, "a", i, 1);
        for (size_t i = 0; i < 200; i++)
                see_of(set, 7, "b", i, 1);
        for (size_t i = 0; i < 200; i++)
                see_of(set, 0, "log", i, 1);
        assert_true(set_end(set));
        assert_int_equal(count_of(set, "log-", HEALTH_TOO_MANY,
                                         "256 files at most, 128 of them for this owner"),
                        128);
        assert_int_equal(
                        count_of(set, "a-", HEALTH_TOO_MANY,
                                        "256 files at most, 128 of them for this owner, 64 for this prefix"),
                        64);
        assert_int_equal(count_verdict(set, HEALTH_OK), HEALTH_FILES_MAX);
}

static void see_log_and_metric(HealthSet *set) {
        see_of(set, 0, "log", 1, 1000);
        see_of(set, 0, "metric", 1, MIB / 2);
}

static void test_shares_of_bytes(void **state) {
        static const char reason[] = "8 MiB in all files at most, 7.0 MiB of them for this prefix";
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();

        (void) state;
        for (int scan = 0; scan < 2; scan++) {
                health_set_begin(set, false);
                for (size_t i = 0; i < 12; i++)
                        see_of(set, 0, "a", i, MIB);
                see_log_and_metric(set);
                (void) health_set_end(set);
                if (scan == 0) { /* their texts came when there was no room for them yet */
                        assert_string_equal(next_wanted(set), "log-001.json");
                        assert_string_equal(next_wanted(set), "metric-001.json");
                        see_log_and_metric(set);
                        (void) health_set_end(set);
                }
                assert_null(next_wanted(set));
                assert_int_equal(health_set_take_change(set), scan == 0);
                assert_int_equal(count_of(set, "log-", HEALTH_OK, ""), 1);
                assert_int_equal(count_of(set, "metric-", HEALTH_OK, ""), 1);
                assert_int_equal(count_of(set, "a-", HEALTH_TOO_LARGE, reason), 7);
        }
}

/* The places of files that are too large go to others, and so do the bytes of files that are too many. */
static void test_shares_of_both(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();

        (void) state;
        health_set_begin(set, false);
        for (size_t i = 0; i < 200; i++)
                see_of(set, 1, "a", i, 1);
        for (size_t i = 0; i < 200; i++)
                see_of(set, 2, "b", i, 100 * 1024);
        for (size_t i = 0; i < 100; i++)
                see_of(set, 3, "c", i, 1);
        (void) health_set_end(set);
        assert_int_equal(count_verdict(set, HEALTH_OK), HEALTH_FILES_MAX);
        assert_file(set, 200 + 81, HEALTH_TOO_LARGE,
                        "8 MiB in all files at most, 7.9 MiB of them for this owner");
        assert_file(set, 399, HEALTH_TOO_MANY, "256 files at most, 81 of them for this owner");
        assert_int_equal(
                        count_of(set, "a-", HEALTH_TOO_MANY, "256 files at most, 88 of them for this owner"),
                        88);
        assert_int_equal(
                        count_of(set, "c-", HEALTH_TOO_MANY, "256 files at most, 87 of them for this owner"),
                        87);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_count),
                cmocka_unit_test(test_count_is_of_good_ones),
                cmocka_unit_test(test_total),
                cmocka_unit_test(test_total_in_any_order),
                cmocka_unit_test(test_room_again),
                cmocka_unit_test(test_room_after_all),
                cmocka_unit_test(test_crowd),
                cmocka_unit_test(test_missed_crowd),
                cmocka_unit_test(test_shares_of_prefixes),
                cmocka_unit_test(test_shares_of_owners),
                cmocka_unit_test(test_shares_of_bytes),
                cmocka_unit_test(test_shares_of_both),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
