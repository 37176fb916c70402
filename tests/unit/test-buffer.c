/* SPDX-License-Identifier: MIT */
/* The growing buffer: it always ends in a NUL, keeps its memory, and is unchanged by what fails. */
#include "util/buffer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "test-memory.h"

static void assert_buffer(const Buffer *buffer, const char *expected) {
        assert_string_equal(buffer->data, expected);
        assert_int_equal(buffer->size, strlen(expected));
        assert_true(buffer->allocated > buffer->size);
}

static void test_append(void **state) {
        _cleanup_(buffer_done) Buffer buffer = {};

        (void) state;
        assert_int_equal(buffer_append(&buffer, "abc", 2), 0);
        assert_buffer(&buffer, "ab");
        assert_int_equal(buffer_append(&buffer, NULL, 0), 0);
        assert_int_equal(buffer_append_string(&buffer, ""), 0);
        assert_int_equal(buffer_append_string(&buffer, "cd"), 0);
        assert_int_equal(buffer_printf(&buffer, "%d-%s", 7, "x"), 0);
        assert_buffer(&buffer, "abcd7-x");

        /* Bytes are bytes. */
        assert_int_equal(buffer_append(&buffer, "\0z", 2), 0);
        assert_int_equal(buffer.size, 9);
        assert_memory_equal(buffer.data, "abcd7-x\0z", 10);
}

static void test_nothing(void **state) {
        _cleanup_(buffer_done) Buffer buffer = {};

        (void) state;
        buffer_clear(&buffer);
        assert_null(buffer.data);
        assert_int_equal(buffer_append_string(&buffer, ""), 0);
        assert_buffer(&buffer, "");

        buffer_done(&buffer);
        assert_null(buffer.data);
        assert_int_equal(buffer_printf(&buffer, "%s", ""), 0);
        assert_buffer(&buffer, "");
}

/* Across every border of its allocation. */
static void test_growth(void **state) {
        _cleanup_(buffer_done) Buffer buffer = {};

        (void) state;
        for (size_t i = 0; i < 5000; i++) {
                char byte = (char) ('a' + i % 26);

                if (i % 2 == 0)
                        assert_int_equal(buffer_append(&buffer, &byte, 1), 0);
                else
                        assert_int_equal(buffer_printf(&buffer, "%c", byte), 0);
                assert_int_equal(buffer.size, i + 1);
                assert_int_equal(buffer.data[i + 1], '\0');
        }
        for (size_t i = 0; i < buffer.size; i++)
                assert_int_equal(buffer.data[i], 'a' + i % 26);
}

static void test_large_printf(void **state) {
        _cleanup_(buffer_done) Buffer buffer = {};

        (void) state;
        assert_int_equal(buffer_printf(&buffer, "%*s|", 100000, "x"), 0);
        assert_int_equal(buffer.size, 100001);
        assert_int_equal(strlen(buffer.data), 100001);
        assert_string_equal(buffer.data + 99998, " x|");
}

static void test_clear_keeps_memory(void **state) {
        _cleanup_(buffer_done) Buffer buffer = {};
        const char *data;

        (void) state;
        assert_int_equal(buffer_printf(&buffer, "%*s", 1000, ""), 0);
        data = buffer.data;

        buffer_clear(&buffer);
        assert_buffer(&buffer, "");
        assert_int_equal(buffer_printf(&buffer, "%*s", 1000, ""), 0);
        assert_ptr_equal(buffer.data, data);
}

static void test_reserve(void **state) {
        _cleanup_(buffer_done) Buffer buffer = {};
        const char *data;

        (void) state;
        assert_int_equal(buffer_reserve(&buffer, 10000), 0);
        assert_buffer(&buffer, "");
        data = buffer.data;
        for (size_t i = 0; i < 10000; i++)
                assert_int_equal(buffer_append(&buffer, "x", 1), 0);
        assert_ptr_equal(buffer.data, data);
}

static void test_too_large(void **state) {
        static const size_t sizes[] = { SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 3, SIZE_MAX / 2,
                SIZE_MAX / 2 + 1 };
        _cleanup_(buffer_done) Buffer buffer = {};

        (void) state;
        assert_int_equal(buffer_append_string(&buffer, "abc"), 0);
        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                assert_int_equal(buffer_reserve(&buffer, sizes[i]), -ENOMEM);
                assert_buffer(&buffer, "abc");
        }
}

static void test_no_memory(void **state) {
        _cleanup_(buffer_done) Buffer buffer = {};

        (void) state;
        if (!memory_can_fail())
                skip();

        assert_int_equal(buffer_append_string(&buffer, "abc"), 0);
        for (int i = 0; i < 3; i++) {
                static char large[1000];
                int r;

                memset(large, 'x', sizeof large - 1);
                memory_fail_in = 1;
                if (i == 0)
                        r = buffer_append_string(&buffer, large);
                else if (i == 1)
                        r = buffer_printf(&buffer, "%s", large);
                else
                        r = buffer_reserve(&buffer, sizeof large);
                memory_fail_in = 0;

                assert_int_equal(r, -ENOMEM);
                assert_buffer(&buffer, "abc");
        }
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_append),
                cmocka_unit_test(test_nothing),
                cmocka_unit_test(test_growth),
                cmocka_unit_test(test_large_printf),
                cmocka_unit_test(test_clear_keeps_memory),
                cmocka_unit_test(test_reserve),
                cmocka_unit_test(test_too_large),
                cmocka_unit_test(test_no_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
