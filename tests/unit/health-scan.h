/* Short words for tests that scan a health directory that is not there. */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/health-set.h"
#include "util/buffer.h"
#include "util/macro.h"

DEFINE_CLEANUP(HealthSet *, health_set_free)

static HealthSet *set_new(void) {
        HealthSet *set = NULL;

        assert_int_equal(health_set_new(&set), 0);
        return set;
}

/* health_set_content() with a copy of the text. */
static int set_content(HealthSet *set, const char *file_name, const HealthStamp *stamp, bool is_trusted,
                const char *text, size_t size) {
        char *copy = malloc(size + 1);

        if (!copy)
                return -ENOMEM;
        memcpy(copy, text, size);
        return health_set_content(set, file_name, stamp, is_trusted, copy, size);
}

/* What a log would be told that has room for everything. */
_unused_ static const HealthFile *next_change(HealthSet *set) {
        LogCrowd crowd = {};
        const HealthFile *file = health_set_next_change(set, &crowd, 0);

        log_crowd_done(&crowd);
        return file;
}

_unused_ static char *take_gone(HealthSet *set) {
        LogCrowd crowd = {};
        char *gone = health_set_take_gone(set, &crowd, 0);

        log_crowd_done(&crowd);
        return gone;
}

/* The scan reads this text in the file, which is old enough. Its size is its stamp. */
static int see(HealthSet *set, const char *file_name, const char *text) {
        HealthStamp stamp = { .size = strlen(text) };
        int r;

        r = set_content(set, file_name, &stamp, true, text, strlen(text));
        assert_true(r >= 0);
        return r;
}

_unused_ static void assert_file(
                const HealthSet *set, size_t index, HealthVerdict verdict, const char *reason) {
        const HealthFile *file = health_set_get(set, index);

        assert_int_equal(file->verdict, verdict);
        assert_string_equal(file->reason, reason);
}

_unused_ static void assert_report(const HealthSet *set, const char *more, const char *expected) {
        _cleanup_(buffer_done) Buffer buffer = {};

        assert_int_equal(health_set_splice(set, more, &buffer), 0);
        assert_string_equal(buffer.data, expected);
        assert_int_equal(buffer.size, strlen(expected));
}
