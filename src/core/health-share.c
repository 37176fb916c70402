#include "core/health-share.h"

#include <stdio.h>

#include "core/health-set.h"
#include "util/macro.h"

static HealthClaim *claim_of(FairDemand *demand) {
        return (HealthClaim *) demand;
}

static void tally_count(HealthTally *tally, const HealthClaim *claim) {
        tally->count++;
        tally->size += claim->size;
}

/* Counts a claim if there is room. Smaller ones may still fit after a large one did not. */
static HealthVerdict tally_add(HealthTally *tally, const HealthClaim *claim) {
        if (tally->count >= HEALTH_FILES_MAX)
                return HEALTH_TOO_MANY;
        if (claim->size > HEALTH_TOTAL_MAX - tally->size)
                return HEALTH_TOO_LARGE;

        tally_count(tally, claim);
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

static bool same_owner(const FairDemand *a, const FairDemand *b) {
        return a->owner == b->owner;
}

/* How many of the sorted claims belong to the group of the first; *ret_tally is what they have. */
static size_t group_tally(FairDemand **claims, size_t count,
                bool (*same_group)(const FairDemand *a, const FairDemand *b), HealthTally *ret_tally) {
        size_t n = 0;

        *ret_tally = (HealthTally){};
        for (; n < count && same_group(claims[0], claims[n]); n++)
                if (claim_of(claims[n])->verdict == HEALTH_OK)
                        tally_count(ret_tally, claim_of(claims[n]));
        return n;
}

static void tell_owner(FairDemand **claims, size_t count, const HealthTally *of_owner, bool is_only_owner) {
        for (size_t i = 0, n; i < count; i += n) {
                HealthTally of_prefix;

                n = group_tally(claims + i, count - i, fair_same_prefix, &of_prefix);
                for (size_t j = i; j < i + n; j++) {
                        HealthClaim *claim = claim_of(claims[j]);

                        claim->of_owner = *of_owner;
                        claim->of_prefix = of_prefix;
                        claim->is_only_owner = is_only_owner;
                        claim->is_only_prefix = n == count;
                }
        }
}

static void tell_shares(FairDemand **claims, size_t count) {
        fair_sort(claims, count);
        for (size_t i = 0, n; i < count; i += n) {
                HealthTally of_owner;

                n = group_tally(claims + i, count - i, same_owner, &of_owner);
                tell_owner(claims + i, n, &of_owner, n == count);
        }
}

void health_share(FairDemand **claims, size_t count) {
        HealthTally tally = {};

        order_claims(claims, count);
        for (size_t i = 0; i < count; i++)
                claim_of(claims[i])->verdict = tally_add(&tally, claim_of(claims[i]));
        tell_shares(claims, count);
}

enum { PART_SIZE = 24 };

/* "128 of them", "3.9 MiB of them" */
static const char *format_part(char ret[static PART_SIZE], HealthVerdict verdict, const HealthTally *tally) {
        if (verdict == HEALTH_TOO_MANY)
                (void) snprintf(ret, PART_SIZE, "%zu", tally->count);
        else
                (void) snprintf(ret, PART_SIZE, "%.1f MiB", (double) tally->size / (1024 * 1024));
        return ret;
}

const char *health_claim_reason(const HealthClaim *claim, char ret[static HEALTH_CLAIM_REASON_SIZE]) {
        bool is_many = claim->verdict == HEALTH_TOO_MANY;
        const char *limit = is_many ? "256 files" : "8 MiB in all files";
        char owner[PART_SIZE], prefix[PART_SIZE];

        (void) format_part(owner, claim->verdict, &claim->of_owner);
        (void) format_part(prefix, claim->verdict, &claim->of_prefix);

        if (claim->is_only_owner && claim->is_only_prefix)
                return is_many ? "more than 256 files" : HEALTH_TOTAL_REASON;

        if (claim->is_only_owner)
                (void) snprintf(ret, HEALTH_CLAIM_REASON_SIZE, "%s at most, %s of them for this prefix",
                                limit, prefix);
        else if (claim->is_only_prefix)
                (void) snprintf(ret, HEALTH_CLAIM_REASON_SIZE, "%s at most, %s of them for this owner",
                                limit, owner);
        else
                (void) snprintf(ret, HEALTH_CLAIM_REASON_SIZE,
                                "%s at most, %s of them for this owner, %s for this prefix", limit, owner,
                                prefix);
        return ret;
}
