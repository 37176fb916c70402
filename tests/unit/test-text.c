/* SPDX-License-Identifier: MIT */
/* Foreign text made safe to show, and the small helpers for strings. */
#include "util/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "test-memory.h"

#define TEXT(literal) (literal), sizeof(literal) - 1
#define WRONG "\xEF\xBF\xBD"    /* U+FFFD */
#define ELLIPSIS "\xE2\x80\xA6" /* U+2026 */

static void test_small_helpers(void **state) {
        (void) state;
        assert_true(streq("a", "a"));
        assert_false(streq("a", "b"));
        assert_true(streq_or_null(NULL, NULL));
        assert_false(streq_or_null(NULL, ""));
        assert_false(streq_or_null("", NULL));
        assert_true(streq_or_null("x", "x"));
        assert_true(isempty(NULL));
        assert_true(isempty(""));
        assert_false(isempty(" "));
        assert_string_equal(strempty(NULL), "");
        assert_string_equal(strempty("x"), "x");
}

static void test_duplicate(void **state) {
        _cleanup_free_ char *copy = NULL;
        char *none = (char *) "not touched";

        (void) state;
        assert_int_equal(text_duplicate("abc", &copy), 0);
        assert_string_equal(copy, "abc");
        assert_int_equal(text_duplicate(NULL, &none), 0);
        assert_null(none);
}

static void test_replace(void **state) {
        static const struct {
                const char *value;
                int result;
        } steps[] = {
                { NULL, 0 },
                { "a", 1 },
                { "a", 0 },
                { "b", 1 },
                { "", 1 },
                { "", 0 },
                { NULL, 1 },
                { NULL, 0 },
        };
        _cleanup_free_ char *text = NULL;

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(steps); i++) {
                assert_int_equal(text_replace(&text, steps[i].value), steps[i].result);
                assert_true(streq_or_null(text, steps[i].value));
        }
}

static void test_decode_utf8(void **state) {
        static const struct {
                const char *text;
                size_t size, length;
                uint32_t code_point;
        } cases[] = {
                { TEXT(""), 0, 0 },
                { TEXT("\0"), 1, 0 },
                { TEXT("A"), 1, 'A' },
                { TEXT("\x7F"), 1, 0x7F },
                { TEXT("\xC2\x80x"), 2, 0x80 },
                { TEXT("\xDF\xBF"), 2, 0x7FF },
                { TEXT("\xE0\xA0\x80"), 3, 0x800 },
                { TEXT("\xED\x9F\xBF"), 3, 0xD7FF },
                { TEXT("\xEE\x80\x80"), 3, 0xE000 },
                { TEXT("\xEF\xBF\xBF"), 3, 0xFFFF },
                { TEXT("\xF0\x90\x80\x80"), 4, 0x10000 },
                { TEXT("\xF4\x8F\xBF\xBF"), 4, 0x10FFFF },
                { TEXT("\x80"), 0, 0 },
                { TEXT("\xBF\x80"), 0, 0 },
                { TEXT("\xC0\x80"), 0, 0 },
                { TEXT("\xC1\xBF"), 0, 0 },
                { TEXT("\xC2"), 0, 0 },
                { TEXT("\xC2x"), 0, 0 },
                { TEXT("\xC2\xC2"), 0, 0 },
                { TEXT("\xE0\x9F\xBF"), 0, 0 },
                { TEXT("\xE4\xB8"), 0, 0 },
                { TEXT("\xE4x\xB8"), 0, 0 },
                { TEXT("\xE4\xB8x"), 0, 0 },
                { TEXT("\xED\xA0\x80"), 0, 0 },
                { TEXT("\xED\xBF\xBF"), 0, 0 },
                { TEXT("\xF0\x8F\xBF\xBF"), 0, 0 },
                { TEXT("\xF0\x9F\x98"), 0, 0 },
                { TEXT("\xF4\x90\x80\x80"), 0, 0 },
                { TEXT("\xF5\x80\x80\x80"), 0, 0 },
                { TEXT("\xF8\x88\x80\x80\x80"), 0, 0 },
                { TEXT("\xFE"), 0, 0 },
                { TEXT("\xFF"), 0, 0 },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                uint32_t code_point = 0;

                assert_int_equal(text_decode_utf8(cases[i].text, cases[i].size, &code_point),
                                cases[i].length);
                assert_int_equal(code_point, cases[i].code_point);
                if (cases[i].size > 0)
                        assert_int_equal(text_is_utf8(cases[i].text, cases[i].length > 0 ? cases[i].length
                                                                                         : cases[i].size),
                                        cases[i].length > 0);
        }
        assert_true(text_is_utf8("", 0));
        assert_true(text_is_utf8(TEXT("a\xC3\xA9\xE4\xB8\xAD\xF0\x9F\x98\x80z")));
        assert_false(text_is_utf8(TEXT("a\xC3\xA9\xE4\xB8")));
}

