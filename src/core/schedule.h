/* SPDX-License-Identifier: MIT */
/* When the next request is due. A node that reports has one slot in each interval, at a phase that is random
 * for each node, on the boot-time clock. The same slots hold while reports fail.
 *
 *     first report          slot            slot            slot
 *     |<- random part ->|<- interval ->|<- interval ->|
 *
 * Slots never move: neither a failure, nor an extra report, nor a suspend makes nodes report together. There
 * is no attempt between them: when a fleet loses its Master, each node has its first failure within one
 * interval, so one more attempt for each would double the load for that interval (./dev fleet shows it).
 *
 * A node that fails to register tries again after five growing pauses, from 1 s to 32 s. Later attempts use
 * the slots too: a fleet that cannot register must not ask more often than a fleet that reports. */
#pragma once

#include <stdint.h>

#include "util/time-util.h"

#define REGISTRATION_PAUSE_MIN_USEC (1 * USEC_PER_SEC)
#define REGISTRATION_PAUSE_MAX_USEC (60 * USEC_PER_SEC) /* after a Retry-After */

enum { REGISTRATION_PAUSES = 5 };

typedef struct Schedule {
        usec_t interval_usec;
        usec_t slot_usec; /* boot time of a slot; 0: the phase is not chosen yet */
} Schedule;

void schedule_init(Schedule *schedule, usec_t interval_usec);

/* Chooses the phase; later calls change nothing. `random` is 64 random bits, `now` boot time. */
void schedule_start(Schedule *schedule, usec_t now, uint64_t random);

/* Returns the first slot later than `now` and not before `not_before` (boot times; 0: no limit). A fleet
 * that was sent away until one instant must not come back at that instant: each node waits for its slot. */
usec_t schedule_next(Schedule *schedule, usec_t now, usec_t not_before);

/* How late a timer for a slot may come, at least 1 µs: coarse, so that wake-ups of a machine coalesce; fine
 * enough not to bend a short interval. */
usec_t schedule_accuracy(const Schedule *schedule);

/* The pause after a failed registration, behind `n_pauses` others (fewer than REGISTRATION_PAUSES): random,
 * between one half and the whole of 2 s, 4 s … 32 s. It follows the Master's Retry-After (0: none). If that
 * is longer than the usual pause, the pause is spread over as long a time again, at most 60 s: a fleet that
 * was sent away at one instant must not come back at one instant. */
usec_t registration_pause(unsigned n_pauses, usec_t retry_after_usec, uint64_t random);
