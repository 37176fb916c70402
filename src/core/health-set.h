/* SPDX-License-Identifier: MIT */
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

typedef struct HealthEntry HealthEntry;
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

/* ---- a scan of it: for health/health-scan.c alone ---- */

/* Whether equal stamps will mean equal content. */
typedef enum HealthAge {
        HEALTH_OLD,
        HEALTH_YOUNG,   /* not yet: stamps are coarse */
        HEALTH_WRITTEN, /* it was written to while it was read: the text may be a mixture */
} HealthAge;

/* Begins a scan; one that was not ended is forgotten. `is_second`: the one before had half-written files. */
void health_set_begin(HealthSet *set, bool is_second);

/* The directory has this name. Returns 1 and the entry, which the caller gives what stat says before the
 * next call; 0 if it is not meant as a health file; or -ENOMEM. */
int health_set_meet(HealthSet *set, const char *file_name, HealthEntry **ret);

/* It is not there after all. */
void health_set_miss(HealthSet *set, HealthEntry *entry);

/* All are met. Chooses HEALTH_ENTRIES_MAX of them, and HEALTH_MISNAMED_MAX misnamed ones, in fair shares. */
void health_set_choose(HealthSet *set);

/* The files that were met and chosen, in byte order of name; *position begins with 0. NULL: no more. One
 * that is given neither content nor a refusal stays as it is. */
HealthEntry *health_set_next(const HealthSet *set, size_t *position);

/* The file's content, at the stamp `seen`, which is checked here. Takes over `text`, which has room for a
 * NUL behind it. Returns 1 if it looks half-written for the first time: a file that is listed then stays as
 * it is, and a second scan a moment later decides. Otherwise 0. */
int health_set_content(HealthSet *set, HealthEntry *entry, HealthAge age, char *text, size_t size);

/* The file has no content that may be used. `reason` is copied. */
void health_set_refuse(HealthSet *set, HealthEntry *entry, HealthVerdict verdict, const char *reason);

/* Drops the files that were not met, and applies the limits on number and size, in fair shares. Returns how
 * many files have room by now (`is_wanted`), but their text was given up when they had none: give their
 * content, and end the scan once more. What is not given has to be read by the next scan. */
size_t health_set_end(HealthSet *set);
