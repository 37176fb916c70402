#include "health/health-candidates.h"

#include <errno.h>
#include <stdlib.h>

#include "util/macro.h"
#include "util/text.h"

void candidate_list_clear(CandidateList *list) {
        for (size_t i = 0; i < list->count; i++)
                free(list->items[i].name);
        free(list->items);
        *list = (CandidateList){};
}

int candidate_list_add(CandidateList *list, const Candidate *candidate) {
        _cleanup_free_ char *name = strdup(candidate->name);

        if (!name)
                return -ENOMEM;
        if (list->count == list->allocated) {
                size_t allocated = list->allocated == 0 ? 16 : list->allocated * 2;
                Candidate *items = reallocarray(list->items, allocated, sizeof *items);

                if (!items)
                        return -ENOMEM;
                list->items = items;
                list->allocated = allocated;
        }

        list->items[list->count] = *candidate;
        list->items[list->count++].name = TAKE_PTR(name);
        return 0;
}

bool candidate_list_holds(const CandidateList *list, const char *name, const HealthStamp *stamp) {
        for (size_t i = 0; i < list->count; i++)
                if (streq(list->items[i].name, name))
                        return health_stamp_equal(&list->items[i].stamp, stamp);

        return false;
}

uint64_t candidate_list_size(const CandidateList *list) {
        uint64_t size = 0;

        for (size_t i = 0; i < list->count; i++)
                size += list->items[i].stamp.size;
        return size;
}

static int candidate_list_order(CandidateList *list, bool by_size) {
        _cleanup_free_ FairDemand **order = NULL;
        Candidate *items;

        if (list->count == 0)
                return 0;
        order = calloc(list->count, sizeof *order);
        items = calloc(list->allocated, sizeof *items);
        if (!order || !items) {
                free(items);
                return -ENOMEM;
        }

        for (size_t i = 0; i < list->count; i++) {
                Candidate *candidate = &list->items[i];

                candidate->demand = (FairDemand){
                        .owner = candidate->stamp.owner,
                        .name = candidate->name,
                        .size = by_size ? candidate->stamp.size : 1,
                };
                order[i] = &candidate->demand;
        }
        fair_order(order, list->count);
        for (size_t i = 0; i < list->count; i++)
                items[i] = *(Candidate *) order[i];

        free(list->items);
        list->items = items;
        return 0;
}

int candidate_list_order_by_size(CandidateList *list) {
        return candidate_list_order(list, true);
}

int candidate_list_prune(CandidateList *list, size_t max) {
        int n_gone = 0, r;

        if (list->count <= max)
                return 0;
        r = candidate_list_order(list, false);
        if (r < 0)
                return r;

        for (; list->count > max; n_gone++)
                free(list->items[--list->count].name);
        return n_gone;
}
