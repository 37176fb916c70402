/* The limits on health files: size of one, number and size of all, and how many are remembered at all. */
#include <stdio.h>

#include "health-scan.h"
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

static void test_file_size(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();

        (void) state;
        health_set_begin(set);
        see_size(set, "a-1.json", HEALTH_FILE_SIZE_MAX);
        see_size(set, "a-2.json", HEALTH_FILE_SIZE_MAX + 1);
        assert_true(health_set_end(set));
        assert_file(set, 0, HEALTH_OK, "");
        assert_int_equal(health_set_get(set, 0)->value_size, HEALTH_FILE_SIZE_MAX);
        assert_file(set, 1, HEALTH_TOO_LARGE, "larger than 1 MiB");
        assert_null(health_set_get(set, 1)->value);
}

/* The first in byte order are reported, in whatever order the directory has them. */
static void test_count(void **state) {
        static const size_t steps[] = { 1, 17, 299 }; /* forwards, mixed, backwards through 300 */

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(steps); i++) {
                _cleanup_(health_set_free_pointer) HealthSet *set = set_new();

                health_set_begin(set);
                for (size_t j = 0; j < HEALTH_FILES_MAX; j++)
                        see(set, numbered(j * steps[i] % 300), "0");
                assert_true(health_set_end(set));
                assert_int_equal(count_verdict(set, HEALTH_OK), HEALTH_FILES_MAX);

                health_set_begin(set);
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
        health_set_begin(set);
        for (size_t i = 0; i < HEALTH_FILES_MAX; i++)
                see(set, numbered(1000 + i), "0");
        for (size_t i = 0; i < 100; i++)
                see(set, numbered(i), "bad");
        assert_true(health_set_end(set));
        assert_int_equal(count_verdict(set, HEALTH_OK), HEALTH_FILES_MAX);
        assert_int_equal(count_verdict(set, HEALTH_INVALID), 100);
}

static void test_total(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();

        (void) state;
        health_set_begin(set);
        for (size_t i = 0; i < 8; i++)
                see_size(set, numbered(i), MIB);
        assert_true(health_set_end(set));
        assert_int_equal(count_verdict(set, HEALTH_OK), 8); /* 8 MiB to the byte */

        health_set_begin(set);
        for (size_t i = 0; i < 8; i++)
                see_size(set, numbered(i), MIB);
        see(set, numbered(8), "0");
        assert_false(health_set_end(set));
        assert_file(set, 8, HEALTH_TOO_LARGE, total_reason);
        assert_null(health_set_get(set, 8)->value);

        /* A large one that has no room leaves it to smaller ones. */
        health_set_begin(set);
        for (size_t i = 0; i < 7; i++)
                see_size(set, numbered(i), MIB);
        see_size(set, numbered(7), MIB - 1);
        see_size(set, numbered(8), MIB);
        see(set, numbered(9), "0");
        see(set, numbered(91), "0");
        assert_true(health_set_end(set));
        assert_file(set, 7, HEALTH_OK, "");
        assert_file(set, 8, HEALTH_TOO_LARGE, total_reason);
        assert_file(set, 9, HEALTH_OK, "");
        assert_file(set, 10, HEALTH_TOO_LARGE, total_reason);
        assert_false(health_set_wants_scan(set));
}

/* Much more than is reported, whatever comes first: the first in byte order get in. */
static void test_total_in_any_order(void **state) {
        static const size_t steps[] = { 1, 7, 39 };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(steps); i++) {
                _cleanup_(health_set_free_pointer) HealthSet *set = set_new();

                for (int scan = 0; scan < 2; scan++) {
                        health_set_begin(set);
                        for (size_t j = 0; j < 40; j++)
                                see_size(set, numbered(j * steps[i] % 40), MIB);
                        assert_int_equal(health_set_end(set), scan == 0);
                        assert_false(health_set_wants_scan(set));
                        for (size_t j = 0; j < 40; j++)
                                assert_int_equal(health_set_get(set, j)->verdict,
                                                j < 8 ? HEALTH_OK : HEALTH_TOO_LARGE);
                }
        }
}

