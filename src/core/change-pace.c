/* SPDX-License-Identifier: MIT */
#include "core/change-pace.h"

#include "util/macro.h"

void change_pace_note(ChangePace *pace, usec_t now) {
        if (!pace->is_pending)
                pace->first_usec = now;
        pace->is_pending = true;
        pace->last_usec = now;
}

void change_pace_settle(ChangePace *pace) {
        pace->is_pending = false;
}

usec_t change_pace_due(const ChangePace *pace) {
        usec_t quiet, latest;

        if (!pace->is_pending)
                return USEC_INFINITY;

        quiet = usec_add(pace->last_usec, CHANGE_QUIET_USEC);
        latest = usec_add(pace->first_usec, CHANGE_UNQUIET_MAX_USEC);
        return usec_later(usec_earlier(quiet, latest), pace->not_before_usec);
}

void change_pace_take(ChangePace *pace, usec_t now) {
        pace->is_pending = false;
        pace->not_before_usec = usec_add(now, CHANGE_PAUSE_USEC);
}
