/* What a machine does that slept through a deadline. A host that resumes its virtual machines, a control
 * group that thaws, a fleet of laptops in the morning: many agents wake at one instant, and the slots of all
 * have passed. If each reported at once, a pause of 25 s would offer the Master 25 s of load in one second.
 *
 * So a node that is late waits for its next slot. One that is never awake in its slots would then never
 * report: the second time in a row it takes a random moment within an interval instead. But a machine that
 * is merely overloaded is late each time, too, and must report: so the second time in a row a timer of one
 * second tells the two apart. If that is late as well, the machine did not sleep. Unless it is later than an
 * overload explains: then another pause began meanwhile.
 *
 * An agent whose memory is swapped out while it waits is in time for that timer, and late at each random
 * moment; and a node that is seldom awake for long misses most of them. So each one that was missed halves
 * the time of the next. A node that is late even then, however short it waits, reports. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/schedule.h"
#include "util/time-util.h"

#define LATE_WAKE_USEC (500 * USEC_PER_MSEC) /* behind the timer's accuracy */
#define LATE_WAKE_PROBE_USEC (1 * USEC_PER_SEC)
/* An overload is taken to explain a sixth of the interval, within these. */
#define LATE_WAKE_SLOW_MIN_USEC (3 * USEC_PER_SEC)
#define LATE_WAKE_SLOW_MAX_USEC (10 * USEC_PER_SEC)
#define LATE_WAKE_SETTLE_USEC (10 * USEC_PER_SEC) /* behind the first request after a pause */
enum { LATE_WAKE_MAX = 34 }; /* counted so far: then the longest interval is down to a second */

/* Plain data; zero-initialised the machine never slept. */
typedef struct LateWake {
        unsigned n_late;    /* deadlines in a row, at most LATE_WAKE_MAX; the probe is none */
        bool is_probing;    /* the present deadline tells whether the machine sleeps or is slow */
        bool is_put_off;    /* a deadline was, and no request has been made since */
        usec_t acted_usec;  /* boot time at which the agent's own work ended: until then it was not asleep */
        usec_t asleep_usec; /* at the last request: how long the machine had been suspended since boot */
        usec_t settled_usec; /* boot time until which changes may be those that follow a pause */
} LateWake;

/* The deadline has come, at `now`, both boot time. Returns whether it is put off: then *deadline is the new
 * one, later than `now`. A node without slots gets them. `random` is 64 random bits. */
bool late_wake_puts_off(LateWake *wake, Schedule *schedule, usec_t now, uint64_t random, usec_t *deadline);

/* Whether the machine slept since the last request, though perhaps not through a deadline; or it did before
 * that, and the machine has hardly settled. `asleep_usec`: how long it has been suspended since boot. */
bool late_wake_has_slept(const LateWake *wake, usec_t asleep_usec, usec_t now);

/* A request is made, or in flight. */
void late_wake_note_request(LateWake *wake, usec_t asleep_usec, usec_t now);
