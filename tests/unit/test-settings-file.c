/* SPDX-License-Identifier: MIT */
/* Settings files as systemd reads them. tests/booted/test_check.py compares the same with the real thing. */
#include "core/settings-file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "test-memory.h"
#include "util/buffer.h"
#include "util/text.h"

#define TEXT(literal) (literal), sizeof(literal) - 1

/* One line for each call: "NUMBER NAME=VALUE" or "NUMBER !FAULT". */
static void write_down(const SettingsLine *line, void *userdata) {
        Buffer *buffer = userdata;
        int r;

        if (line->fault) {
                assert_null(line->name);
                assert_null(line->value);
                r = buffer_printf(buffer, "%u !%s\n", line->number, line->fault);
        } else
                r = buffer_printf(buffer, "%u %s=%s\n", line->number, line->name, line->value);
        assert_int_equal(r, 0);
}

static const struct {
        const char *text;
        size_t size;
        const char *expected;
} assignments[] = {
        { TEXT(""), "" },
        { TEXT("\n\n \t\r\n"), "" },
        { TEXT("# A=1\n; B=2\n  # C=3\n#"), "" },
        { TEXT("A=1"), "1 A=1\n" },
        { TEXT("A=1\n\nB=2\n"), "1 A=1\n3 B=2\n" },
        { TEXT("A=\nB=''\nC="), "1 A=\n2 B=\n3 C=\n" },
        { TEXT("A=1\nA=2\n"), "1 A=1\n2 A=2\n" },
        { TEXT("  A = y  \n"), "1 A=y\n" },
        { TEXT("A=b=c\n"), "1 A=b=c\n" },
        { TEXT("A=ops team\n"), "1 A=ops team\n" },
        { TEXT("A=http://h # ours\n"), "1 A=http://h # ours\n" },
        { TEXT("A=#x;y\n"), "1 A=#x;y\n" },
        { TEXT("A=a&touch /tmp/x; $(id) `id` $B\n"), "1 A=a&touch /tmp/x; $(id) `id` $B\n" },
        { TEXT("A=1\r\nB=2\r\n"), "1 A=1\n2 B=2\n" },
        { TEXT("A=1\rB=2\n"), "1 A=1\n1 B=2\n" },
        { TEXT("A=\"x y \" \n"), "1 A=x y \n" },
        { TEXT("A='x \\ \" y'\n"), "1 A=x \\ \" y\n" },
        { TEXT("A=\"a \\\" \\\\ \\$ \\` \\n\"\n"), "1 A=a \" \\ $ ` \\n\n" },
        { TEXT("A='a' \"b\"c d \n"), "1 A=abc d\n" },
        { TEXT("A=\"x\" # ours\n"), "1 A=x# ours\n" },
        { TEXT("A=it's \"so\"\n"), "1 A=it's \"so\"\n" },
        { TEXT("A=a\\b\\ \n"), "1 A=ab \n" },
        { TEXT("A=\\b c\n"), "1 A=b c\n" },
        { TEXT("A=a \\\n  b\nB=1\n"), "1 A=a   b\n3 B=1\n" },
        { TEXT("A=a \\\n"), "1 A=a \n" },
        { TEXT("A=a\\\r\nB=1\n"), "1 A=a\n2 B=1\n" },
        { TEXT("A=\"a\\\nb\"\nB=1\n"), "1 A=ab\n3 B=1\n" },
        { TEXT("A=\xC3\xA4\n# \xFF\n"), "1 A=\xC3\xA4\n" },
        { TEXT("# ends so \\\n\n# or \\\n# so \\\r\nA=1\n"), "5 A=1\n" },
};

static void test_assignments(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(assignments); i++) {
                _cleanup_(buffer_done) Buffer buffer = {};

                assert_int_equal(settings_file_read(assignments[i].text, assignments[i].size, write_down,
                                                 &buffer),
                                0);
                assert_string_equal(strempty(buffer.data), assignments[i].expected);
        }
}

/* The fault is given by its first words. */
static const struct {
        const char *text;
        size_t size;
        unsigned line;
        const char *fault, *assigned;
} faults[] = {
        { TEXT("A=1\nB=2\0\n"), 2, "NUL byte", "" },
        { TEXT("A=\xFF\nB=1\n"), 1, "not UTF-8", "2 B=1\n" },
        { TEXT("\xC4=1\nB=1\n"), 1, "not UTF-8", "2 B=1\n" },
        { TEXT("\xEF\xBB\xBF"
               "A=1\nB=1\n"),
                        1, "a byte order mark", "2 B=1\n" },
        { TEXT("\xEF\xBB\xBF# ours\nB=1\n"), 1, "a byte order mark", "2 B=1\n" },
        { TEXT("export A=1\nB=1\n"), 1, "\"export\" is shell", "2 B=1\n" },
        { TEXT("A=\"al\nB=1\n"), 1, "the quote is not closed", "1 A=al\nB=1\n\n" },
        { TEXT("A='al\nB=1\n"), 1, "the quote is not closed", "1 A=al\nB=1\n\n" },
        { TEXT("A=\"al"), 1, "the quote is not closed", "1 A=al\n" },
        { TEXT("A=\"al\\"), 1, "the quote is not closed", "1 A=al\n" },
        { TEXT("A=\"al\nB=\"1\"\n"), 1, "the quote is not closed", "1 A=al\nB=1\"\n" },
        { TEXT("# C:\\argus\\\nB=1\n"), 1, "the comment ends in a backslash", "2 B=1\n" },
        { TEXT("B=1\nA\n"), 2, "not an assignment", "1 B=1\n" },
        { TEXT("B=1\n[Service]"), 2, "not an assignment", "1 B=1\n" },
        { TEXT("B=1\n=A\n"), 2, "not an assignment", "1 B=1\n" },
        { TEXT("A: 1\nB=1\n"), 1, "not an assignment", "2 B=1\n" },
        { TEXT("==\nB=1\n"), 1, "invalid name", "2 B=1\n" },
        { TEXT("1A=1\nB=1\n"), 1, "invalid name", "2 B=1\n" },
        { TEXT("A-B=1\nB=1\n"), 1, "invalid name", "2 B=1\n" },
        { TEXT("A=\x1B[31m\nB=1\n"), 1, "the value contains a control", "2 B=1\n" },
};

static void check_fault(size_t i) {
        _cleanup_(buffer_done) Buffer buffer = {};
        char start[64], *found, *end;

        assert_int_equal(settings_file_read(faults[i].text, faults[i].size, write_down, &buffer), 0);
        (void) snprintf(start, sizeof start, "%u !%s", faults[i].line, faults[i].fault);
        found = strstr(strempty(buffer.data), start);
        if (!found)
                fail_msg("%s: %s", start, strempty(buffer.data));

        /* what remains without it */
        end = strchr(found, '\n') + 1;
        (void) memmove(found, end, strlen(end) + 1);
        assert_string_equal(buffer.data, faults[i].assigned);
}

static void test_faults(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(faults); i++)
                check_fault(i);
}

static void ignore_line(const SettingsLine *line, void *userdata) {
        (void) line;
        (void) userdata;
}

static int read_once(void) {
        return settings_file_read(TEXT("A=1\n"), ignore_line, NULL);
}

static void test_no_memory(void **state) {
        (void) state;
        memory_check(read_once);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_assignments),
                cmocka_unit_test(test_faults),
                cmocka_unit_test(test_no_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
