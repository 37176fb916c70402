/* SPDX-License-Identifier: MIT */
/* Which of the Master's addresses is asked. After an address that cannot be reached, the attempt asks the
 * next one. An overloaded one ends the attempt (unless it was only visited): the Master must not get one
 * more request for each of its addresses. This file knows how many addresses there are, but not what they
 * are, nor how they are asked; the caller does that. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/endpoint.h"
#include "core/outcome.h"
#include "util/time-util.h"

/* What the request to one address showed. */
typedef enum EndpointVerdict {
        ENDPOINT_UNREACHED,  /* no HTTP response: the next address may be reachable */
        ENDPOINT_OVERLOADED, /* 408, 429, or a status of 500 and above */
        ENDPOINT_ANSWERED,   /* any other response, also one that was too long */
} EndpointVerdict;

EndpointVerdict endpoint_verdict(const Outcome *outcome);

/* Plain data; zero-initialised it starts with the first address. All times are boot time. */
typedef struct EndpointChoice {
        size_t index;     /* the address to ask now */
        size_t current;   /* the one that responded last, and was not overloaded */
        size_t start;     /* where the next attempt starts: at `current`, or after an overloaded one */
        size_t count;     /* of addresses, in this attempt */
        bool is_visit;    /* the first of the list is asked out of turn */
        uint32_t asked;   /* a bit for each address that this attempt has asked */
        usec_t head_usec; /* when the first of the list was asked last */
        usec_t free_usec[ENDPOINTS_MAX]; /* until then, a Retry-After binds the address */
} EndpointChoice;

/* Begins an attempt and sets `index`: usually to `start`, or the first address after it that may be asked.
 * But if the first of the list was not asked for 10 minutes or 10 report intervals, whichever is longer, and
 * it may be asked, it is visited first. If a Retry-After binds every address (the attempt was requested by a
 * person), `index` is the address that will be free first. */
void endpoint_choice_begin(EndpointChoice *choice, size_t count, usec_t interval_usec, usec_t now);

/* Notes the verdict on the address at `index`, with its Retry-After (0: none). Returns false if the attempt
 * ends with it. */
bool endpoint_choice_judge(
                EndpointChoice *choice, EndpointVerdict verdict, usec_t retry_after_usec, usec_t now);

/* Sets `index` to the next address of this attempt. Returns false if none is left. */
bool endpoint_choice_next(EndpointChoice *choice, usec_t now);

/* How many addresses this attempt may still ask, after the one at `index`. */
size_t endpoint_choice_left(const EndpointChoice *choice, usec_t now);

/* How long a Retry-After still binds every address; 0 if one of them may be asked. */
usec_t endpoint_choice_wait(const EndpointChoice *choice, usec_t now);
