/* SPDX-License-Identifier: MIT */
/* What a HealthSet remembers of one file. For the set and its scan (health/health-scan.c) alone. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/health-file.h"
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
