/* SPDX-License-Identifier: MIT */
/* What is JSON and what is not, where it goes wrong, and what is only cut off. */
#include "core/json-scan.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json-cases.h"
#include "util/buffer.h"
#include "util/text.h"

/* Scans a copy with nothing behind it, so that a sanitizer sees every byte that is read too far. */
static int scan_by(int (*scan_function)(const char *, size_t, JsonSlice *, JsonError *), const char *text,
                size_t size, JsonError *ret_error) {
        _cleanup_free_ char *copy = malloc(size > 0 ? size : 1);
        JsonSlice value = {};
        int r;

        assert_non_null(copy);
        memcpy(copy, text, size);

        r = scan_function(copy, size, &value, ret_error);
        if (r < 0) {
                assert_int_equal(r, -EBADMSG);
                assert_null(value.text);
        } else {
                assert_int_equal(r, 0);
                assert_true(value.text >= copy && value.text + value.size <= copy + size && value.size > 0);
        }
        return r;
}

static int scan(const char *text, size_t size, JsonError *ret_error) {
        return scan_by(json_scan, text, size, ret_error);
}

static int scan_portable(const char *text, size_t size, JsonError *ret_error) {
        return scan_by(json_scan_portable, text, size, ret_error);
}

static void test_accepted(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(json_accepted); i++)
                if (scan(json_accepted[i].text, json_accepted[i].size, NULL) < 0)
                        fail_msg("refused: %s", json_accepted[i].text);
}

static void test_refused(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(json_refused); i++) {
                const char *text = json_refused[i].text;
                JsonError error;

                if (scan(text, json_refused[i].size, &error) >= 0)
                        fail_msg("accepted: %s", text);
                if (error.offset != json_refused[i].offset)
                        fail_msg("%s: wrong at %zu, not at %zu", text, json_refused[i].offset, error.offset);
                assert_string_equal(error.reason, json_refused[i].reason);
                assert_int_equal(error.is_incomplete, streq(error.reason, END));
        }
}

static void repeat(Buffer *buffer, const char *piece, size_t count) {
        while (count-- > 0)
                assert_int_equal(buffer_append_string(buffer, piece), 0);
}

static void test_portable(void **state) {
        JsonError error;

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(json_portable); i++)
                if (scan_portable(json_portable[i].text, json_portable[i].size, &error) < 0)
                        fail_msg("refused: %s: %s", json_portable[i].text, error.reason);

        for (size_t i = 0; i < ELEMENTSOF(json_unportable); i++) {
                const char *text = json_unportable[i].text;

                assert_int_equal(scan(text, json_unportable[i].size, NULL), 0);
                if (scan_portable(text, json_unportable[i].size, &error) >= 0)
                        fail_msg("accepted: %s", text);
                if (error.offset != json_unportable[i].offset)
                        fail_msg("%s: wrong at %zu", text, error.offset);
                assert_string_equal(error.reason, json_unportable[i].reason);
                assert_false(error.is_incomplete);
        }

        /* What is no JSON has that reason, whatever stands before it. */
        for (size_t i = 0; i < ELEMENTSOF(json_refused); i++) {
                assert_int_equal(
                                scan_portable(json_refused[i].text, json_refused[i].size, &error), -EBADMSG);
                assert_string_equal(error.reason, json_refused[i].reason);
        }
        assert_int_equal(scan_portable(TEXT("[1e999, \"\\u0000\", "), &error), -EBADMSG);
        assert_true(error.is_incomplete);
}

/* Long numbers: what counts is how large they are. */
static void test_long_numbers(void **state) {
        static const struct {
                const char *before, *digit;
                size_t count;
                const char *after;
                bool is_portable;
        } cases[] = {
                { "", "7", 5000, "", false },
                { "-", "7", 5000, "", false },
                { "", "9", 308, "", true },
                { "1", "0", 308, "", true },
                { "2", "0", 308, "", false },
                { "17976931348623157", "0", 292, "", true },
                { "17976931348623159", "0", 292, "", false },
                { "", "9", 309, "", false },
                { "1", "0", 5000, "e-4800", true },
                { "0.", "0", 5000, "1e5300", true },
                { "0.", "0", 5000, "1e5310", false },
                { "3.", "1", 5000, "", true },
                { "3.", "1", 5000, "e308", false },
                { "1e", "0", 5000, "1", true },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(buffer_done) Buffer text = {};
                int r;

                repeat(&text, cases[i].before, 1);
                repeat(&text, cases[i].digit, cases[i].count);
                repeat(&text, cases[i].after, 1);

                assert_int_equal(scan(text.data, text.size, NULL), 0);
                r = scan_portable(text.data, text.size, NULL);
                if ((r >= 0) != cases[i].is_portable)
                        fail_msg("%s%s…%s: %d", cases[i].before, cases[i].digit, cases[i].after, r);
        }
}

