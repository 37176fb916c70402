/* SPDX-License-Identifier: MIT */
#include "walk.h"

#define ATTEMPT_MAX_USEC (20 * USEC_PER_SEC)

void walk_begin(Walk *walk, size_t count, usec_t interval_usec, usec_t now) {
        endpoint_choice_begin(&walk->choice, count, interval_usec, now);
        walk->deadline_usec = now + ATTEMPT_MAX_USEC;
        walk->failure = ANSWER_NONE;
}

usec_t walk_timeout(const Walk *walk, usec_t timeout_usec, usec_t now) {
        usec_t share = usec_sub(walk->deadline_usec, now) / (1 + endpoint_choice_left(&walk->choice, now));

        if (share > timeout_usec)
                return timeout_usec;
        return share > USEC_PER_MSEC ? share : USEC_PER_MSEC;
}

bool walk_continues(Walk *walk, usec_t now, AnswerKind *answer) {
        usec_t retry_after;
        EndpointVerdict verdict = answer_verdict(*answer, &retry_after);
        bool goes_on = endpoint_choice_judge(&walk->choice, verdict, retry_after, now);

        if (verdict == ENDPOINT_ANSWERED)
                return false;

        if (walk->failure == ANSWER_NONE || verdict == ENDPOINT_OVERLOADED)
                walk->failure = *answer;
        if (goes_on && now < walk->deadline_usec && endpoint_choice_next(&walk->choice, now))
                return true;

        *answer = walk->failure;
        return false;
}
