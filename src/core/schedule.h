/* When the next report is due. One report an interval, at a phase of the interval that is random for each
 * node, on the boot-time clock; after the first failure one early retry, after that only the regular
 * reports.
 *
 *     first report          slot            slot            slot
 *     |<- random part ->|<- interval ->|<- interval ->|
 *
 * Slots never move: neither a failure, nor an extra report, nor a suspend makes nodes report together. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "util/time-util.h"

#define SCHEDULE_EARLY_MIN_USEC (1 * USEC_PER_SEC)
#define SCHEDULE_EARLY_MAX_USEC (10 * USEC_PER_SEC)

typedef struct Schedule {
        usec_t interval_usec;
        usec_t slot_usec;         /* boot time of a slot; 0: no report was due yet */
        bool is_early_retry_used; /* since the last success */
} Schedule;

void schedule_init(Schedule *schedule, usec_t interval_usec);

/* Chooses the phase, at the first report; later calls change nothing. `random` is 64 random bits, `now` boot
 * time. */
void schedule_start(Schedule *schedule, usec_t now, uint64_t random);

/* Both return the boot time at which the next report is due, later than `now`. After a failure: `not_before`
 * (boot time, 0 for none) is the Master's wish; then the first regular slot behind it counts, as a fleet
 * that was sent away until the same instant must not come back at the same instant. */
usec_t schedule_after_success(Schedule *schedule, usec_t now);
usec_t schedule_after_failure(Schedule *schedule, usec_t now, usec_t not_before, uint64_t random);
