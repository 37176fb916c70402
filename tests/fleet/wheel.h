/* SPDX-License-Identifier: MIT */
/* A wheel of buckets for a million pending events: one for each entry at most, no memory per event, and a
 * step costs the same whatever is pending. Time is counted in ticks. */
#pragma once

#include <stdint.h>

typedef uint32_t tick_t;

enum { WHEEL_NONE = UINT32_MAX };

typedef struct Wheel Wheel;

/* For the entries 0 … count - 1. Returns 0 or -ENOMEM. */
int wheel_new(uint32_t count, Wheel **ret);
Wheel *wheel_free(Wheel *wheel);

/* The entry has nothing pending; `due` is later than the tick that was popped last. */
void wheel_add(Wheel *wheel, uint32_t entry, tick_t due);

/* Takes back an entry that is pending. */
void wheel_remove(Wheel *wheel, uint32_t entry);

/* Goes to `tick`, the one behind the last. */
void wheel_advance(Wheel *wheel, tick_t tick);

/* Takes an entry that is due at the tick of wheel_advance(); WHEEL_NONE if there is none. *ret_likely_next
 * is the one that probably follows, to be fetched into the cache. */
uint32_t wheel_pop(Wheel *wheel, uint32_t *ret_likely_next);
