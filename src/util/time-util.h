/* SPDX-License-Identifier: MIT */
/* Points and spans of time, always in microseconds, and how they are written. */
#pragma once

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

typedef uint64_t usec_t;

#define USEC_INFINITY UINT64_MAX
#define USEC_PER_MSEC UINT64_C(1000)
#define USEC_PER_SEC UINT64_C(1000000)
#define USEC_PER_MINUTE (60 * USEC_PER_SEC)
#define USEC_PER_HOUR (60 * USEC_PER_MINUTE)

/* CLOCK_REALTIME for what people and the Master read, CLOCK_BOOTTIME for every pace (it counts
 * a suspend). */
usec_t now_usec(clockid_t clock);

/* a + b that stays at USEC_INFINITY instead of wrapping. */
static inline usec_t usec_add(usec_t a, usec_t b) {
        return a > USEC_INFINITY - b ? USEC_INFINITY : a + b;
}

static inline usec_t usec_sub(usec_t a, usec_t b) {
        return a > b ? a - b : 0;
}

static inline usec_t usec_earlier(usec_t a, usec_t b) {
        return a < b ? a : b;
}

static inline usec_t usec_later(usec_t a, usec_t b) {
        return a > b ? a : b;
}

/* A pause that doubles at each attempt: returns it, and makes the next one twice as long, at most `max`. */
static inline usec_t usec_double(usec_t *pause_usec, usec_t max) {
        usec_t pause = *pause_usec;

        *pause_usec = usec_earlier(pause * 2, max);
        return pause;
}

/* A span between `least` and `most`, both possible, from 64 random bits. */
static inline usec_t usec_between(usec_t least, usec_t most, uint64_t random) {
        assert(least <= most);

        /* The high half of the product spreads the bits over the range, without a division's bias. */
        return least + (usec_t) ((random * ((unsigned __int128) (most - least) + 1)) >> 64);
}

enum { TIMESTAMP_SIZE = sizeof "2026-11-24T12:13:00.123Z" + 8, SPAN_SIZE = 64 };

/* RFC 3339 in UTC with milliseconds: 2026-11-24T12:13:00.123Z. Returns `buffer`. */
const char *format_timestamp(char buffer[static TIMESTAMP_SIZE], usec_t realtime_usec);

/* A span as a person says it, two units at most: 850ms, 12s, 3min 4s, 2h 5min, 4d 1h. Returns `buffer`. */
const char *format_span(char buffer[static SPAN_SIZE], usec_t span_usec);
