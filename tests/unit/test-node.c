/* SPDX-License-Identifier: MIT */
/* Node objects of all shapes: which ids are taken, where name and identity are read, what counts as
 * a change. */
#include "core/node.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test-memory.h"
#include "util/buffer.h"
#include "util/text.h"

DEFINE_CLEANUP(Node *, node_free)

#define X5 "xxxxx"
#define X50 X5 X5 X5 X5 X5 X5 X5 X5 X5 X5
#define X250 X50 X50 X50 X50 X50
#define X255 X250 X5
#define DIGITS_50 "12345678901234567890123456789012345678901234567890"
#define DIGITS_255 DIGITS_50 DIGITS_50 DIGITS_50 DIGITS_50 DIGITS_50 "12345"

static Node *parse(const char *text) {
        Node *node = NULL;

        assert_int_equal(node_parse(text, strlen(text), &node, NULL), 0);
        return node;
}

static void assert_string_or_null(const char *text, const char *expected) {
        if (expected)
                assert_string_equal(text, expected);
        else
                assert_null(text);
}

static void test_id(void **state) {
        static const struct {
                const char *text, *id, *id_json;
                bool is_integer;
        } cases[] = {
                { "{\"id\":\"A7\"}", "A7", "\"A7\"", false },
                { " { \"x\" : [ ] , \"id\" : \"A7\" } \n", "A7", "\"A7\"", false },
                { "{\"\\u0069d\":\"\\u00417\"}", "A7", "\"\\u00417\"", false },
                { "{\"id\":\"\\\\ \\\" \\/\"}", "\\ \" /", "\"\\\\ \\\" \\/\"", false },
                { "{\"id\":\"\xE4\xB8\xAD\"}", "\xE4\xB8\xAD", "\"\xE4\xB8\xAD\"", false },
                { "{\"id\":\"\\ud83d\\ude00\"}", "\xF0\x9F\x98\x80", "\"\\ud83d\\ude00\"", false },
                { "{\"id\":\"" X255 "\"}", X255, "\"" X255 "\"", false },
                { "{\"id\":\"\\u0078" X250 "xxxx\"}", X255, "\"\\u0078" X250 "xxxx\"", false },
                { "{\"id\":42}", "42", "42", true },
                { "{\"id\": 0 }", "0", "0", true },
                { "{\"id\":-1}", "-1", "-1", true },
                { "{\"id\":18446744073709551615}", "18446744073709551615", "18446744073709551615", true },
                { "{\"id\":9007199254740993}", "9007199254740993", "9007199254740993", true },
                { "{\"id\":" DIGITS_255 "}", DIGITS_255, DIGITS_255, true },
                { "{\"id\":\"42\"}", "42", "\"42\"", false },
                /* The last one counts. */
                { "{\"id\":null,\"id\":\"A7\"}", "A7", "\"A7\"", false },
                { "{\"id\":\"A6\",\"meta_data\":{\"id\":\"A5\"},\"id\":\"A7\"}", "A7", "\"A7\"", false },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(node_free_pointer) Node *node = parse(cases[i].text);

                assert_string_equal(node->id, cases[i].id);
                assert_string_equal(node->id_json, cases[i].id_json);
                assert_int_equal(node->id_is_integer, cases[i].is_integer);

                /* Whatever it is, it is kept as it came. */
                assert_int_equal(node->size, strlen(cases[i].text));
                assert_string_equal(node->text, cases[i].text);
        }
}