static void test_portable_nesting(void **state) {
        (void) state;
        for (size_t levels = 55; levels < 65; levels++) {
                _cleanup_(buffer_done) Buffer arrays = {}, objects = {};
                JsonError error;

                repeat(&arrays, "[", levels);
                repeat(&arrays, "]", levels);
                repeat(&objects, "{\"a\":", levels - 1);
                repeat(&objects, "{}", 1);
                repeat(&objects, "}", levels - 1);

                assert_int_equal(scan_portable(arrays.data, arrays.size, &error),
                                levels <= 60 ? 0 : -EBADMSG);
                if (levels > 60) {
                        assert_int_equal(error.offset, 60);
                        assert_string_equal(error.reason, NOT_PORTABLE "nesting deeper than 60");
                }
                assert_int_equal(scan_portable(objects.data, objects.size, NULL),
                                levels <= 60 ? 0 : -EBADMSG);
        }
}

/* Whatever is cut off anywhere is incomplete, unless what is left is a whole text. */
static void test_incomplete(void **state) {
        static const char *const texts[] = {
                " \t\r\n {\"a\" : [ 1 , -2.5e+1 , true,false,null,\"\\u12aB\\n\xE4\xB8\xAD\xE4\xB8\xAD\"]}",
                "{\"a longer text\" : {} , \"\xC3\xA9\xF0\x9F\x98\x80\":[ ],\"b\\\\\":\"\",\"\":[[0]]}",
                "{\"x\" : { \"\" : {}}}",
                "[0.5,1E5,2e-5]",
                "true",
                "false",
                "null",
                "\"text\\\\\\ud83d\xC3\xA9\"",
        };
        /* Numbers alone: a shorter one is a number too. */
        static const char *const unfinished[] = { "", " ", "\n\n", "-", "1.", "-0.", "1e", "1E+", "1.5e-",
                "[", "{", "\"" };
        JsonError error;

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                size_t size = strlen(texts[i]);

                assert_int_equal(scan(texts[i], size, NULL), 0);
                for (size_t cut = 0; cut < size; cut++) {
                        if (scan(texts[i], cut, &error) >= 0)
                                fail_msg("accepted: %.*s", (int) cut, texts[i]);
                        if (!error.is_incomplete || error.offset != cut)
                                fail_msg("not incomplete: %.*s", (int) cut, texts[i]);
                        assert_string_equal(error.reason, "unexpected end");
                }
        }

        for (size_t i = 0; i < ELEMENTSOF(unfinished); i++) {
                assert_int_equal(scan(unfinished[i], strlen(unfinished[i]), &error), -EBADMSG);
                assert_true(error.is_incomplete);
        }

        assert_int_equal(json_scan(NULL, 0, &(JsonSlice){}, &error), -EBADMSG);
        assert_true(error.is_incomplete);
}

static void test_value_without_space(void **state) {
        static const char text[] = "\r\n\t  {\"a\": [1, 2] }\n \t";
        JsonSlice value;

        (void) state;
        assert_int_equal(json_scan(TEXT(text), &value, NULL), 0);
        assert_ptr_equal(value.text, text + 5);
        assert_int_equal(value.size, strlen("{\"a\": [1, 2] }"));
}

static void test_nesting(void **state) {
        static const struct {
                const char *open, *middle, *close;
                size_t per_piece; /* levels */
        } cases[] = {
                { "[", "", "]", 1 },
                { "[", "1", "]", 1 },
                { "{\"a\":", "{}", "}", 1 },
                { "[{\"a\":", "[]", "}]", 2 },
                { "[[{\"a\":{\"b\":", "null", "}}]]", 4 },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                size_t inner = cases[i].middle[0] == '{' || cases[i].middle[0] == '[';

                for (size_t levels = JSON_NESTING_MAX - 8; levels < JSON_NESTING_MAX + 8; levels++) {
                        _cleanup_(buffer_done) Buffer buffer = {};
                        size_t count = (levels - inner) / cases[i].per_piece;
                        JsonError error;
                        int r;

                        repeat(&buffer, cases[i].open, count);
                        repeat(&buffer, cases[i].middle, 1);
                        repeat(&buffer, cases[i].close, count);

                        r = scan(buffer.data, buffer.size, &error);
                        if (count * cases[i].per_piece + inner <= JSON_NESTING_MAX)
                                assert_int_equal(r, 0);
                        else {
                                assert_int_equal(r, -EBADMSG);
                                assert_string_equal(error.reason, "nesting deeper than 512");
                                assert_false(error.is_incomplete);
                        }
                }
        }
}

