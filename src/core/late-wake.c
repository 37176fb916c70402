/* SPDX-License-Identifier: MIT */
#include "core/late-wake.h"

#include "util/macro.h"

static bool is_late(const Schedule *schedule, usec_t late) {
        return late > schedule_accuracy(schedule) + LATE_WAKE_USEC;
}

static bool may_be_slow(const Schedule *schedule, usec_t late) {
        usec_t most = usec_earlier(schedule->interval_usec / 6, LATE_WAKE_SLOW_MAX_USEC);

        return late <= usec_later(most, LATE_WAKE_SLOW_MIN_USEC);
}

/* The span of the random time: together with the probe it is an interval, and each miss halves it. */
static usec_t spread(const LateWake *wake, const Schedule *schedule) {
        usec_t time = schedule->interval_usec >> (wake->n_late - 2);

        return usec_later(time, 2 * LATE_WAKE_PROBE_USEC) - LATE_WAKE_PROBE_USEC;
}

static bool puts_off_probe(LateWake *wake, const Schedule *schedule, usec_t late, usec_t now,
                uint64_t random, usec_t *deadline) {
        usec_t time = spread(wake, schedule);

        wake->is_probing = false;
        if (is_late(schedule, late) && may_be_slow(schedule, late)) {
                wake->n_late = 1;
                return false;
        }
        if (is_late(schedule, late) && time <= LATE_WAKE_PROBE_USEC) /* late even after the shortest wait */
                return false;

        *deadline = usec_add(now, usec_between(1, time, random));
        return true;
}

static bool puts_off_deadline(LateWake *wake, Schedule *schedule, usec_t late, usec_t now, uint64_t random,
                usec_t *deadline) {
        if (!is_late(schedule, late)) {
                wake->n_late = 0;
                return false;
        }

        schedule_start(schedule, now, random); /* a registration that waits may have no slot yet */
        wake->is_probing = wake->n_late > 0;
        *deadline = wake->is_probing ? usec_add(now, LATE_WAKE_PROBE_USEC) : schedule_next(schedule, now, 0);
        wake->n_late += wake->n_late < LATE_WAKE_MAX;
        wake->is_put_off = true;
        return true;
}

bool late_wake_puts_off(LateWake *wake, Schedule *schedule, usec_t now, uint64_t random, usec_t *deadline) {
        usec_t late;

        late = usec_sub(now, usec_later(*deadline, wake->acted_usec));
        return wake->is_probing ? puts_off_probe(wake, schedule, late, now, random, deadline)
                                : puts_off_deadline(wake, schedule, late, now, random, deadline);
}

static bool has_slept_since_request(const LateWake *wake, usec_t asleep_usec) {
        return wake->is_put_off || asleep_usec > usec_add(wake->asleep_usec, LATE_WAKE_USEC);
}

bool late_wake_has_slept(const LateWake *wake, usec_t asleep_usec, usec_t now) {
        return has_slept_since_request(wake, asleep_usec) || now < wake->settled_usec;
}

void late_wake_note_request(LateWake *wake, usec_t asleep_usec, usec_t now) {
        if (has_slept_since_request(wake, asleep_usec))
                wake->settled_usec = usec_add(now, LATE_WAKE_SETTLE_USEC);
        wake->is_put_off = wake->is_probing = false;
        wake->asleep_usec = asleep_usec;
}
