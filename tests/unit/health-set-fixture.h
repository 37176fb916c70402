/* SPDX-License-Identifier: MIT */
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

#include "core/health-entry.h"
#include "core/health-set.h"
#include "util/buffer.h"
#include "util/macro.h"

DEFINE_CLEANUP(HealthSet *, health_set_free)

static HealthSet *set_new(void) {
        HealthSet *set = NULL;

        assert_int_equal(health_set_new(&set), 0);
        return set;
}

/* The scan meets the file; NULL if memory is out. */
static HealthEntry *meet(HealthSet *set, const char *file_name, const HealthStamp *stamp) {
        HealthEntry *entry = NULL;
        int r = health_set_meet(set, file_name, &entry);

        assert_true(r == 1 || r == -ENOMEM);
        if (r == 1)
                entry->seen = *stamp;
        return entry;
}

/* It has this text. */
static int set_content(HealthSet *set, const char *file_name, const HealthStamp *stamp, HealthAge age,
                const char *text, size_t size) {
        HealthEntry *entry = meet(set, file_name, stamp);
        char *copy = malloc(size + 1);

        if (!entry || !copy) {
                if (entry)
                        health_set_miss(set, entry);
                free(copy);
                return -ENOMEM;
        }
        memcpy(copy, text, size);
        return health_set_content(set, entry, age, copy, size);
}

/* It stays as it is if it is known with that stamp; returns whether it is. */
_unused_ static bool set_keep(HealthSet *set, const char *file_name, const HealthStamp *stamp) {
        HealthEntry *entry = meet(set, file_name, stamp);

        if (entry->is_trusted && health_stamp_equal(&entry->stamp, stamp))
                return true;
        health_set_miss(set, entry);
        return false;
}

_unused_ static int set_refuse(
                HealthSet *set, const char *file_name, HealthVerdict verdict, const char *reason) {
        HealthEntry *entry = meet(set, file_name, &(HealthStamp){});

        if (!entry)
                return -ENOMEM;
        health_set_refuse(set, entry, verdict, reason);
        return 0;
}

/* NULL: no more. */
_unused_ static const char *next_wanted(HealthSet *set) {
        HealthEntry *entry;

        for (size_t i = 0; (entry = health_set_next(set, &i));)
                if (entry->is_wanted) {
                        entry->is_wanted = false;
                        return entry->file.file_name;
                }
        return NULL;
}

/* Returns whether the scan changed what would be reported. */
_unused_ static bool set_end(HealthSet *set) {
        (void) health_set_end(set);
        return health_set_take_change(set);
}

/* What was logged, oldest first. */
typedef struct LogLine {
        char key[64];
        HealthVerdict verdict;
} LogLine;

static LogLine logged[2048];
static size_t n_logged;

_unused_ static void note_line(const HealthFile *file) {
        LogLine *line = &logged[n_logged++];

        assert_true(n_logged <= ELEMENTSOF(logged) && strlen(file->key) < sizeof line->key);
        strcpy(line->key, file->key);
        line->verdict = file->verdict;
}

/* Fills `logged`, by a log that said nothing before. Returns how many lines it had no room for. */
_unused_ static uint64_t log_all(HealthSet *set) {
        uint64_t n_left_out;
        LogCrowd crowd = {};

        n_logged = 0;
        health_set_log(set, &crowd, 0, note_line);
        n_left_out = log_crowd_summary(&crowd, 0);
        log_crowd_done(&crowd);
        return n_left_out;
}

_unused_ static void assert_logged(size_t index, const char *key, HealthVerdict verdict) {
        assert_true(index < n_logged);
        assert_string_equal(logged[index].key, key);
        assert_int_equal(logged[index].verdict, verdict);
}

/* The scan reads this text in the file, which is old enough. Its size is its stamp. */
static int see(HealthSet *set, const char *file_name, const char *text) {
        HealthStamp stamp = { .size = strlen(text) };
        int r;

        r = set_content(set, file_name, &stamp, HEALTH_OLD, text, strlen(text));
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