/* What was left out is not kept in memory; it has to be read when there is room, and says so. */
static void test_room_again(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();
        static const HealthStamp stamp = { .size = 1 };

        (void) state;
        health_set_begin(set);
        for (size_t i = 0; i <= HEALTH_FILES_MAX; i++)
                see(set, numbered(i), "0");
        assert_true(health_set_end(set));
        assert_file(set, HEALTH_FILES_MAX, HEALTH_TOO_MANY, count_reason);

        /* No room as yet: nothing to do. */
        health_set_begin(set);
        for (size_t i = 0; i <= HEALTH_FILES_MAX; i++)
                assert_true(health_set_keep(set, numbered(i), &stamp));
        assert_false(health_set_end(set));
        assert_false(health_set_wants_scan(set));

        health_set_begin(set);
        for (size_t i = 1; i <= HEALTH_FILES_MAX; i++)
                assert_true(health_set_keep(set, numbered(i), &stamp));
        assert_true(health_set_end(set)); /* the first one went */
        assert_true(health_set_wants_scan(set));
        assert_file(set, HEALTH_FILES_MAX - 1, HEALTH_TOO_MANY, count_reason);

        health_set_begin(set);
        for (size_t i = 1; i < HEALTH_FILES_MAX; i++)
                assert_true(health_set_keep(set, numbered(i), &stamp));
        assert_false(health_set_keep(set, numbered(HEALTH_FILES_MAX), &stamp));
        see(set, numbered(HEALTH_FILES_MAX), "0");
        assert_true(health_set_end(set));
        assert_false(health_set_wants_scan(set));
        assert_int_equal(count_verdict(set, HEALTH_OK), HEALTH_FILES_MAX);
}

/* The same within one scan: given up early, and then another one turns out smaller. */
static void test_room_after_all(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();

        (void) state;
        health_set_begin(set);
        see(set, "a-bad.json", "x");
        for (size_t i = 0; i < 8; i++)
                see_size(set, numbered(i), MIB);
        see(set, "z-1.json", "0");
        see_size(set, numbered(7), 100);
        see(set, "z-2.json", "0");
        assert_true(health_set_end(set));
        assert_int_equal(health_set_count(set), 11);
        assert_file(set, 9, HEALTH_TOO_LARGE, total_reason);
        assert_file(set, 10, HEALTH_OK, "");
        assert_true(health_set_wants_scan(set));
        assert_false(health_set_keep(set, "z-1.json", &(HealthStamp){ .size = 1 }));

        /* The kept ones count as well when room is made early. */
        health_set_begin(set);
        for (size_t i = 0; i < 7; i++)
                assert_true(health_set_keep(set, numbered(i), &(HealthStamp){ .size = MIB }));
        for (size_t i = 20; i < 30; i++)
                see_size(set, numbered(i), MIB);
        see(set, "z-1.json", "0");
        assert_true(health_set_end(set));
        assert_int_equal(count_verdict(set, HEALTH_OK), 8);
        assert_file(set, 7, HEALTH_OK, "");
        assert_false(health_set_wants_scan(set));
}