static void test_refused(void **state) {
        static const char neither[] = "the id is neither a string nor an integer",
                          control[] = "the id contains a control character",
                          hidden[] = "the id contains an invisible character or a noncharacter",
                          half[] = "the id holds U+0000 or half a surrogate pair",
                          too_long[] = "the id is longer than 255 bytes";
        static const struct {
                const char *text, *reason;
        } cases[] = {
                { "", "unexpected end at byte 0" },
                { "{\"id\":\"A7\"", "unexpected end at byte 10" },
                { "<html>", "a value is missing at byte 0" },
                { "{\"id\":01}", "leading zero in a number at byte 7" },
                { "{\"id\":\"A7\"} {}", "text behind the value at byte 12" },
                { "[]", "no JSON object" },
                { "\"A7\"", "no JSON object" },
                { "7", "no JSON object" },
                { "null", "no JSON object" },
                { "{}", "no id" },
                { "{\"ID\":\"A7\"}", "no id" },
                { "{\"meta_data\":{\"id\":\"A7\"}}", "no id" },
                { "{\"id\":\"\"}", "the id is empty" },
                { "{\"id\":\"" X255 "x\"}", too_long },
                { "{\"id\":" DIGITS_255 "6}", too_long },
                { "{\"id\":1.0}", neither },
                { "{\"id\":1e3}", neither },
                { "{\"id\":1E3}", neither },
                { "{\"id\":-0.5}", neither },
                { "{\"id\":null}", neither },
                { "{\"id\":true}", neither },
                { "{\"id\":{}}", neither },
                { "{\"id\":[\"A7\"]}", neither },
                { "{\"id\":\"A7\",\"id\":null}", neither },
                { "{\"id\":\"A\\n7\"}", control },
                { "{\"id\":\"\\u0001\"}", control },
                { "{\"id\":\"\\u001f\"}", control },
                { "{\"id\":\"\x7F\"}", control },
                { "{\"id\":\"\\u007f\"}", control },
                { "{\"id\":\"\\u0080\"}", control },
                { "{\"id\":\"\xC2\x9F\"}", control },
                { "{\"id\":\"A\\u202e7\"}", hidden },
                { "{\"id\":\"A7\xE2\x80\xAE\"}", hidden },
                { "{\"id\":\"\\u2066A7\"}", hidden },
                { "{\"id\":\"A7\\u2028\"}", hidden },
                { "{\"id\":\"A\\u200b7\"}", hidden },
                { "{\"id\":\"\\ufeffA7\"}", hidden },
                { "{\"id\":\"A\\uffff\"}", hidden },
                { "{\"id\":\"A\\ufdd0\"}", hidden },
                { "{\"id\":\"A\\udb40\\udc41\"}", hidden }, /* a tag */
                { "{\"id\":\"A\\u00007\"}", half },
                { "{\"id\":\"\\ud800\"}", half },
                { "{\"id\":\"\\udfff\"}", half },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *reason = NULL;
                Node *node = NULL;

                assert_int_equal(node_parse(cases[i].text, strlen(cases[i].text), &node, &reason), -EBADMSG);
                assert_null(node);
                assert_string_equal(reason, cases[i].reason);

                assert_int_equal(node_parse(cases[i].text, strlen(cases[i].text), &node, NULL), -EBADMSG);
        }

        assert_int_equal(node_parse(NULL, 0, &(Node *){ NULL }, NULL), -EBADMSG);
}

static void test_name(void **state) {
        static const struct {
                const char *text, *name;
        } cases[] = {
                { "{\"id\":1}", NULL },
                { "{\"id\":1,\"name\":\"dev-alice-web01\"}", "dev-alice-web01" },
                { "{\"id\":1,\"name\":\"a\\u002db\"}", "a-b" },
                { "{\"id\":1,\"name\":\"\"}", NULL },
                { "{\"id\":1,\"name\":7}", NULL },
                { "{\"id\":1,\"name\":null}", NULL },
                { "{\"id\":1,\"name\":\"a\\tb\"}", NULL },
                { "{\"id\":1,\"name\":\"\\ud800\"}", NULL },
                { "{\"id\":1,\"name\":\"" X250 "xxx\"}", X250 "xxx" },
                { "{\"id\":1,\"name\":\"" X250 "xxxx\"}", NULL },
                { "{\"id\":1,\"name\":\"a\",\"name\":\"b\"}", "b" },
                { "{\"id\":1,\"name\":\"a\",\"name\":0}", NULL },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(node_free_pointer) Node *node = parse(cases[i].text);

                assert_string_or_null(node->name, cases[i].name);
        }
}

#define TOP "\"env\":\"e1\",\"user\":\"u1\",\"instance\":\"i1\""
#define INNER "\"env\":\"e2\",\"user\":\"u2\",\"instance\":\"i2\""

