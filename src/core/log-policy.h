/* SPDX-License-Identifier: MIT */
/* How many lines may be logged. Of an outage: its first failure, then one line in 10 minutes, then one at
 * its end. Of a crowd: one line for each member in 10 minutes, 30 a minute for all, and a summary. It knows
 * no log, so a test runs a day of it in a moment. Times are boot time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/time-util.h"

#define LOG_POLICY_REPEAT_USEC (10 * USEC_PER_MINUTE)

/* Plain data; zero-initialised there is no outage. */
typedef struct OutageLogLimit {
        uint64_t attempts;  /* failed attempts of this outage; 0: none */
        usec_t since_usec;  /* boot time of the first */
        usec_t logged_usec; /* boot time of the last line */
} OutageLogLimit;

/* An attempt failed. Returns true if it is logged above debug. */
bool outage_log_failed(OutageLogLimit *limit, usec_t now);

/* An attempt succeeded. Returns true if that ends an outage, with its length and its failed attempts. */
bool outage_log_succeeded(
                OutageLogLimit *limit, usec_t now, usec_t *ret_duration_usec, uint64_t *ret_attempts);

#define LOG_CROWD_WINDOW_USEC USEC_PER_MINUTE

enum {
        LOG_CROWD_LINES_MAX = 30, /* in any window */
        /* As many lines as there can be before a name may have its next one. */
        LOG_CROWD_NAMES_MAX = LOG_CROWD_LINES_MAX * (LOG_POLICY_REPEAT_USEC / LOG_CROWD_WINDOW_USEC),
};

typedef enum LogTurn {
        LOG_TURN_NOW,   /* log it now */
        LOG_TURN_LATER, /* the name had a line less than 10 minutes ago: ask again */
        LOG_TURN_NEVER, /* only counted, in the summary */
} LogTurn;

typedef struct LogCrowdLine {
        char *name;
        usec_t logged_usec;
} LogCrowdLine;

/* All zero: nothing was logged yet. */
typedef struct LogCrowd {
        LogCrowdLine lines[LOG_CROWD_NAMES_MAX]; /* the last, a ring */
        size_t n_lines;                          /* ever */

        uint64_t n_left_out; /* since the last summary */
        usec_t summary_usec; /* when it was; 0: never */
} LogCrowd;

/* Asks whether a line about `name` may be logged. Out of memory counts as no room. */
LogTurn log_crowd_ask(LogCrowd *crowd, const char *name, usec_t now);

/* How many lines the summary has to count, if one is due, and resets the count. Else 0. */
uint64_t log_crowd_summary(LogCrowd *crowd, usec_t now);

void log_crowd_done(LogCrowd *crowd);
