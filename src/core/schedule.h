/* When the next report is due. One report an interval, at a phase of the interval that is random for each
 * node, on the boot-time clock; also while they fail.
 *
 *     first report          slot            slot            slot
 *     |<- random part ->|<- interval ->|<- interval ->|
 *
 * Slots never move: neither a failure, nor an extra report, nor a suspend makes nodes report together. And
 * there is no try between them: of a fleet that loses its Master each node has its first failure within one
 * interval, so one more try for each would double the load for that interval (./dev fleet shows it). */
#pragma once

#include <stdint.h>

#include "util/time-util.h"

typedef struct Schedule {
        usec_t interval_usec;
        usec_t slot_usec; /* boot time of a slot; 0: no report was due yet */
} Schedule;

void schedule_init(Schedule *schedule, usec_t interval_usec);

/* Chooses the phase, at the first report; later calls change nothing. `random` is 64 random bits, `now` boot
 * time. */
void schedule_start(Schedule *schedule, usec_t now, uint64_t random);

/* Both return the boot time at which the next report is due, later than `now`. After a failure: `not_before`
 * (boot time, 0 for none) is the Master's wish; then the first regular slot behind it counts, as a fleet
 * that was sent away until the same instant must not come back at the same instant. */
usec_t schedule_after_success(Schedule *schedule, usec_t now);
usec_t schedule_after_failure(Schedule *schedule, usec_t now, usec_t not_before);
