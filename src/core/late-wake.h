/* SPDX-License-Identifier: MIT */
/* What the agent does after the machine slept through a deadline. A host resumes its virtual machines, a
 * control group thaws, a fleet of laptops is opened in the morning: many agents wake at one instant, and the
 * slots of all have passed. If each reported at once, the Master would get 25 s of load in one second after
 * a pause of 25 s.
 *
 * So a node that is late waits for its next slot. A node that is never awake in its slots would then never
 * report. So the second time in a row, it waits a random time within an interval instead. But an overloaded
 * machine is late each time, too, and must report. So before that random time, a timer of one second, the
 * probe, tells the two apart. If the probe is late as well, the machine is slow and did not sleep: the node
 * reports. But if the probe is later than an overload explains, another pause began meanwhile.
 *
 * Two kinds of node are in time for the probe and still miss the random times: one whose memory is swapped
 * out while it waits, and one that is seldom awake for long. So each miss halves the time from which the
 * next one is taken. A node that is late even after the shortest wait reports. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/schedule.h"
#include "util/time-util.h"

#define LATE_WAKE_USEC (500 * USEC_PER_MSEC) /* behind the timer's accuracy */
#define LATE_WAKE_PROBE_USEC (1 * USEC_PER_SEC)
/* An overload may explain lateness up to a sixth of the interval, within these bounds. */
#define LATE_WAKE_SLOW_MIN_USEC (3 * USEC_PER_SEC)
#define LATE_WAKE_SLOW_MAX_USEC (10 * USEC_PER_SEC)
#define LATE_WAKE_SETTLE_USEC (10 * USEC_PER_SEC) /* after the first request that follows a pause */
enum { LATE_WAKE_MAX = 34 };                      /* by then the longest interval is halved to a second */

/* Plain data; zero-initialised the machine never slept. */
typedef struct LateWake {
        unsigned n_late;     /* deadlines in a row, at most LATE_WAKE_MAX; the probe does not count */
        bool is_probing;     /* the present deadline is the probe */
        bool is_put_off;     /* a deadline was put off, and no request has been made since */
        usec_t acted_usec;   /* boot time at which the agent's own work ended; lateness counts from there */
        usec_t asleep_usec;  /* suspended time since boot, as of the last request */
        usec_t settled_usec; /* until this boot time, a change may be an effect of the pause */
} LateWake;

/* The deadline has come, and it is `now` (both boot times). Returns whether the deadline is put off: then
 * *deadline is the new one, later than `now`. A node without slots gets them. `random` is 64 random bits. */
bool late_wake_puts_off(LateWake *wake, Schedule *schedule, usec_t now, uint64_t random, usec_t *deadline);

/* Whether the machine slept since the last request (perhaps not through a deadline), or the first request
 * after a pause is less than LATE_WAKE_SETTLE_USEC ago. `asleep_usec`: time suspended since boot. */
bool late_wake_has_slept(const LateWake *wake, usec_t asleep_usec, usec_t now);

/* A request is made, or in flight. */
void late_wake_note_request(LateWake *wake, usec_t asleep_usec, usec_t now);
