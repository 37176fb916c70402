/* SPDX-License-Identifier: MIT */
/* When changes of health are worth a report of their own: after a second of quiet, so that a series of
 * changes is one report; within five seconds of the first, so that what never rests is reported too; and at
 * most every ten seconds. Times are boot time. */
#pragma once

#include <stdbool.h>

#include "util/time-util.h"

#define CHANGE_QUIET_USEC (1 * USEC_PER_SEC)
#define CHANGE_UNQUIET_MAX_USEC (5 * USEC_PER_SEC)
#define CHANGE_PAUSE_USEC (10 * USEC_PER_SEC)

/* Plain data; zero-initialised there was no change yet. */
typedef struct ChangePace {
        bool is_pending;
        usec_t first_usec, last_usec; /* of the changes since the last report of any kind, if pending */
        usec_t not_before_usec;       /* for the next extra report */
} ChangePace;

/* Health changed. */
void change_pace_note(ChangePace *pace, usec_t now);

/* A report is made, for whatever reason: it has all that was noted. */
void change_pace_settle(ChangePace *pace);

/* When an extra report is due as things stand; USEC_INFINITY without a change. Changes that are noted
 * meanwhile move it. */
usec_t change_pace_due(const ChangePace *pace);

/* The extra report is made. */
void change_pace_take(ChangePace *pace, usec_t now);
