#include "core/late-wake.h"

#include "core/backoff.h"
#include "util/macro.h"

/* Within an interval, and within half of the time before for each such moment that was missed. */
static usec_t random_moment(const LateWake *wake, const Schedule *schedule, usec_t now, uint64_t random) {
        usec_t range = schedule->interval_usec >> (wake->n_late - 2);

        return usec_add(now, usec_between(1, usec_later(range, LATE_WAKE_PROBE_USEC), random));
}

/* The deadline came in time. */
static bool puts_off_in_time(
                LateWake *wake, Schedule *schedule, usec_t now, uint64_t random, usec_t *deadline) {
        if (!wake->is_probing) {
                wake->n_late = 0;
                return false;
        }

        wake->is_probing = false; /* it slept, and is awake now */
        *deadline = random_moment(wake, schedule, now, random);
        return true;
}

static bool puts_off_late(
                LateWake *wake, Schedule *schedule, usec_t now, uint64_t random, usec_t *deadline) {
        if (wake->is_probing) { /* it is slow */
                wake->n_late = 1;
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

        assert(wake);
        assert(schedule);
        assert(deadline);

        late = usec_sub(now, usec_later(*deadline, wake->acted_usec));
        return late <= schedule_accuracy(schedule) + LATE_WAKE_USEC
                               ? puts_off_in_time(wake, schedule, now, random, deadline)
                               : puts_off_late(wake, schedule, now, random, deadline);
}

static bool has_slept_since_request(const LateWake *wake, usec_t asleep_usec) {
        return wake->is_put_off || asleep_usec > usec_add(wake->asleep_usec, LATE_WAKE_USEC);
}

bool late_wake_has_slept(const LateWake *wake, usec_t asleep_usec, usec_t now) {
        assert(wake);

        return has_slept_since_request(wake, asleep_usec) || now < wake->settled_usec;
}

void late_wake_note_request(LateWake *wake, usec_t asleep_usec, usec_t now) {
        assert(wake);

        if (has_slept_since_request(wake, asleep_usec))
                wake->settled_usec = usec_add(now, LATE_WAKE_SETTLE_USEC);
        wake->is_put_off = wake->is_probing = false;
        wake->asleep_usec = asleep_usec;
}
