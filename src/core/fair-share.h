/* SPDX-License-Identifier: MIT */
/* How a limit is shared when not all demands fit: max-min fair over owners, and within an owner over the
 * prefixes of names (`log` of log-fluentbit.json). Within a prefix the order of names decides. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct FairDemand {
        uint64_t owner;
        const char *name; /* the caller's; the prefix ends before its first dash */
        uint64_t size;    /* what it takes of the limit; 1 where the limit is on their number */
        uint64_t turn;    /* for fair_order() */
} FairDemand;

bool fair_same_owner(const FairDemand *a, const FairDemand *b);
bool fair_same_prefix(const FairDemand *a, const FairDemand *b);

/* By owner, then in byte order of names, so that the names of one prefix are adjacent. */
void fair_sort(FairDemand **demands, size_t count);

/* Sorts by turn: a caller that takes each demand which still fits, in this order, shares any limit max-min
 * fairly. With n owners, one that asks for no more than an n-th of the limit gets all of it, and the rest
 * goes to the others; likewise for the prefixes of an owner. The order depends only on the demands, so the
 * same files give the same result. The sum of all sizes must be less than 2^64. */
void fair_order(FairDemand **demands, size_t count);
