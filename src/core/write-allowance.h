/* SPDX-License-Identifier: MIT */
/* How often a changed node object may be written: what the Master sets for the node is on the disk at once,
 * and a member that keeps changing (the time of the last report, say) does not wear out flash. Each
 * top-level member has WRITE_ALLOWANCE_MAX writes, and regains one every WRITE_ALLOWANCE_INTERVAL_USEC. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/time-util.h"

#define WRITE_ALLOWANCE_INTERVAL_USEC (10 * USEC_PER_MINUTE)

enum { WRITE_ALLOWANCE_MAX = 3, WRITE_ALLOWANCE_MEMBERS = 64 };

/* Names and values are kept as hashes: a collision costs ten minutes. */
typedef struct MemberAllowance {
        uint64_t name;
        uint64_t written, newest; /* the value as it was written last, and as it is now; 0: no such member */
        usec_t full_usec;         /* when all its writes are regained */
} MemberAllowance;

/* All zero: nothing was written. */
typedef struct WriteAllowance {
        /* The last one is shared by all further names. */
        MemberAllowance members[WRITE_ALLOWANCE_MEMBERS + 1];
        size_t n_members; /* names that have their own */
        bool has_written;
        usec_t written_usec;
} WriteAllowance;

/* The newest node object: JSON text that json_scan() accepted. */
void write_allowance_note(WriteAllowance *allowance, const char *text, size_t size);

/* Whether it may be written now: a member that differs from what was written has a write left, or the last
 * write is WRITE_ALLOWANCE_INTERVAL_USEC ago. */
bool write_allowance_is_due(const WriteAllowance *allowance, usec_t now);

/* The newest was written: each changed member pays, if it has a write left. The first object is free. */
void write_allowance_written(WriteAllowance *allowance, usec_t now);
