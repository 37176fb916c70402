/* The health files as the report and D-Bus show them: names, limits, verdicts, and the checked text of each.
 * Files that did not change keep their checked text, so that they are neither read nor checked again. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/health-file.h"
#include "core/log-policy.h"
#include "util/buffer.h"

enum {
        HEALTH_FILES_MAX = 256,
        HEALTH_TOTAL_MAX = 8 * 1024 * 1024,
        HEALTH_ENTRIES_MAX = 1024, /* remembered with a verdict, good and bad; more are only counted */
        HEALTH_MISNAMED_MAX = 32,  /* those beside */
};

typedef struct HealthSet HealthSet;

int health_set_new(HealthSet **ret);
HealthSet *health_set_free(HealthSet *set);

/* A scan: begin; then, in any order, one of the three below for each health file of the directory (the
 * caller chooses HEALTH_ENTRIES_MAX) and each misnamed one (HEALTH_MISNAMED_MAX); then end, which drops the
 * files that are gone, and applies the limits on count and size, in fair shares. Until then readers of the
 * set see the whole last scan; a new begin discards the scan under way.
 *
 * health_set_keep() returns true if there is nothing more to do for the file: it is known with this stamp
 * and stays as it is. */
void health_set_begin(HealthSet *set);
bool health_set_keep(HealthSet *set, const char *file_name, const HealthStamp *stamp);
/* The file's content: checked here. Takes over `text`, which has room for a NUL behind it, also on failure.
 * `is_trusted`: the file was old enough when it was read for an equal stamp to mean equal content. Returns 1
 * if it looks half-written, 0 otherwise, or -ENOMEM. May be called again for the same file in one scan; the
 * last call counts. */
int health_set_content(HealthSet *set, const char *file_name, const HealthStamp *stamp, bool is_trusted,
                char *text, size_t size);
/* The file has no content that may be used. `reason` is copied. Returns 0 or -ENOMEM. */
int health_set_refuse(HealthSet *set, const char *file_name, HealthVerdict verdict, const char *reason);
/* The scan passes over `count` more health files, because there are too many. */
void health_set_pass_over(HealthSet *set, size_t count);
/* Returns true if what would be reported differs from the end of the last scan. */
bool health_set_end(HealthSet *set);

/* Whether the files, verdicts or reasons that health_set_get() shows are others than when this was last
 * asked; a value that changed is no such change. */
bool health_set_take_listing_change(HealthSet *set);

/* Whether a file that was left out for a limit has room now, because another one went or shrank, but has to
 * be read for that: scan once more. (The next scan does it in any case.) */
bool health_set_wants_scan(const HealthSet *set);

/* Appends the whole `health` object of the report: {"key":<text verbatim>,…}; `more` (members, without
 * braces; may be NULL) is appended behind. Returns 0 or -ENOMEM. */
int health_set_splice(const HealthSet *set, const char *more, Buffer *buffer);

/* The files in byte order of name, for D-Bus. The pointers live until the next health_set_end(). */
size_t health_set_count(const HealthSet *set);
const HealthFile *health_set_get(const HealthSet *set, size_t index);

/* Hands out, one at a call, the files whose verdict changed since it was last handed out, for the log: bad
 * ones, and good ones that were bad before. Returns NULL when there are no more. A file that went away while
 * bad is not handed out. `crowd` limits them at `now`, boot time: one that has to wait is handed out after a
 * later scan, if it still differs. */
const HealthFile *health_set_next_change(HealthSet *set, LogCrowd *crowd, usec_t now);

/* Hands out the key of a file that an earlier scan had and the last has not, each once, for the log; the
 * caller frees it. One that has come back meanwhile is not handed out. Returns NULL when there are no more.
 * `crowd` as above. */
char *health_set_take_gone(HealthSet *set, LogCrowd *crowd, usec_t now);

/* How many the last scan passed over. */
size_t health_set_overflow(const HealthSet *set);
