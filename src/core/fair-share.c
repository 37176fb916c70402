/* SPDX-License-Identifier: MIT */
/* Progressive filling, written as an order (as fair queueing does it): a demand's turn comes when its group,
 * filled at the same rate as all others, has reached its end. Whatever the limit is, the demands whose turn
 * comes before it fit. */
#include "core/fair-share.h"

#include <stdlib.h>
#include <string.h>

static int compare_numbers(uint64_t a, uint64_t b) {
        return (a > b) - (a < b);
}

static int compare_in_owner(const void *a, const void *b) {
        const FairDemand *x = *(FairDemand *const *) a, *y = *(FairDemand *const *) b;
        int order = compare_numbers(x->owner, y->owner);

        if (order == 0)
                order = compare_numbers(x->turn, y->turn);
        return order != 0 ? order : strcmp(x->name, y->name);
}

static int compare_turns(const void *a, const void *b) {
        const FairDemand *x = *(FairDemand *const *) a, *y = *(FairDemand *const *) b;
        int order = compare_numbers(x->turn, y->turn);

        return order != 0 ? order : compare_in_owner(a, b);
}

/* A long list is mostly of one group, and already in order. */
static void sort(FairDemand **demands, size_t count, int (*compare)(const void *a, const void *b)) {
        for (size_t i = 1; i < count; i++)
                if (compare(demands + i - 1, demands + i) > 0) {
                        qsort(demands, count, sizeof(FairDemand *), compare);
                        return;
                }
}

bool fair_same_owner(const FairDemand *a, const FairDemand *b) {
        return a->owner == b->owner;
}

bool fair_same_prefix(const FairDemand *a, const FairDemand *b) {
        size_t size = strcspn(a->name, "-");

        return fair_same_owner(a, b) && strncmp(a->name, b->name, size) == 0 &&
               strcspn(b->name, "-") == size;
}

/* Makes each turn the running total of its group. */
static void add_up(FairDemand **demands, size_t count,
                bool (*same_group)(const FairDemand *a, const FairDemand *b)) {
        for (size_t i = 0; i < count; i++) {
                demands[i]->turn = demands[i]->size;
                if (i > 0 && same_group(demands[i - 1], demands[i]))
                        demands[i]->turn += demands[i - 1]->turn;
        }
}

void fair_sort(FairDemand **demands, size_t count) {
        for (size_t i = 0; i < count; i++)
                demands[i]->turn = 0;
        sort(demands, count, compare_in_owner);
}

void fair_order(FairDemand **demands, size_t count) {
        fair_sort(demands, count);
        add_up(demands, count, fair_same_prefix);
        sort(demands, count, compare_in_owner);
        add_up(demands, count, fair_same_owner);
        sort(demands, count, compare_turns);
}