static void test_nesting_offset(void **state) {
        _cleanup_(buffer_done) Buffer buffer = {};
        JsonError error;

        (void) state;
        repeat(&buffer, "[", 100000); /* and no stack is used up on them */
        assert_int_equal(scan(buffer.data, buffer.size, &error), -EBADMSG);
        assert_int_equal(error.offset, JSON_NESTING_MAX);

        buffer_clear(&buffer);
        repeat(&buffer, "[[],", 10000); /* side by side is not deep */
        assert_int_equal(scan(buffer.data, JSON_NESTING_MAX * 4, &error), -EBADMSG);
        assert_false(error.is_incomplete); /* 512 are open, and one more inside */

        buffer_clear(&buffer);
        repeat(&buffer, "[", 1);
        repeat(&buffer, "[[]],", 10000);
        repeat(&buffer, "{}]", 1);
        assert_int_equal(scan(buffer.data, buffer.size, NULL), 0);
}

/* Each byte at each place in a string: the eight bytes that are looked at together hide none. */
static void test_every_byte_everywhere(void **state) {
        enum { LENGTH = 27 };

        (void) state;
        for (unsigned byte = 0; byte < 256; byte++)
                for (size_t place = 0; place < LENGTH; place++) {
                        bool is_good = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
                        bool is_escaping = byte == '\\';
                        char text[LENGTH + 2];
                        JsonError error;
                        int r;

                        memset(text, 'n', sizeof text); /* \n is a good escape */
                        text[0] = text[LENGTH + 1] = '"';
                        text[1 + place] = (char) byte;

                        r = scan(text, sizeof text, &error);
                        if (is_good || (is_escaping && place + 1 < LENGTH))
                                assert_int_equal(r, 0);
                        else if (is_escaping) {
                                assert_int_equal(r, -EBADMSG);
                                assert_true(error.is_incomplete);
                        } else {
                                assert_int_equal(r, -EBADMSG);
                                assert_int_equal(error.offset, byte == '"' ? place + 2 : place + 1);
                        }
                }
}

/* Whether these bytes, which are no whole text, may stand in a string. */
static bool is_string_content(const char *bytes, size_t size) {
        for (size_t i = 0; i < size; i++)
                if ((bytes[i] >= 0 && bytes[i] < 0x20) || bytes[i] == '"' || bytes[i] == '\\')
                        return false;
        return text_is_utf8(bytes, size);
}

/* The same answer as the plain decoder gives, for all that two bytes and the borders of more can be; alone,
 * and behind a character of three bytes, where the quick way is taken. */
static void test_utf8(void **state) {
        static const unsigned char third[] = { 0x00, 0x22, 0x7F, 0x80, 0x8F, 0xA0, 0xBF, 0xC0, 0xFF };
        static const char *const before[] = { "\"", "\"\xE4\xB8\xAD" };

        (void) state;
        for (unsigned i = 0x80 << 8; i < 0x100 << 8; i++)
                for (size_t j = 0; j < ELEMENTSOF(third); j++)
                        for (size_t k = 0; k < ELEMENTSOF(before); k++) {
                                char bytes[] = { (char) (i >> 8), (char) i, (char) third[j], (char) 0x80 };

                                for (size_t size = 2; size <= sizeof bytes; size++) {
                                        bool is_good = is_string_content(bytes, size);
                                        char text[16];
                                        char *end = stpcpy(text, before[k]);

                                        end = mempcpy(end, bytes, size);
                                        *end++ = '"';
                                        assert_int_equal(scan(text, (size_t) (end - text), NULL),
                                                        is_good ? 0 : -EBADMSG);
                                }
                        }
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_accepted),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_portable),
                cmocka_unit_test(test_long_numbers),
                cmocka_unit_test(test_portable_nesting),
                cmocka_unit_test(test_incomplete),
                cmocka_unit_test(test_value_without_space),
                cmocka_unit_test(test_nesting),
                cmocka_unit_test(test_nesting_offset),
                cmocka_unit_test(test_every_byte_everywhere),
                cmocka_unit_test(test_utf8),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
