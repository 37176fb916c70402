/* SPDX-License-Identifier: MIT */
/* Widths of text on a terminal, and where its lines break. */
#include "ctl/terminal.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <locale.h>

#include <cmocka.h>

#include "util/macro.h"

static void test_columns(void **state _unused_) {
        static const struct {
                const char *text;
                unsigned columns;
        } table[] = {
                { "", 0 }, { "plain", 5 }, { "é…●", 3 }, { "数据库", 6 },
                { "e\xCC\x81", 1 },                                  /* a combining accent */
                { "\033[0;1;32monline\033[0m", 6 }, { "\033[0", 0 }, /* cut short */
                { "\033", 1 },                                       /* no colour */
                { "a\xFFz", 3 },                                     /* no UTF-8 */
                { "\xE6\x95", 2 },                                   /* half a character */
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                assert_int_equal(text_columns(table[i].text), table[i].columns);
}

static char *wrapped(const char *text, unsigned indent, unsigned width) {
        char *written = NULL;
        size_t size;
        FILE *out = open_memstream(&written, &size);

        assert_non_null(out);
        text_wrap(out, text, indent, width);
        assert_int_equal(fclose(out), 0);
        return written;
}

static void test_wrap(void **state _unused_) {
        static const struct {
                const char *text;
                unsigned indent, width;
                const char *lines;
        } table[] = {
                { "", 0, 20, "" },
                { "words that fit", 4, 20, "words that fit" },
                { "words that just fit", 1, 20, "words that just fit" },
                { "words that do not fit", 0, 20, "words that do not\nfit" },
                { "words that do not fit", 2, 20, "words that do not\n  fit" },
                /* all in one line */
                { "words that do not fit", 2, NO_WIDTH, "words that do not fit" },
                { "words that do not fit", 10, 20, "words that do not fit" },
                /* several spaces are kept within a line, and go with its end */
                { "two  spaces   three", 0, 20, "two  spaces   three" },
                { "two spaces at the   end of it", 0, 20, "two spaces at the\nend of it" },
                /* a word that no line has room for */
                { "see https://example.com/a/b/c now", 0, 20, "see\nhttps://example.com/\na/b/c now" },
                { "1234567890123456789012345", 2, 20, "123456789012345678\n  9012345" },
                /* between wide characters, and not through one */
                { "数据库维护中请稍后再试", 0, 20, "数据库维护中请稍后再\n试" },
                { "数据库维护中请稍后再试", 1, 20, "数据库维护中请稍后\n 再试" },
                { "words 数据库维护中请", 0, 20, "words 数据库维护中请" },
                { "words and 数据库维护中请", 0, 20, "words and 数据库维护\n中请" },
                /* colours take no room, and stay with their word */
                { "\033[31mwords\033[0m that just fi", 0, 20, "\033[31mwords\033[0m that just fi" },
                { "words that do not \033[31mfit\033[0m", 0, 20, "words that do not\n\033[31mfit\033[0m" },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _cleanup_free_ char *lines = wrapped(table[i].text, table[i].indent, table[i].width);

                assert_string_equal(lines, table[i].lines);
        }
}

static void test_pad(void **state _unused_) {
        _cleanup_free_ char *written = NULL;
        size_t size;
        FILE *out = open_memstream(&written, &size);

        assert_non_null(out);
        text_pad(out, "a", 3);
        text_pad(out, "数", 3);
        text_pad(out, "long", 3);
        assert_int_equal(fclose(out), 0);
        assert_string_equal(written, "a  数 long ");
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_columns),
                cmocka_unit_test(test_wrap),
                cmocka_unit_test(test_pad),
        };

        (void) setlocale(LC_CTYPE, "C.UTF-8");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