static void test_sanitize(void **state) {
        static const struct {
                const char *text;
                size_t size, max;
                const char *expected;
        } cases[] = {
                { TEXT(""), 10, "" },
                { TEXT("plain text"), 256, "plain text" },
                { TEXT("\x1B[31mred\x1B[0m\r\n\tand\0more\x7F"), 256, "[31mred[0mandmore" },
                { TEXT("C1\xC2\x80\xC2\x85\xC2\x9Fgone\xC2\xA0stays"), 256, "C1gone\xC2\xA0stays" },
                { TEXT("\xE4\xB8\xAD\xF0\x9F\x98\x80"), 256, "\xE4\xB8\xAD\xF0\x9F\x98\x80" },
                { TEXT("a\xFF\xC3z"), 256, "a" WRONG WRONG "z" },
                { TEXT("\xED\xA0\x80"), 256, WRONG WRONG WRONG },
                { TEXT("\xEF\xBF\xBE\xEF\xBF\xBF\xEF\xB7\x90\xEF\xB7\xAF"), 256, WRONG WRONG WRONG WRONG },
                { TEXT("\xF4\x8F\xBF\xBF\xF0\x9F\xBF\xBE"), 256, WRONG WRONG },
                { TEXT("\xEF\xB7\x8F\xEF\xB7\xB0\xEF\xBF\xBD"), 256, "\xEF\xB7\x8F\xEF\xB7\xB0" WRONG },
                { TEXT("\xE2\x80\xAEnwod edispu\xE2\x80\xAC"), 256, "nwod edispu" },
                { TEXT("a\xE2\x80\xA8"
                       "b\xE2\x80\xA9"
                       "c\xE2\x80\x8B"
                       "d\xEF\xBB\xBF"),
                                256, "abcd" },
                /* Cut between characters, the ellipsis counted in. */
                { TEXT("1234567890"), 10, "1234567890" },
                { TEXT("12345678901"), 10, "1234567" ELLIPSIS },
                { TEXT("1234"), 3, ELLIPSIS },
                { TEXT("123"), 3, "123" },
                { TEXT("12345"), 0, ELLIPSIS }, /* not below what the ellipsis needs */
                { TEXT("123456\xE4\xB8\xAD\xE4\xB8\xAD"), 10, "123456" ELLIPSIS },
                { TEXT("1234567\xE4\xB8\xAD"), 10, "1234567\xE4\xB8\xAD" },
                { TEXT("12345\xE4\xB8\xAD\xE4\xB8\xAD"), 10, "12345" ELLIPSIS },
                { TEXT("123456789\n\n\n0"), 10, "1234567890" },
                { TEXT("123456789\xFF"), 10, "1234567" ELLIPSIS },
                { TEXT("1234567890\n\n\n"), 10, "1234567890" },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *safe = text_sanitize(cases[i].text, cases[i].size, cases[i].max);

                assert_string_equal(safe, cases[i].expected);
        }
}

/* Whatever comes in, at whatever size: whole characters, and never more than there is room for. */
/* Every character that reorders, hides or breaks text, and its neighbours, which do not. */
static void test_hidden(void **state) {
        static const struct {
                uint32_t first, last;
        } hidden[] = { { 0x202A, 0x202E }, { 0x2066, 0x2069 }, { 0x2028, 0x2029 }, { 0x200B, 0x200F },
                { 0xFEFF, 0xFEFF }, { 0x61C, 0x61C }, { 0x2060, 0x2064 }, { 0xE0000, 0xE007F }, { 0, 0x1F },
                { 0x7F, 0x9F } };
        static const uint32_t shown[] = { ' ', '~', 0xA0, 0x61B, 0x61D, 0x200A, 0x2010, 0x2027, 0x202F,
                0x205F, 0x2070, 0xFEFE, 0xFFF8, 0xFFFD, 0xDFFFF, 0xE0080, 0x4E2D, 0x1F600 };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(hidden); i++)
                for (uint32_t c = hidden[i].first; c <= hidden[i].last; c++)
                        assert_true(text_is_hidden(c));
        for (size_t i = 0; i < ELEMENTSOF(shown); i++)
                assert_false(text_is_hidden(shown[i]));
}

