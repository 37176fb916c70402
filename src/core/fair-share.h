/* Who has the first call on a limit where not everybody fits: max-min fair over owners, and within an owner
 * over the prefixes of names (`log` of log-fluentbit.json). Within a prefix the order of names decides. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct FairDemand {
        uint32_t owner;
        const char *name; /* the caller's; the prefix ends before its first dash */
        uint64_t size;    /* what it takes of the limit; 1 where the limit is on their number */
        uint64_t turn;    /* for fair_order() */
} FairDemand;

bool fair_same_prefix(const FairDemand *a, const FairDemand *b);

/* By owner, then in byte order of names; so the names of one prefix stand together. */
void fair_sort(FairDemand **demands, size_t count);

/* By turns: take them in this order, each that still fits, and any limit is shared max-min fairly. With n
 * owners, whoever asks for no more than an n-th of the limit gets all of it, and what he leaves is for the
 * others; likewise for the prefixes of an owner and what he has. The order depends on nothing but the
 * demands, so the same files have the same result. All sizes together must be less than 2^64. */
void fair_order(FairDemand **demands, size_t count);
