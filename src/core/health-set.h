/* The health files as the report and D-Bus show them: names, limits, verdicts, and the checked text of each.
 * Files that did not change keep their checked text, so that they are neither read nor checked again. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buffer.h"
#include "util/time-util.h"

enum {
        HEALTH_KEY_MAX = 128,
        HEALTH_FILE_SIZE_MAX = 1024 * 1024,
        HEALTH_FILES_MAX = 256,
        HEALTH_TOTAL_MAX = 8 * 1024 * 1024,
        HEALTH_ENTRIES_MAX = 1024, /* remembered with a verdict, good and bad; more are only counted */
};

typedef enum HealthVerdict {
        HEALTH_OK,
        HEALTH_INVALID,
        HEALTH_TOO_LARGE,
        HEALTH_TOO_MANY,
        HEALTH_UNREADABLE,
        HEALTH_STALE,
} HealthVerdict;

/* What stat says of a file's content; equal stamps that are not too young mean equal content. */
typedef struct HealthStamp {
        uint64_t device, inode, size;
        usec_t modified_usec, changed_usec;
} HealthStamp;

typedef struct HealthFile {
        char *file_name; /* as in the directory */
        char *key;       /* what the report and D-Bus call it; an invalid name is escaped */
        HealthVerdict verdict;
        char *reason; /* empty for HEALTH_OK */
        char *value;  /* the checked JSON text, without white space around; NULL unless it may be reported */
        size_t value_size;
        HealthStamp stamp;
        bool stamp_is_trusted; /* the file was old enough when it was read */
        bool is_incomplete;    /* the text ended too early: it may be half-written */
        bool is_seen;          /* in the scan that is under way */
        bool is_said;          /* the present verdict was handed out by health_set_next_change() */
        HealthVerdict said_verdict;
} HealthFile;

typedef struct HealthSet HealthSet;

int health_set_new(HealthSet **ret);
HealthSet *health_set_free(HealthSet *set);

/* What a directory entry's name makes it. 0: no health file (hidden, or not named <prefix>-<rest>.json). 1:
 * one. -EINVAL: one by its form, but with a key that cannot be used (characters, length, `systemd-`),
 * *ret_reason set to static words. */
int health_name_check(const char *file_name, const char **ret_reason);

/* A scan: begin; then for every health file of the directory in any order one of the three below; then end,
 * which drops the files that are gone, and applies the limits on count and size in byte order of names.
 *
 * health_set_keep() returns true if the file is known with this stamp and may stay as it is: nothing more to
 * do for it. */
void health_set_begin(HealthSet *set);
bool health_set_keep(HealthSet *set, const char *file_name, const HealthStamp *stamp);
/* The file's content: checked here. `text` is copied where valid. `is_trusted`: see HealthFile. Returns 1 if
 * it looks half-written, 0 otherwise, or -ENOMEM. */
int health_set_content(HealthSet *set, const char *file_name, const HealthStamp *stamp, bool is_trusted,
                const char *text, size_t size);
/* The file has no content that may be used. `reason` is copied. Returns 0 or -ENOMEM. */
int health_set_refuse(HealthSet *set, const char *file_name, HealthVerdict verdict, const char *reason);
/* Returns true if what would be reported differs from the end of the last scan. */
bool health_set_end(HealthSet *set);

/* Appends the whole `health` object of the report: {"key":<text verbatim>,…}; `more` (members, without
 * braces; may be NULL) is appended behind. Returns 0 or -ENOMEM. */
int health_set_splice(const HealthSet *set, const char *more, Buffer *buffer);

/* The files in byte order of name, for D-Bus. The pointers live until the next scan. */
size_t health_set_count(const HealthSet *set);
const HealthFile *health_set_get(const HealthSet *set, size_t index);

/* Hands out, one at a call, the files whose verdict changed since it was last handed out, for the log: bad
 * ones, and good ones that were bad before. Returns NULL when there are no more. A file that went away while
 * bad is not handed out. */
const HealthFile *health_set_next_change(HealthSet *set);

/* Files by their form that are beyond HEALTH_ENTRIES_MAX in the last scan. */
size_t health_set_overflow(const HealthSet *set);

/* As on D-Bus: ok, invalid, too-large, too-many, unreadable, stale. */
const char *health_verdict_to_string(HealthVerdict verdict);
