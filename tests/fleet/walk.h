/* SPDX-License-Identifier: MIT */
/* One attempt that asks several addresses of the Master, as src/master/master-client.c does it, with the
 * same EndpointChoice. */
#pragma once

#include "answers.h"
#include "core/endpoint-choice.h"

typedef struct Walk {
        EndpointChoice choice;
        usec_t deadline_usec;
        AnswerKind failure; /* of addresses asked before: an overload, else the first failure */
} Walk;

/* An attempt begins, with the address at walk->choice.index. */
void walk_begin(Walk *walk, size_t count, usec_t interval_usec, usec_t now);

/* How long the next request of the attempt may take; `timeout` is that of one address. */
usec_t walk_timeout(const Walk *walk, usec_t timeout_usec, usec_t now);

/* A response came: returns true if another address is asked next. Else the attempt is over, and *answer is
 * its result. */
bool walk_continues(Walk *walk, usec_t now, AnswerKind *answer);
