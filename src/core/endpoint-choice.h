/* Which of the Master's addresses is asked. An address that cannot be reached costs a walk to the next; an
 * overloaded Master must not be asked once more for each of its addresses, so its response ends the attempt.
 * Knows neither the addresses nor how they are asked: only their number. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/endpoint.h"
#include "core/outcome.h"
#include "util/time-util.h"

/* How an address that was asked did. */
typedef enum EndpointVerdict {
        ENDPOINT_UNREACHED,  /* nothing that is an HTTP response: the next address may do better */
        ENDPOINT_OVERLOADED, /* 408, 429, or a status of 500 and above */
        ENDPOINT_ANSWERED,   /* any other response, also one that was too long */
} EndpointVerdict;

EndpointVerdict endpoint_verdict(const Outcome *outcome);

/* Plain data; zero-initialised it starts with the first address. All times are boot time. */
typedef struct EndpointChoice {
        size_t index;   /* the address to ask now */
        size_t current; /* the one that answered last */
        size_t start;   /* where the next attempt starts: at the current one, or behind an overloaded one */
        size_t count;   /* of addresses, in this attempt */
        bool is_visit;  /* the first of the list is asked out of turn */
        uint32_t asked; /* a bit for each address that this attempt has asked */
        usec_t head_usec;                /* when the first of the list was asked last */
        usec_t free_usec[ENDPOINTS_MAX]; /* until then, Retry-After keeps us away from the address */
} EndpointChoice;

/* Begins an attempt and sets `index`: usually `start`, or the first address behind it that may be asked. If
 * the first of the list was not asked for 10 minutes or 10 report intervals, whichever is longer, it is
 * visited before that. If all must be left alone, it is the one that is free first: a person asked. */
void endpoint_choice_begin(EndpointChoice *choice, size_t count, usec_t interval_usec, usec_t now);

/* Notes how the address at `index` did, with its Retry-After (0: none). Returns false if that ends the
 * attempt. */
bool endpoint_choice_judge(
                EndpointChoice *choice, EndpointVerdict verdict, usec_t retry_after_usec, usec_t now);

/* Sets `index` to the next address of this attempt. Returns false if none is left. */
bool endpoint_choice_next(EndpointChoice *choice, usec_t now);

/* How many addresses this attempt may still ask, after the one at `index`. */
size_t endpoint_choice_left(const EndpointChoice *choice, usec_t now);

/* How long every address must be left alone; 0 if one of them may be asked. */
usec_t endpoint_choice_wait(const EndpointChoice *choice, usec_t now);