static void test_identity(void **state) {
        static const struct {
                const char *members, *env, *user, *instance;
        } cases[] = {
                { "\"a\":0", NULL, NULL, NULL },
                { TOP, "e1", "u1", "i1" },
                { "\"meta_data\":{" INNER "}", "e2", "u2", "i2" },
                { TOP ",\"meta_data\":{" INNER "}", "e2", "u2", "i2" },
                { "\"meta_data\":{" INNER "}," TOP, "e2", "u2", "i2" },
                /* They are never mixed. */
                { "\"env\":\"e1\",\"meta_data\":{\"user\":\"u2\",\"instance\":\"i2\"}", NULL, NULL, NULL },
                { TOP ",\"meta_data\":{\"env\":\"e2\",\"user\":\"u2\"}", "e1", "u1", "i1" },
                { TOP ",\"meta_data\":{\"env\":\"e2\",\"instance\":\"i2\"}", "e1", "u1", "i1" },
                { TOP ",\"meta_data\":{\"user\":\"e2\",\"instance\":\"i2\"}", "e1", "u1", "i1" },
                { TOP ",\"meta_data\":{" INNER ",\"user\":\"\"}", "e1", "u1", "i1" },
                { TOP ",\"meta_data\":{" INNER ",\"user\":5}", "e1", "u1", "i1" },
                { TOP ",\"meta_data\":{" INNER ",\"user\":\"a\\nb\"}", "e1", "u1", "i1" },
                { TOP ",\"meta_data\":{" INNER ",\"user\":\"\\ud800\"}", "e1", "u1", "i1" },
                { TOP ",\"meta_data\":{" INNER ",\"user\":\"" X255 "x\"}", "e1", "u1", "i1" },
                { TOP ",\"meta_data\":{" INNER ",\"user\":\"" X255 "\"}", "e2", X255, "i2" },
                { TOP ",\"meta_data\":["
                      "{" INNER "}]",
                                "e1", "u1", "i1" },
                { TOP ",\"meta_data\":\""
                      "x"
                      "\"",
                                "e1", "u1", "i1" },
                { TOP ",\"meta_data\":null", "e1", "u1", "i1" },
                { "\"meta_data\":{" INNER "},\"meta_data\":{}", NULL, NULL, NULL },
                { "\"meta_data\":{\"meta_data\":{" INNER "}}", NULL, NULL, NULL },
                { TOP ",\"user\":null", NULL, NULL, NULL },
                { "\"env\":\"\\u4e2d\",\"user\":\"u 1\",\"instance\":\"-\"", "\xE4\xB8\xAD", "u 1", "-" },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(buffer_done) Buffer text = {};
                _cleanup_(node_free_pointer) Node *node = NULL;

                assert_int_equal(buffer_printf(&text, "{\"id\":1,%s}", cases[i].members), 0);
                node = parse(text.data);
                assert_string_or_null(node->env, cases[i].env);
                assert_string_or_null(node->user, cases[i].user);
                assert_string_or_null(node->instance, cases[i].instance);
        }
}

static void test_same(void **state) {
        static const struct {
                const char *a, *b;
                bool is_same_id, is_same_identity;
        } cases[] = {
                { "{\"id\":\"A7\"}", "{\"id\":\"A7\"}", true, true },
                { "{\"id\":\"A7\"}", "{ \"seen\":5, \"id\" : \"\\u00417\"}", true, true },
                { "{\"id\":42}", "{\"id\":42}", true, true },
                { "{\"id\":42}", "{\"id\":\"42\"}", false, false },
                { "{\"id\":42}", "{\"id\":43}", false, false },
                { "{\"id\":9007199254740993}", "{\"id\":9007199254740992}", false, false },
                { "{\"id\":\"a\"}", "{\"id\":\"A\"}", false, false },
                { "{\"id\":1,\"name\":\"a\"}", "{\"name\":\"a\",\"id\":1}", true, true },
                { "{\"id\":1,\"name\":\"a\"}", "{\"id\":1,\"name\":\"b\"}", true, false },
                { "{\"id\":1,\"name\":\"a\"}", "{\"id\":1}", true, false },
                { "{\"id\":1," TOP "}", "{\"id\":1,\"meta_data\":{" TOP "}}", true, true },
                { "{\"id\":1," TOP "}", "{\"id\":1," TOP ",\"env\":\"x\"}", true, false },
                { "{\"id\":1," TOP "}", "{\"id\":1," TOP ",\"user\":\"x\"}", true, false },
                { "{\"id\":1," TOP "}", "{\"id\":1," TOP ",\"instance\":\"x\"}", true, false },
                { "{\"id\":1," TOP "}", "{\"id\":1}", true, false },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(node_free_pointer) Node *a = parse(cases[i].a), *b = parse(cases[i].b);

                assert_int_equal(node_same_id(a, b), cases[i].is_same_id);
                assert_int_equal(node_same_id(b, a), cases[i].is_same_id);
                assert_int_equal(node_same_identity(a, b), cases[i].is_same_identity);
                assert_int_equal(node_same_identity(b, a), cases[i].is_same_identity);
        }
}

static void test_freed(void **state) {
        (void) state;
        assert_null(node_free(NULL));
        assert_null(node_free(parse("{\"id\":1}")));
}

static int parse_good(void) {
        _cleanup_(node_free_pointer) Node *node = NULL;
        static const char text[] = "{\"id\":\"A7\",\"name\":\"n\",\"meta_data\":{" INNER "}}";

        return node_parse(text, strlen(text), &node, NULL);
}

static int parse_integer(void) {
        _cleanup_(node_free_pointer) Node *node = NULL;
        static const char text[] = "{\"id\":7}";

        return node_parse(text, strlen(text), &node, NULL);
}

static int parse_bad(void) {
        _cleanup_free_ char *reason = NULL;
        Node *node;
        int r;

        r = node_parse("{\"id\":\"\"}", 9, &node, &reason);
        return r == -EBADMSG ? 0 : r;
}

static void test_no_memory(void **state) {
        (void) state;
        memory_check(parse_good);
        memory_check(parse_integer);
        memory_check(parse_bad);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_id),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_name),
                cmocka_unit_test(test_identity),
                cmocka_unit_test(test_same),
                cmocka_unit_test(test_freed),
                cmocka_unit_test(test_no_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
