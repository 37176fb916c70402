#include "core/late-wake.h"

#include "core/backoff.h"
#include "util/macro.h"

static usec_t random_moment(const Schedule *schedule, usec_t now, uint64_t random) {
        return usec_add(now, usec_between(1, schedule->interval_usec, random));
}

/* The deadline came in time. */
static bool puts_off_in_time(
                LateWake *wake, Schedule *schedule, usec_t now, uint64_t random, usec_t *deadline) {
        if (!wake->is_probing) {
                wake->was_late = false;
                return false;
        }

        wake->is_probing = false; /* it slept, and is awake now */
        *deadline = random_moment(schedule, now, random);
        return true;
}

static bool puts_off_late(
                LateWake *wake, Schedule *schedule, usec_t now, uint64_t random, usec_t *deadline) {
        if (wake->is_probing) /* it is slow */
                return false;

        schedule_start(schedule, now, random); /* a registration that waits may have no slot yet */
        *deadline = wake->was_late ? usec_add(now, LATE_WAKE_PROBE_USEC) : schedule_next(schedule, now, 0);
        wake->is_probing = wake->was_late;
        wake->was_late = wake->is_put_off = true;
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

bool late_wake_has_slept(const LateWake *wake, usec_t asleep_usec) {
        assert(wake);

        return wake->is_put_off || asleep_usec > usec_add(wake->asleep_usec, LATE_WAKE_USEC);
}

void late_wake_note_request(LateWake *wake, usec_t asleep_usec) {
        assert(wake);

        wake->is_put_off = wake->is_probing = false;
        wake->asleep_usec = asleep_usec;
}
