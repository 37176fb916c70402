/* SPDX-License-Identifier: MIT */
#include "sys/event-timer.h"

#include <assert.h>

int event_timer_new(sd_event *event, clockid_t clock, usec_t accuracy_usec, sd_event_time_handler_t handler,
                void *userdata, sd_event_source **ret) {
        sd_event_source *timer = NULL;
        int r;

        assert(event && handler && ret);

        r = sd_event_add_time(event, &timer, clock, USEC_INFINITY, accuracy_usec, handler, userdata);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(timer, SD_EVENT_OFF);
        if (r < 0) {
                sd_event_source_unref(timer);
                return r;
        }

        *ret = timer;
        return 0;
}

void event_timer_arm(sd_event_source *timer, usec_t at_usec) {
        /* Both fail for a wrong argument or a finished loop only: then nothing is to come any more. */
        (void) sd_event_source_set_time(timer, at_usec);
        (void) sd_event_source_set_enabled(
                        timer, at_usec == USEC_INFINITY ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}
