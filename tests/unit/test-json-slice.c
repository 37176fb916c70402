/* SPDX-License-Identifier: MIT */
/* Walking through objects, finding members by what their names say, decoding strings. */
#include "core/json-slice.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/json-scan.h"
#include "test-memory.h"
#include "util/macro.h"
#include "util/text.h"

static JsonSlice scan(const char *text) {
        JsonSlice value;

        assert_int_equal(json_scan(text, strlen(text), &value, NULL), 0);
        return value;
}

static void assert_slice(JsonSlice slice, const char *expected) {
        assert_int_equal(slice.size, strlen(expected));
        assert_memory_equal(slice.text, expected, slice.size);
}

static void test_type(void **state) {
        static const struct {
                const char *text;
                JsonType type;
        } cases[] = {
                { "{}", JSON_OBJECT },
                { "[]", JSON_ARRAY },
                { "\"\"", JSON_STRING },
                { "0", JSON_NUMBER },
                { " -1", JSON_NUMBER },
                { "9.5", JSON_NUMBER },
                { "true", JSON_BOOLEAN },
                { "false", JSON_BOOLEAN },
                { "null", JSON_NULL },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_int_equal(json_type(scan(cases[i].text)), cases[i].type);
}

static void test_walk(void **state) {
        static const struct {
                const char *object;
                const char *members[12]; /* name and value in turn */
        } cases[] = {
                { "{}", {} },
                { " { \n } ", {} },
                { "[1,2]", {} },
                { "\"{\"", {} },
                { "12", {} },
                { "{\"a\":1}", { "\"a\"", "1" } },
                { "{\"a\":-1.5e3,\"b\":true}", { "\"a\"", "-1.5e3", "\"b\"", "true" } },
                { " { \"a\" : 1 , \"b\" : null } ", { "\"a\"", "1", "\"b\"", "null" } },
                { "{\"a\":1\n,\"b\":2\t}", { "\"a\"", "1", "\"b\"", "2" } },
                { "{\"a\":{\"x\":[1,{\"y\":\"}\"}]},\"b\":[[],[{}]]}",
                                { "\"a\"", "{\"x\":[1,{\"y\":\"}\"}]}", "\"b\"", "[[],[{}]]" } },
                { "{\"a\":\"\\\"\\\\\",\"b\":\"}],{\"}", { "\"a\"", "\"\\\"\\\\\"", "\"b\"", "\"}],{\"" } },
                { "{\"\\\\\":\"\\\\\",\"\":\"\"}", { "\"\\\\\"", "\"\\\\\"", "\"\"", "\"\"" } },
                { "{\"a\":[ \"]\\\"]\" , 1 ],\"\xC3\xA9\":\"\xF0\x9F\x98\x80 \xE4\xB8\xAD long\"}",
                                { "\"a\"", "[ \"]\\\"]\" , 1 ]", "\"\xC3\xA9\"",
                                                "\"\xF0\x9F\x98\x80 \xE4\xB8\xAD long\"" } },
                { "{\"a\":1,\"a\":2}", { "\"a\"", "1", "\"a\"", "2" } },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                JsonSlice object = scan(cases[i].object), name, value;
                size_t position = 0;

                for (const char *const *member = cases[i].members; *member; member += 2) {
                        assert_int_equal(json_object_next(object, &position, &name, &value), 1);
                        assert_slice(name, member[0]);
                        assert_slice(value, member[1]);
                }

                /* At the end it stays there. */
                assert_int_equal(json_object_next(object, &position, &name, &value), 0);
                assert_int_equal(json_object_next(object, &position, &name, &value), 0);
        }
}

static void test_find(void **state) {
        static const struct {
                const char *object, *name, *value; /* NULL: not there */
        } cases[] = {
                { "{}", "a", NULL },
                { "[\"a\"]", "a", NULL },
                { "\"a\"", "a", NULL },
                { "{\"a\":1}", "a", "1" },
                { "{\"a\":1}", "b", NULL },
                { "{\"a\":1}", "", NULL },
                { "{\"\":1}", "", "1" },
                { "{\"ab\":1}", "a", NULL },
                { "{\"a\":1}", "ab", NULL },
                { "{\"a\":1,\"b\":2,\"a\":3}", "a", "3" },
                { "{\"a\":1,\"\\u0061\":2}", "a", "2" },
                { "{\"b\":{\"a\":1}}", "a", NULL },
                { "{\"meta\\u005fdata\":[]}", "meta_data", "[]" },
                { "{\"\\u4e2d\":1}", "\xE4\xB8\xAD", "1" },
                { "{\"\\ud83d\\ude00\":1}", "\xF0\x9F\x98\x80", "1" },
                { "{\"\xC3\xA9\":1}", "\xC3\xA9", "1" },
                { "{\"\\u00e9\":1}", "\xC3\xA9", "1" },
                { "{\"a\\u0000\":1}", "a", NULL },
                { "{\"\\ud800\":1}", "\xED\xA0\x80", NULL },
                { "{\"a\\/b\":1}", "a/b", "1" },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                JsonSlice value = {};

                if (json_object_find(scan(cases[i].object), cases[i].name, &value)) {
                        assert_non_null(cases[i].value);
                        assert_slice(value, cases[i].value);
                } else {
                        assert_null(cases[i].value);
                        assert_null(value.text);
                }
        }
}

static void test_equals_only_strings(void **state) {
        (void) state;
        assert_false(json_string_equals(scan("1"), ""));
        assert_false(json_string_equals(scan("[]"), ""));
        assert_false(json_string_equals(scan("true"), "ru"));
        assert_true(json_string_equals(scan("\"\""), ""));
}

static void test_decode(void **state) {
        static const struct {
                const char *string;
                int result;
                const char *decoded;
        } cases[] = {
                { "\"\"", 0, "" },
                { "\"A7\"", 0, "A7" },
                { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", 0, "\"\\/\b\f\n\r\t" },
                { "\"\\u0001\\u007f\\u0080\\u07ff\\u0800\\uffff\"", 0,
                                "\x01\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF" },
                { "\"\\ud7ff\\ue000\"", 0, "\xED\x9F\xBF\xEE\x80\x80" },
                { "\"\\uD800\\uDC00\\uDBFF\\uDFFF\"", 0, "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF" },
                { "\"\\u4E2d\xE6\x96\x87\\u00AbcD\"", 0,
                                "\xE4\xB8\xAD\xE6\x96\x87\xC2\xAB"
                                "cD" },
                { "\"\\u0000\"", -EILSEQ, NULL },
                { "\"a\\u0000b\"", -EILSEQ, NULL },
                { "\"\\ud800\"", -EILSEQ, NULL },
                { "\"\\udbff\"", -EILSEQ, NULL },
                { "\"\\udc00\"", -EILSEQ, NULL },
                { "\"\\udfff\"", -EILSEQ, NULL },
                { "\"\\udc00\\ud800\"", -EILSEQ, NULL },
                { "\"\\ud800\\ud800\\udc00\"", -EILSEQ, NULL },
                { "\"\\ud800\\u0041\"", -EILSEQ, NULL },
                { "\"\\ud800\\ue000\"", -EILSEQ, NULL },
                { "\"\\ud800\\n12345\"", -EILSEQ, NULL },
                { "\"\\ud800 long enough\"", -EILSEQ, NULL },
                { "\"\\ud800abc\"", -EILSEQ, NULL },
                { "1", -EINVAL, NULL },
                { "{\"a\":1}", -EINVAL, NULL },
                { "null", -EINVAL, NULL },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *decoded = NULL;

                assert_int_equal(json_string_decode(scan(cases[i].string), &decoded), cases[i].result);
                if (cases[i].decoded)
                        assert_string_equal(decoded, cases[i].decoded);
                else
                        assert_null(decoded);
        }
}

/* Every character that there is, through \u, is what it is in UTF-8. */
static void test_decode_all(void **state) {
        (void) state;
        for (uint32_t c = 1; c <= 0x10FFFF; c++) {
                _cleanup_free_ char *decoded = NULL;
                uint32_t code_point = 0;
                char text[16];

                if (c >= 0xD800 && c <= 0xDFFF)
                        continue;

                if (c < 0x10000)
                        (void) snprintf(text, sizeof text, "\"\\u%04x\"", (unsigned) c);
                else
                        (void) snprintf(text, sizeof text, "\"\\u%04X\\u%04X\"",
                                        (unsigned) (0xD800 + ((c - 0x10000) >> 10)),
                                        (unsigned) (0xDC00 + (c & 0x3FF)));

                assert_int_equal(json_string_decode(scan(text), &decoded), 0);
                assert_int_equal(text_decode_utf8(decoded, strlen(decoded), &code_point), strlen(decoded));
                assert_int_equal(code_point, c);
        }
}

static int decode(void) {
        _cleanup_free_ char *decoded = NULL;

        return json_string_decode((JsonSlice){ "\"text\"", 6 }, &decoded);
}

static void test_no_memory(void **state) {
        (void) state;
        memory_check(decode);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_type),
                cmocka_unit_test(test_walk),
                cmocka_unit_test(test_find),
                cmocka_unit_test(test_equals_only_strings),
                cmocka_unit_test(test_decode),
                cmocka_unit_test(test_decode_all),
                cmocka_unit_test(test_no_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
