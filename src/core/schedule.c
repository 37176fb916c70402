#include "core/schedule.h"

#include "core/backoff.h"
#include "util/macro.h"

void schedule_init(Schedule *schedule, usec_t interval_usec) {
        assert(schedule);
        assert(interval_usec > 0);

        *schedule = (Schedule){ .interval_usec = interval_usec };
}

void schedule_start(Schedule *schedule, usec_t now, uint64_t random) {
        assert(schedule);

        if (schedule->slot_usec == 0)
                schedule->slot_usec = usec_add(now, usec_between(1, schedule->interval_usec, random));
}

/* The first slot later than `after`. Slots that passed meanwhile (a suspend, a stopped process) are gone:
 * one report, no burst. */
static usec_t schedule_slot_after(Schedule *schedule, usec_t after) {
        assert(schedule->slot_usec > 0);

        if (schedule->slot_usec <= after) {
                usec_t passed = (after - schedule->slot_usec) / schedule->interval_usec + 1;

                schedule->slot_usec = usec_add(schedule->slot_usec, passed * schedule->interval_usec);
        } else {
                /* It was put off by the Master's wish, which a success since then has ended. */
                usec_t early = (schedule->slot_usec - after - 1) / schedule->interval_usec;

                schedule->slot_usec -= early * schedule->interval_usec;
        }

        return schedule->slot_usec;
}

usec_t schedule_after_success(Schedule *schedule, usec_t now) {
        assert(schedule);

        return schedule_slot_after(schedule, now);
}

usec_t schedule_after_failure(Schedule *schedule, usec_t now, usec_t not_before) {
        usec_t slot;

        assert(schedule);

        slot = schedule_slot_after(schedule, now);
        return not_before > slot ? schedule_slot_after(schedule, not_before - 1) : slot;
}
