/* What a HealthSet remembers of one file, and how a scan goes through the files. For the set and its scan
 * (health/health-scan.c) alone. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/health-file.h"
#include "core/health-set.h"
#include "core/health-share.h"
#include "core/json-slice.h"

typedef struct HealthEntry {
        HealthClaim claim; /* the first member: lists of entries are lists of their demands */
        HealthFile file;
        const char *bad_name; /* static words; NULL if the name can be used as a key */
        char *reason;         /* what `file.reason` shows; NULL: static words */
        HealthStamp stamp;    /* of what is known of the content */
        bool is_trusted;      /* an equal stamp means equal content */
        bool is_valid;     /* it could be reported: `claim.size` is its size, whether or not there is room */
        bool is_torn;      /* it looked half-written at this stamp */
        bool is_wanted;    /* it has room, but no text */
        bool is_other;     /* it has another text than at the end of the last scan */
        bool is_listed;    /* it was there at the end of the last scan */
        bool was_reported; /* likewise */
        HealthVerdict logged;

        /* For the scan that is under way; the last three are what stat says. */
        unsigned scan; /* the last that met it */
        size_t next;   /* the place of what the directory had behind it: a guess, as files come and go */
        HealthStamp seen;
        uint32_t mode;
        int error; /* a negative errno */
} HealthEntry;

/* `bad_name` is static words, or NULL. Returns NULL if memory is out. */
HealthEntry *health_entry_new(const char *file_name, bool is_misnamed, const char *bad_name);
HealthEntry *health_entry_free(HealthEntry *entry);
FairDemand *health_entry_demand(HealthEntry *entry); /* the claim's, completed, of a size of 1 */
void health_entry_drop(HealthEntry *entry);          /* its text */
void health_entry_take(HealthEntry *entry, char *text, size_t size, JsonSlice value); /* `value` of `text` */

/* ---- the set ---- */

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
