/* The health files as the report and D-Bus show them: which there are, their verdicts, and the checked text
 * of each.
 *
 * A scan turns the set from one snapshot into the next: between two scans nothing in it changes, and readers
 * have a `const HealthSet *`. A file that did not change keeps its text, so that it is neither read nor
 * checked again; the text of one that changed is freed when its successor is there, so that the texts of two
 * reports are never needed at once. The set knows no directory: health/health-scan.h looks into it. */
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
        HEALTH_LISTED_MAX = HEALTH_ENTRIES_MAX + HEALTH_MISNAMED_MAX,
};

typedef struct HealthSet HealthSet;

int health_set_new(HealthSet **ret);
HealthSet *health_set_free(HealthSet *set);

/* The files in byte order of name. The pointers live until the next scan. */
size_t health_set_count(const HealthSet *set);
const HealthFile *health_set_get(const HealthSet *set, size_t index);

/* How many files the last scan passed over, because there were too many. */
size_t health_set_overflow(const HealthSet *set);

/* Appends the whole `health` object of the report: {"key":<text verbatim>,…}; `more` (members, without
 * braces; may be NULL) is appended behind. Returns 0 or -ENOMEM. */
int health_set_splice(const HealthSet *set, const char *more, Buffer *buffer);

/* Whether what would be reported is other than when this was last asked. */
bool health_set_take_change(HealthSet *set);

/* The same for the files, verdicts and reasons that health_set_get() shows; another value is no
 * such change. */
bool health_set_take_listing_change(HealthSet *set);

/* Calls `log` for each file whose verdict is another than was last logged, if `crowd` lets it at `now` (boot
 * time): for bad files, good ones that were bad before, and those that are gone (HEALTH_GONE). A file that
 * has to wait comes at a later call, if its verdict still differs by then. */
void health_set_log(HealthSet *set, LogCrowd *crowd, usec_t now, void (*log)(const HealthFile *file));
