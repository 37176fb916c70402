/* Pauses between the first attempts to register: exponential with jitter, from 1 s to 32 s. Later attempts
 * use the slots of the reports (schedule.h): a fleet that cannot register must not ask more often than a
 * fleet that reports. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "util/time-util.h"

#define BACKOFF_MIN_USEC (1 * USEC_PER_SEC)
#define BACKOFF_MAX_USEC (60 * USEC_PER_SEC) /* after a Retry-After */

enum { BACKOFF_PAUSES = 5 };

/* Plain data; zero-initialised no attempt has failed yet. */
typedef struct Backoff {
        unsigned failures;
} Backoff;

/* Whether all pauses are used up. */
bool backoff_is_over(const Backoff *backoff);

/* An attempt failed: returns the pause before the next one, uniformly distributed between one half and the
 * whole of 2 s, 4 s … 32 s. `wish_usec` is the Master's Retry-After (0: none); the pause follows it. If the
 * Retry-After is longer than the usual pause, the pause is spread over as long a time again, at most 60 s: a
 * fleet that was sent away at one instant must not come back at one instant. `random` is 64 random bits.
 * Must not be called when all pauses are used up. */
usec_t backoff_next(Backoff *backoff, usec_t wish_usec, uint64_t random);

/* An attempt succeeded. */
void backoff_reset(Backoff *backoff);

/* A span between `least` and `most`, both possible, from 64 random bits. */
usec_t usec_between(usec_t least, usec_t most, uint64_t random);
