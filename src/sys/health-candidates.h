/* The files of a health directory as stat sees them, before it is decided what becomes of each. A part of
 * health-dir. */
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

/* Adds a copy, which has a name of its own. Returns 0 or -ENOMEM. */
int candidate_list_add(CandidateList *list, const Candidate *candidate);

/* Whether a candidate of that name is in the list with that stamp. */
bool candidate_list_holds(const CandidateList *list, const char *name, const HealthStamp *stamp);

uint64_t candidate_list_size(const CandidateList *list); /* of all files together */

/* Puts the list into the order of turns for a limit on their size. Returns 0 or -ENOMEM. */
int candidate_list_order_by_size(CandidateList *list);

/* Lets as many stay as have room, in fair shares; who has none among so many has none among more either.
 * Returns how many went, or -ENOMEM. */
int candidate_list_prune(CandidateList *list, size_t max);
