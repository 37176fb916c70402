/* How many lines an outage or a crowd may log. Kept apart from the log, so that a test can run a day of it
 * in a moment. */
#include "core/log-policy.h"

#include <stdlib.h>
#include <string.h>

#include "util/macro.h"
#include "util/text.h"

bool log_policy_failed(LogPolicy *policy, usec_t now) {
        assert(policy);

        policy->attempts++;
        if (policy->attempts == 1)
                policy->since_usec = now;
        else if (usec_sub(now, policy->said_usec) < LOG_POLICY_REPEAT_USEC)
                return false;

        policy->said_usec = now;
        return true;
}

bool log_policy_succeeded(LogPolicy *policy, usec_t now, usec_t *ret_duration_usec, uint64_t *ret_attempts) {
        assert(policy);

        if (policy->attempts == 0)
                return false;

        *ret_duration_usec = usec_sub(now, policy->since_usec);
        *ret_attempts = policy->attempts;
        *policy = (LogPolicy){};
        return true;
}

/* 1: the last one. NULL if there were not so many. */
static const LogCrowdLine *crowd_line(const LogCrowd *crowd, size_t ago) {
        return ago <= crowd->n_lines ? &crowd->lines[(crowd->n_lines - ago) % LOG_CROWD_NAMES_MAX] : NULL;
}

static bool crowd_said(const LogCrowd *crowd, const char *name, usec_t now) {
        for (size_t i = 1; i <= LOG_CROWD_NAMES_MAX; i++) {
                const LogCrowdLine *line = crowd_line(crowd, i);

                if (!line || usec_sub(now, line->said_usec) >= LOG_POLICY_REPEAT_USEC)
                        return false;
                if (streq(line->name, name))
                        return true;
        }
        return false;
}

static bool crowd_has_room(const LogCrowd *crowd, usec_t now) {
        const LogCrowdLine *line = crowd_line(crowd, LOG_CROWD_LINES_MAX);

        return !line || usec_sub(now, line->said_usec) >= LOG_CROWD_WINDOW_USEC;
}

LogTurn log_crowd_ask(LogCrowd *crowd, const char *name, usec_t now) {
        LogCrowdLine *line;
        char *copy;

        if (crowd_said(crowd, name, now))
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
