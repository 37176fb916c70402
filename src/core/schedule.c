/* SPDX-License-Identifier: MIT */
#include "core/schedule.h"

#include "util/macro.h"

void schedule_init(Schedule *schedule, usec_t interval_usec) {
        assert(interval_usec > 0);
        *schedule = (Schedule){ .interval_usec = interval_usec };
}

void schedule_start(Schedule *schedule, usec_t now, uint64_t random) {
        if (schedule->slot_usec == 0)
                schedule->slot_usec = usec_add(now, usec_between(1, schedule->interval_usec, random));
}

usec_t schedule_next(Schedule *schedule, usec_t now, usec_t not_before) {
        usec_t interval = schedule->interval_usec, earliest = usec_later(usec_add(now, 1), not_before);

        assert(schedule->slot_usec > 0);

        /* Slots that passed (a suspend, a stopped process) are not made up for. A slot too far ahead was
         * chosen for a Retry-After that no longer holds. */
        if (schedule->slot_usec < earliest)
                schedule->slot_usec = usec_add(schedule->slot_usec,
                                (earliest - schedule->slot_usec + interval - 1) / interval * interval);
        else
                schedule->slot_usec -= (schedule->slot_usec - earliest) / interval * interval;

        return schedule->slot_usec;
}

usec_t schedule_accuracy(const Schedule *schedule) {
        return usec_later(usec_earlier(schedule->interval_usec / 60, USEC_PER_SEC), 1);
}

usec_t registration_pause(unsigned n_pauses, usec_t retry_after_usec, uint64_t random) {
        usec_t most = (2 * REGISTRATION_PAUSE_MIN_USEC) << n_pauses, least = most / 2;

        assert(n_pauses < REGISTRATION_PAUSES);

        if (retry_after_usec > most) {
                least = REGISTRATION_PAUSE_MIN_USEC;
                most = usec_earlier(retry_after_usec, REGISTRATION_PAUSE_MAX_USEC);
        }
        return usec_between(least, most, random);
}
