/* How one attempt asks several addresses of the Master: as src/agent/master-client.c does it, with the same
 * EndpointChoice. */
#pragma once

#include "answers.h"
#include "core/endpoint-choice.h"

typedef struct Walk {
        EndpointChoice choice;
        usec_t deadline_usec;
        AnswerKind failure; /* of an address asked before, the one that says most */
} Walk;

/* An attempt begins, with the address at walk->choice.index. */
void walk_begin(Walk *walk, size_t count, usec_t interval_usec, usec_t now);

/* What the next request of the attempt may take; `timeout` is that of one address. */
usec_t walk_timeout(const Walk *walk, usec_t timeout_usec, usec_t now);

/* A response came: returns true if another address is asked next, or false at the end of the attempt with
 * what came of it. */
bool walk_continues(Walk *walk, usec_t now, AnswerKind *answer);
