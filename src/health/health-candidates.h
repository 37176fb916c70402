/* The files of a health directory as stat sees them, before each is accepted or refused. Part of the
 * module health-dir. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/fair-share.h"
#include "core/health-file.h"

typedef struct Candidate {
        FairDemand demand; /* the first member: lists of candidates are lists of their demands */
        char *name;
        const char *bad_name; /* static words, or NULL */
        HealthStamp stamp;
        mode_t mode;
        int error; /* of stat: a negative errno */
} Candidate;

typedef struct CandidateList {
        Candidate *items;
        size_t count, allocated;
} CandidateList;

void candidate_list_clear(CandidateList *list);

/* Adds a copy, with a copy of the name. Returns 0 or -ENOMEM. */
int candidate_list_add(CandidateList *list, const Candidate *candidate);

/* Whether a candidate of that name is in the list with that stamp. */
bool candidate_list_holds(const CandidateList *list, const char *name, const HealthStamp *stamp);

uint64_t candidate_list_size(const CandidateList *list); /* of all files together */

/* Sorts the list into fair order for a limit on the size. Returns 0 or -ENOMEM. */
int candidate_list_order_by_size(CandidateList *list);

/* Keeps at most `max`, in fair shares; one that has no room now would have none among more candidates.
 * Returns how many it removed, or -ENOMEM. */
int candidate_list_prune(CandidateList *list, size_t max);
