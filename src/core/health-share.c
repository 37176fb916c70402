/* SPDX-License-Identifier: MIT */
#include "core/health-share.h"

#include <stdio.h>

#include "util/macro.h"

static HealthClaim *claim_of(FairDemand *demand) {
        return (HealthClaim *) demand;
}

/* Counts a claim if there is room. Smaller ones may still fit after a large one did not. */
static HealthVerdict tally_add(HealthTally *tally, const HealthClaim *claim) {
        if (tally->count >= HEALTH_FILES_MAX)
                return HEALTH_TOO_MANY;
        if (claim->size > HEALTH_TOTAL_MAX - tally->size)
                return HEALTH_TOO_LARGE;

        tally->count++;
        tally->size += claim->size;
        return HEALTH_OK;
}

/* In fair order for a place in the report, then those with a place in fair order for its bytes. Places that
 * become free because their files are too large go to the next. */
static void order_claims(FairDemand **claims, size_t count) {
        size_t n_places = min_size(count, HEALTH_FILES_MAX);

        for (size_t i = 0; i < count; i++)
                claims[i]->size = 1;
        fair_order(claims, count);

        for (size_t i = 0; i < n_places; i++)
                claims[i]->size = claim_of(claims[i])->size;
        fair_order(claims, n_places);
}

static bool same_limit(_unused_ const FairDemand *a, _unused_ const FairDemand *b) {
        return true;
}

/* Tells each of the sorted claims what its group has. */
static void tell_group(FairDemand **claims, size_t count, HealthGroup group,
                bool (*same_group)(const FairDemand *a, const FairDemand *b)) {
        for (size_t i = 0, n; i < count; i += n) {
                HealthTally tally = {};

                for (n = 0; i + n < count && same_group(claims[i], claims[i + n]); n++) {
                        tally.n_claims++;
                        if (claim_of(claims[i + n])->verdict == HEALTH_OK)
                                (void) tally_add(&tally, claim_of(claims[i + n]));
                }
                for (size_t j = i; j < i + n; j++)
                        claim_of(claims[j])->of[group] = tally;
        }
}

void health_share(FairDemand **claims, size_t count) {
        HealthTally tally = {};

        order_claims(claims, count);
        for (size_t i = 0; i < count; i++)
                claim_of(claims[i])->verdict = tally_add(&tally, claim_of(claims[i]));

        fair_sort(claims, count);
        tell_group(claims, count, HEALTH_GROUP_ALL, same_limit);
        tell_group(claims, count, HEALTH_GROUP_OWNER, fair_same_owner);
        tell_group(claims, count, HEALTH_GROUP_PREFIX, fair_same_prefix);
}

/* "128 of them for this owner", "3.9 MiB for this prefix" */
static size_t add_part(
                char *text, size_t used, const HealthClaim *claim, HealthGroup group, const char *words) {
        const HealthTally *tally = &claim->of[group];

        if (claim->verdict == HEALTH_TOO_MANY)
                return used + (size_t) snprintf(text + used, HEALTH_CLAIM_REASON_SIZE - used, ", %zu%s",
                                              tally->count, words);
        return used + (size_t) snprintf(text + used, HEALTH_CLAIM_REASON_SIZE - used, ", %.1f MiB%s",
                                      (double) tally->size / (1024 * 1024), words);
}

const char *health_claim_reason(const HealthClaim *claim, char ret[static HEALTH_CLAIM_REASON_SIZE]) {
        bool is_many = claim->verdict == HEALTH_TOO_MANY;
        bool is_only_owner = claim->of[HEALTH_GROUP_OWNER].n_claims == claim->of[HEALTH_GROUP_ALL].n_claims;
        bool is_only_prefix =
                        claim->of[HEALTH_GROUP_PREFIX].n_claims == claim->of[HEALTH_GROUP_OWNER].n_claims;
        size_t used;

        if (is_only_owner && is_only_prefix)
                return is_many ? "more than 256 files" : HEALTH_TOTAL_REASON;

        used = (size_t) snprintf(ret, HEALTH_CLAIM_REASON_SIZE, "%s at most",
                        is_many ? "256 files" : "8 MiB in all files");
        if (!is_only_owner)
                used = add_part(ret, used, claim, HEALTH_GROUP_OWNER, " of them for this owner");
        if (!is_only_prefix)
                (void) add_part(ret, used, claim, HEALTH_GROUP_PREFIX,
                                is_only_owner ? " of them for this prefix" : " for this prefix");
        return ret;
}