/* The first in byte order are remembered, and the rest is only counted. */
static void test_entries(void **state) {
        enum { COUNT = 3 * HEALTH_ENTRIES_MAX };
        static const size_t steps[] = { 1, 1001, COUNT - 1 };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(steps); i++) {
                _cleanup_(health_set_free_pointer) HealthSet *set = set_new();

                for (int scan = 0; scan < 3; scan++) {
                        health_set_begin(set);
                        for (size_t j = 0; j < COUNT; j++)
                                see(set, numbered(j * steps[i] % COUNT), scan < 2 ? "0" : "bad");

                        assert_int_equal(health_set_overflow(set),
                                        scan == 0 ? 0 : COUNT - HEALTH_ENTRIES_MAX);
                        assert_int_equal(health_set_end(set), scan != 1);
                        assert_int_equal(health_set_count(set), HEALTH_ENTRIES_MAX);
                        assert_int_equal(health_set_overflow(set), COUNT - HEALTH_ENTRIES_MAX);
                        assert_false(health_set_wants_scan(set));
                        for (size_t j = 0; j < HEALTH_ENTRIES_MAX; j++)
                                assert_string_equal(health_set_get(set, j)->file_name, numbered(j));
                }
        }
}

/* Files beyond that are not even read. */
static void test_entries_kept(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();
        static const HealthStamp stamp = { .size = 1 };

        (void) state;
        health_set_begin(set);
        for (size_t i = 0; i < HEALTH_ENTRIES_MAX; i++) {
                assert_false(health_set_keep(set, numbered(i), &stamp));
                see(set, numbered(i), "0");
        }
        assert_true(health_set_keep(set, numbered(HEALTH_ENTRIES_MAX), &stamp));
        assert_int_equal(health_set_refuse(set, numbered(HEALTH_ENTRIES_MAX + 1), HEALTH_STALE, "old"), 0);
        assert_true(health_set_end(set));
        assert_int_equal(health_set_overflow(set), 2);

        /* One that makes room for a new one is reported no more, although it is met later. */
        health_set_begin(set);
        see(set, "a-first.json", "1");
        for (size_t i = 0; i < HEALTH_ENTRIES_MAX; i++)
                assert_true(health_set_keep(set, numbered(i), &stamp));
        assert_true(health_set_end(set));
        assert_int_equal(health_set_overflow(set), 1);
        assert_int_equal(health_set_count(set), HEALTH_ENTRIES_MAX);
        assert_string_equal(health_set_get(set, 0)->key, "a-first");

        /* Those that went away held places of others until the end. */
        health_set_begin(set);
        for (size_t i = HEALTH_ENTRIES_MAX; i < HEALTH_ENTRIES_MAX + 10; i++)
                assert_true(health_set_keep(set, numbered(i), &stamp));
        assert_true(health_set_end(set));
        assert_int_equal(health_set_count(set), 0);
        assert_true(health_set_wants_scan(set));

        health_set_begin(set);
        for (size_t i = HEALTH_ENTRIES_MAX; i < HEALTH_ENTRIES_MAX + 10; i++)
                assert_false(health_set_keep(set, numbered(i), &stamp));
        assert_false(health_set_end(set));
        assert_false(health_set_wants_scan(set));
}

/* A scan that made a reported file leave, and is then begun anew, has done nothing. */
static void test_entries_begun_anew(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new();

        (void) state;
        for (int scan = 0; scan < 3; scan++) {
                health_set_begin(set);
                for (size_t i = 0; i < HEALTH_ENTRIES_MAX; i++)
                        see(set, numbered(i), i < 1000 ? "bad" : "0");
                if (scan == 1)
                        for (size_t i = 0; i < 100; i++) {
                                char name[16];

                                (void) snprintf(name, sizeof name, "a-%zu.json", i);
                                see(set, name, "1");
                        }
                else
                        assert_int_equal(health_set_end(set), scan == 0);
        }
        assert_int_equal(count_verdict(set, HEALTH_OK), 24);
        assert_int_equal(health_set_overflow(set), 0);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_file_size),
                cmocka_unit_test(test_count),
                cmocka_unit_test(test_count_is_of_good_ones),
                cmocka_unit_test(test_total),
                cmocka_unit_test(test_total_in_any_order),
                cmocka_unit_test(test_room_again),
                cmocka_unit_test(test_room_after_all),
                cmocka_unit_test(test_entries),
                cmocka_unit_test(test_entries_kept),
                cmocka_unit_test(test_entries_begun_anew),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
