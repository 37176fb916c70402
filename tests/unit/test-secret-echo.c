/* SPDX-License-Identifier: MIT */
/* Whether a text repeats a secret, however it is spelled. */
#include "core/secret-echo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "test-memory.h"
#include "util/text.h"

static bool repeats(const char *text, const char *secret) {
        return secret_is_repeated(text, strlen(text), secret, SECRET_PART) == 1;
}

#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the formats are a table of this file */

/* Each byte is written by the format, in turn; the others as they are. */
static void test_spellings(void **state) {
        static const char *const secrets[] = { "s3cr3t/tok-en+1234", "a+/=&<\"b'%\\c@", "+/=&<\"+/=&<\"",
                "%2B%2F%3D\\u0041&amp;xyz", "Tr0ub4dor&3Horse", "\\\\\\\\\\\\\\\\\\\\" };
        static const char *const formats[] = { "%c", "\\u%04x", "\\u%04X", "\\x%02x", "\\%c", "%%%02x",
                "%%%02X", "&#%d;", "&#%05d;", "&#x%x;", "&#X%02X;", "%%25%02X", "&amp;#%d;", "&#38;#%d;",
                "\\\\u%04x", "\\u0026#%d;", "%%26%%23%d%%3B", "\\u005cu%04x", "%c\n", "%c\xE2\x80\x8B" };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(secrets); i++)
                for (size_t j = 0; j < ELEMENTSOF(formats); j++)
                        for (size_t step = 1; step <= 3; step++) {
                                char text[1024] = "no such token: ", *end = text + strlen(text);

                                for (size_t k = 0; secrets[i][k]; k++) {
                                        const char *format = k % step == 0 ? formats[j] : "%c";
                                        int c = (unsigned char) secrets[i][k];

                                        /* "\n" and its like are no way to write an n */
                                        if (strcmp(format, "\\%c") == 0 && strchr("bfnrtux", c))
                                                format = "%c";
                                        /* else it would not be escaped for its own format */
                                        if (k % step != 0 && strchr("%&\\", c))
                                                format = formats[j];
                                        end += snprintf(end, 32, format, c);
                                }
                                (void) strcpy(end, " (sorry)");
                                if (!repeats(text, secrets[i]))
                                        fail_msg("%s is shown by %s", secrets[i], text);
                        }
}

/* What is no escape in the one format is one in another: the secret may hold it. */
static void test_what_one_format_leaves_alone(void **state) {
        (void) state;
        assert_true(repeats("x: \\sR&gt;zo^-", "\\sR>zo^-"));
        assert_true(repeats("&amp;\\&amp;;l&amp;9", "&\\&;l&9"));
        assert_true(repeats("100%ab\\\"cd", "100%ab\"cd"));
}

static void test_names_of_html(void **state) {
        (void) state;
        assert_true(repeats("token: a&amp;b&lt;c&gt;d&quot;e", "a&b<c>d\"e"));
        assert_true(repeats("a&amp;amp;b&amp;lt;c&gt;d&quot;e", "a&b<c>d\"e"));
        assert_true(repeats("ab&apos;cd&#39;ef&plus;gh&equals;", "ab'cd'ef+gh="));
        assert_true(repeats("ab&sol;cd&commat;ef&percnt;gh", "ab/cd@ef%gh"));
}

static void test_parts(void **state) {
        static const char secret[] = "0123456789ABCDEF";

        (void) state;
        for (size_t from = 0; from + 8 <= strlen(secret); from++) {
                char text[64];

                (void) snprintf(text, sizeof text, "<%.8s>", secret + from);
                assert_true(repeats(text, secret));
                (void) snprintf(text, sizeof text, "<%.7s>", secret + from);
                assert_false(repeats(text, secret));
        }
        assert_true(repeats("it was 0123456789abcdef", secret));
        assert_true(repeats("01234\n56789", secret));
        assert_int_equal(secret_is_repeated("0123456789ABCDE", 15, secret, SECRET_WHOLE), 0);
        assert_int_equal(secret_is_repeated("0123456789ABCDEF", 16, secret, SECRET_WHOLE), 1);
}

static void test_others(void **state) {
        (void) state;
        assert_true(repeats("no token a/b", "a/b")); /* short: as a whole */
        assert_false(repeats("no token a/", "a/b"));
        assert_false(repeats("anything", NULL));
        assert_false(repeats("anything", ""));
        assert_false(repeats("", "secret"));
        assert_false(repeats("banana", "%41")); /* its decoded form is too short to be told from words */
        assert_false(repeats("502 Bad Gateway", "s3cr3t-Wq8.kf93hG_0123456789"));
        assert_false(repeats("%", "s3cr3t-Wq8"));
        assert_false(repeats("\\", "s3cr3t-Wq8"));
        assert_false(repeats("&", "s3cr3t-Wq8"));
        assert_false(repeats("&#;&#x;&;&unknown;\\u12\\x%4", "s3cr3t-Wq8"));
        assert_false(repeats("&#99999999999999999999;", "s3cr3t-Wq8"));
}

static int echo(void) {
        int r = secret_is_repeated("abc", 3, "abc", SECRET_PART);

        return r < 0 ? r : 0;
}

static void test_no_memory(void **state) {
        (void) state;
        memory_check(echo);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_spellings),
                cmocka_unit_test(test_what_one_format_leaves_alone),
                cmocka_unit_test(test_names_of_html),
                cmocka_unit_test(test_parts),
                cmocka_unit_test(test_others),
                cmocka_unit_test(test_no_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