static void test_sanitize_into(void **state) {
        static const char text[] = "a\xE4\xB8\xAD\xF0\x9F\x98\x80\xFF\x01 \xEF\xBF\xBF"
                                   "bcdef\xC2\x9Fgh\xE4";

        (void) state;
        for (size_t array_size = 4; array_size < 48; array_size++)
                for (size_t size = 0; size < sizeof text; size++) {
                        _cleanup_free_ char *array = malloc(array_size);

                        assert_non_null(array);
                        text_sanitize_into(array, array_size, text, size);
                        assert_true(strlen(array) < array_size);
                        assert_true(text_is_utf8(array, strlen(array)));
                }
}

static void test_escape(void **state) {
        static const struct {
                const char *text;
                size_t size, max;
                const char *expected;
        } cases[] = {
                { TEXT(""), 100, "" },
                { TEXT("log-x.json"), 100, "log-x.json" },
                { TEXT("a b~\\\x7F\n\0\xC3\xA9"), 100, "a b~\\x5c\\x7f\\x0a\\x00\\xc3\\xa9" },
                { TEXT("1234567890"), 10, "1234567890" },
                { TEXT("12345678901"), 10, "1234567" ELLIPSIS },
                { TEXT("12345\n7"), 10, "12345\\x0a7" },
                { TEXT("123456\n"), 10, "123456\\x0a" },
                { TEXT("1234567\n"), 10, "1234567" ELLIPSIS },
                { TEXT("123\n\n"), 10, "123\\x0a" ELLIPSIS },
                { TEXT("12345"), 0, ELLIPSIS },
                { TEXT("\n"), 3, ELLIPSIS },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *escaped = text_escape(cases[i].text, cases[i].size, cases[i].max);

                assert_string_equal(escaped, cases[i].expected);
        }
}

static void test_parse_unsigned(void **state) {
        static const struct {
                const char *text;
                uint64_t max;
                int result;
                uint64_t value;
        } cases[] = {
                { "0", 0, 0, 0 }, { "7", 9, 0, 7 }, { "007", 9, 0, 7 },
                { "4294967295", UINT32_MAX, 0, UINT32_MAX }, { "4294967296", UINT32_MAX, -ERANGE, 0 },
                { "18446744073709551615", UINT64_MAX, 0, UINT64_MAX },
                { "18446744073709551616", UINT64_MAX, -ERANGE, 0 },
                { "18446744073709551620", UINT64_MAX, -ERANGE, 0 },
                { "99999999999999999999999999", UINT64_MAX, -ERANGE, 0 }, { "1", 0, -ERANGE, 0 },
                { NULL, 9, -EINVAL, 0 }, { "", 9, -EINVAL, 0 }, { " 7", 9, -EINVAL, 0 },
                { "7 ", 9, -EINVAL, 0 }, { "+7", 9, -EINVAL, 0 }, { "-7", 9, -EINVAL, 0 },
                { "7.0", 9, -EINVAL, 0 }, { "0x7", 9, -EINVAL, 0 }, { "7e0", 9, -EINVAL, 0 },
                { "99999999999999999999999999x", 9, -EINVAL,
                                0 },           /* no number at all comes before too large */
                { "\xD9\xA7", 9, -EINVAL, 0 }, /* an Arabic seven */
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                uint64_t value = 0;

                assert_int_equal(text_parse_unsigned(cases[i].text, cases[i].max, &value), cases[i].result);
                assert_true(value == cases[i].value);
        }
}

static int duplicate(void) {
        _cleanup_free_ char *copy = NULL;

        return text_duplicate("abc", &copy);
}

static int replace(void) {
        static char *text;
        int r;

        r = text_replace(&text, "abc");
        assert_true(streq_or_null(text, r < 0 ? NULL : "abc"));
        free(TAKE_PTR(text));
        return r < 0 ? r : 0;
}

static int sanitize(void) {
        _cleanup_free_ char *safe = text_sanitize("abc", 3, 10);

        return safe ? 0 : -ENOMEM;
}

static int escape(void) {
        _cleanup_free_ char *escaped = text_escape("abc", 3, 10);

        return escaped ? 0 : -ENOMEM;
}

static void test_no_memory(void **state) {
        (void) state;
        memory_check(duplicate);
        memory_check(replace);
        memory_check(sanitize);
        memory_check(escape);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_small_helpers),
                cmocka_unit_test(test_duplicate),
                cmocka_unit_test(test_replace),
                cmocka_unit_test(test_decode_utf8),
                cmocka_unit_test(test_sanitize),
                cmocka_unit_test(test_hidden),
                cmocka_unit_test(test_sanitize_into),
                cmocka_unit_test(test_escape),
                cmocka_unit_test(test_parse_unsigned),
                cmocka_unit_test(test_no_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
