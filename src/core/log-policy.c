/* SPDX-License-Identifier: MIT */
#include "core/log-policy.h"

#include <stdlib.h>
#include <string.h>

#include "util/macro.h"
#include "util/text.h"

bool outage_log_failed(OutageLogLimit *limit, usec_t now) {
        limit->attempts++;
        if (limit->attempts == 1)
                limit->since_usec = now;
        else if (usec_sub(now, limit->logged_usec) < LOG_POLICY_REPEAT_USEC)
                return false;

        limit->logged_usec = now;
        return true;
}

bool outage_log_succeeded(
                OutageLogLimit *limit, usec_t now, usec_t *ret_duration_usec, uint64_t *ret_attempts) {
        if (limit->attempts == 0)
                return false;

        *ret_duration_usec = usec_sub(now, limit->since_usec);
        *ret_attempts = limit->attempts;
        *limit = (OutageLogLimit){};
        return true;
}

/* 1: the last one. NULL if there were not so many. */
static const LogCrowdLine *crowd_line(const LogCrowd *crowd, size_t ago) {
        return ago <= crowd->n_lines ? &crowd->lines[(crowd->n_lines - ago) % LOG_CROWD_NAMES_MAX] : NULL;
}

static bool crowd_logged(const LogCrowd *crowd, const char *name, usec_t now) {
        for (size_t i = 1; i <= LOG_CROWD_NAMES_MAX; i++) {
                const LogCrowdLine *line = crowd_line(crowd, i);

                if (!line || usec_sub(now, line->logged_usec) >= LOG_POLICY_REPEAT_USEC)
                        return false;
                if (streq(line->name, name))
                        return true;
        }
        return false;
}

static bool crowd_has_room(const LogCrowd *crowd, usec_t now) {
        const LogCrowdLine *line = crowd_line(crowd, LOG_CROWD_LINES_MAX);

        return !line || usec_sub(now, line->logged_usec) >= LOG_CROWD_WINDOW_USEC;
}

LogTurn log_crowd_ask(LogCrowd *crowd, const char *name, usec_t now) {
        LogCrowdLine *line;
        char *copy;

        if (crowd_logged(crowd, name, now))
                return LOG_TURN_LATER;

        copy = crowd_has_room(crowd, now) ? strdup(name) : NULL;
        if (!copy) {
                crowd->n_left_out++;
                return LOG_TURN_NEVER;
        }

        line = &crowd->lines[crowd->n_lines++ % LOG_CROWD_NAMES_MAX];
        free(line->name);
        *line = (LogCrowdLine){ copy, now };
        return LOG_TURN_NOW;
}

uint64_t log_crowd_summary(LogCrowd *crowd, usec_t now) {
        uint64_t n_left_out = crowd->n_left_out;

        if (n_left_out == 0 || (crowd->summary_usec > 0 &&
                                               usec_sub(now, crowd->summary_usec) < LOG_CROWD_WINDOW_USEC))
                return 0;

        crowd->n_left_out = 0;
        crowd->summary_usec = now;
        return n_left_out;
}

void log_crowd_done(LogCrowd *crowd) {
        for (size_t i = 0; i < ELEMENTSOF(crowd->lines); i++)
                free(crowd->lines[i].name);
        *crowd = (LogCrowd){};
}
