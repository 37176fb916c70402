/* Pauses between tries of registration: exponential with jitter, 1 s to 60 s. */
#pragma once

#include <stdint.h>

#include "util/time-util.h"

#define BACKOFF_MIN_USEC (1 * USEC_PER_SEC)
#define BACKOFF_MAX_USEC (60 * USEC_PER_SEC)

/* Plain data; zero-initialised no try has failed yet. */
typedef struct Backoff {
        unsigned failures;
} Backoff;

/* A try failed: returns the pause before the next, equally distributed between half of 2 s, 4 s, 8 s … 60 s
 * and the whole of it. If the Master wished to be left alone for `wish_usec` (0: it did not), the pause
 * comes behind that, and is spread over as long a time again, at most 60 s: a fleet that was sent away at
 * one instant must not come back at one instant. `random` is 64 random bits. */
usec_t backoff_next(Backoff *backoff, usec_t wish_usec, uint64_t random);

/* A try succeeded. */
void backoff_reset(Backoff *backoff);

/* A span between `least` and `most`, both possible, from 64 random bits. */
usec_t usec_between(usec_t least, usec_t most, uint64_t random);
