/* When the next report is due: one in each interval, at a phase that is random for each node, on the
 * boot-time clock. The same slots hold while reports fail, and for a registration that keeps failing.
 *
 *     first report          slot            slot            slot
 *     |<- random part ->|<- interval ->|<- interval ->|
 *
 * Slots never move: neither a failure, nor an extra report, nor a suspend makes nodes report together. There
 * is no attempt between them: when a fleet loses its Master, each node has its first failure within one
 * interval, so one more attempt for each would double the load for that interval (./dev fleet shows it). */
#pragma once

#include <stdint.h>

#include "util/time-util.h"

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
