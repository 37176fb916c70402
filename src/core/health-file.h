/* SPDX-License-Identifier: MIT */
/* One health file as it is reported, or not: what makes its name a key, and the verdicts. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "util/time-util.h"

enum {
        HEALTH_KEY_MAX = 128,
        HEALTH_FILE_SIZE_MAX = 1024 * 1024,

        /* of all files together */
        HEALTH_FILES_MAX = 256,
        HEALTH_TOTAL_MAX = 8 * 1024 * 1024,
        HEALTH_ENTRIES_MAX = 1024, /* remembered with a verdict, good and bad; more are only counted */
        HEALTH_MISNAMED_MAX = 32,  /* those beside */
        HEALTH_LISTED_MAX = HEALTH_ENTRIES_MAX + HEALTH_MISNAMED_MAX,
};

typedef enum HealthVerdict {
        HEALTH_OK,
        HEALTH_INVALID,
        HEALTH_TOO_LARGE,
        HEALTH_TOO_MANY,
        HEALTH_UNREADABLE,
        HEALTH_STALE,
        HEALTH_GONE, /* only for the log: there is no such file any more */
} HealthVerdict;

/* What stat says of a file's content; equal stamps that are not too young mean equal content. */
typedef struct HealthStamp {
        uint64_t device, inode, size;
        usec_t modified_usec, changed_usec;
        uint64_t owner;
} HealthStamp;

static inline bool health_stamp_equal(const HealthStamp *a, const HealthStamp *b) {
        return memcmp(a, b, sizeof *a) == 0; /* it has no padding */
}

typedef struct HealthFile {
        char *file_name;  /* as in the directory */
        char *key;        /* what the report and D-Bus call it; an invalid name is escaped */
        bool is_misnamed; /* a HEALTH_NAME_MISNAMED; `key` is the whole name then */
        HealthVerdict verdict;
        const char *reason; /* empty for HEALTH_OK */
        char *value;        /* the checked JSON text, without white space around; NULL unless HEALTH_OK */
        size_t value_size;
} HealthFile;

/* What a directory entry's name makes it. */
typedef enum HealthName {
        HEALTH_NAME_OTHER,    /* hidden, or not meant as a health file: it does not end in .json */
        HEALTH_NAME_GOOD,     /* <prefix>-<rest>.json */
        HEALTH_NAME_BAD_KEY,  /* of that form, but with a bad key: characters, length, `systemd-` */
        HEALTH_NAME_MISNAMED, /* probably meant as one: disk.json, log-x.JSON */
} HealthName;

/* Of a HEALTH_NAME_BAD_KEY or HEALTH_NAME_MISNAMED, *ret_reason is set to static words. */
HealthName health_name_check(const char *file_name, const char **ret_reason);

/* As on D-Bus: ok, invalid, too-large, too-many, unreadable, stale. */
const char *health_verdict_to_string(HealthVerdict verdict);
