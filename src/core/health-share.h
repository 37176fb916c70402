/* SPDX-License-Identifier: MIT */
/* Which of the files that could be reported have room: the limits on the number and the size of all of them,
 * each shared fairly. Internal to the set. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/fair-share.h"
#include "core/health-file.h"

/* What counts against the limits. */
typedef struct HealthTally {
        size_t count, size;
        size_t n_claims; /* with those that have no room */
} HealthTally;

typedef enum HealthGroup {
        HEALTH_GROUP_ALL,
        HEALTH_GROUP_OWNER,
        HEALTH_GROUP_PREFIX,
        _HEALTH_GROUP_MAX,
} HealthGroup;

typedef struct HealthClaim {
        FairDemand demand; /* the first member: lists of claims are lists of their demands */
        size_t size;       /* of the value */

        HealthVerdict verdict;             /* HEALTH_OK, HEALTH_TOO_MANY or HEALTH_TOO_LARGE */
        HealthTally of[_HEALTH_GROUP_MAX]; /* what those of its groups have, for the reason */
} HealthClaim;

/* Decides all claims, which together do not fit; reorders the list. The caller sets `demand.owner`,
 * `demand.name` and `size`. */
void health_share(FairDemand **claims, size_t count);

#define HEALTH_TOTAL_REASON "all files together are larger than 8 MiB"

enum { HEALTH_CLAIM_REASON_SIZE = 128 };

/* Why there is no room: static words if all files that share the limit have this prefix, else in `ret`. */
const char *health_claim_reason(const HealthClaim *claim, char ret[static HEALTH_CLAIM_REASON_SIZE]);
