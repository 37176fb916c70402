/* What a HealthSet remembers of one file. Internal to the set. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/health-file.h"
#include "core/health-share.h"
#include "util/macro.h"

/* How the scan that is under way met the file. */
typedef enum HealthSight {
        HEALTH_NOT_SEEN,
        HEALTH_KEPT,  /* `known` holds */
        HEALTH_FOUND, /* `found` takes its place at the end */
} HealthSight;

/* What a file was found to be, the limits on all files together aside. */
typedef struct HealthContent {
        HealthVerdict verdict;
        char *reason; /* NULL for HEALTH_OK */
        char *value;  /* NULL unless HEALTH_OK; also NULL where it was given up for a limit */
        size_t value_size;
        bool is_same; /* in `found`: the value is the one of `known`, which has it */
        HealthStamp stamp;
        bool stamp_is_trusted;
} HealthContent;

typedef struct HealthEntry {
        HealthClaim claim;    /* the first member: lists of entries are lists of their demands */
        HealthFile file;      /* as of the end of the last scan; points into `known` and `limit_reason` */
        const char *bad_name; /* static words; NULL if the name can be used as a key */
        char *limit_reason;   /* why there is no room; NULL if static words say it */
        HealthContent known, found;
        HealthSight sight;
        bool is_listed; /* the last scan had it */
        HealthVerdict said_verdict;
        size_t next_kept; /* position of the file that was kept behind it: a guess, as files come and go */
} HealthEntry;

/* `file_name` must have the form of a health file's name, or be a misnamed one. Returns 0 or -ENOMEM. */
int health_entry_new(const char *file_name, HealthEntry **ret);
HealthEntry *health_entry_free(HealthEntry *entry);

DEFINE_CLEANUP(HealthEntry *, health_entry_free)

/* Forgets what the scan under way found. */
void health_entry_reset(HealthEntry *entry);

/* Whether the file is known with this stamp, and that says that it has not changed. */
bool health_entry_is_current(const HealthEntry *entry, const HealthStamp *stamp);

/* The scan found this text, or why there is none; both after a reset. health_entry_check() takes *text, and
 * sets it to NULL, if its value is to be kept. Returns 1 if the text ended too early, 0 otherwise, or
 * -ENOMEM (then the entry is as after the reset). */
int health_entry_check(
                HealthEntry *entry, const HealthStamp *stamp, bool is_trusted, char **text, size_t size);
int health_entry_refuse(HealthEntry *entry, HealthVerdict verdict, const char *reason);

/* Whether the file could be reported, as far as the scan has come. If so, its claim has size and room. */
bool health_entry_claims(HealthEntry *entry);

/* Of an entry that could be: completes the claim for health_share(). */
FairDemand *health_entry_claim(HealthEntry *entry);

/* The scan is over and saw the file: applies the result, as its claim was decided. Returns true if that
 * changes what is reported. Sets *wants_scan if the file could be reported but must be read again, because
 * its value was dropped; *is_listing_other if its listed verdict or reason differs. */
bool health_entry_settle(HealthEntry *entry, bool *wants_scan, bool *is_listing_other);
