/* SPDX-License-Identifier: MIT */
#include "answers.h"

#include <string.h>

#include "util/macro.h"

#define NODE_TEXT "{\"id\":\"A7\"}"

typedef struct Meaning {
        FsmEventType event;
        usec_t retry_after_usec;
        EndpointVerdict verdict;
} Meaning;

static Meaning meanings[_ANSWER_MAX][2][2]; /* by RequestKind, and by whether the request had an id */

static int classify_one(Answer answer, Meaning *ret) {
        /* As on_master_reply() of the agent has it. */
        static const FsmEventType events[] = {
                [OUTCOME_OK] = FSM_EVENT_OK,
                [OUTCOME_FORGOTTEN] = FSM_EVENT_FORGOTTEN,
                [OUTCOME_ID_REFUSED] = FSM_EVENT_ID_REFUSED,
                [OUTCOME_FAILED] = FSM_EVENT_FAILED,
        };
        _cleanup_(outcome_done) Outcome outcome = {};
        int r;

        r = outcome_classify(&answer, &outcome);
        if (r < 0)
                return r;

        *ret = (Meaning){
                .event = events[outcome.class],
                .retry_after_usec = outcome.retry_after_usec,
                .verdict = endpoint_verdict(&outcome),
        };
        return 0;
}

int answers_classify(usec_t retry_after_usec) {
        static const Node own = { .text = (char *) "", .id = (char *) "A7", .id_json = (char *) "\"A7\"" };
        const Answer given[_ANSWER_MAX] = {
                [ANSWER_NODE] = { .http_status = 201, .body = NODE_TEXT, .body_size = strlen(NODE_TEXT) },
                [ANSWER_NO_CONTENT] = { .http_status = 204 },
                [ANSWER_UNKNOWN] = { .http_status = 404 },
                [ANSWER_SENT_AWAY] = { .http_status = 429, .retry_after_usec = retry_after_usec },
                [ANSWER_OVERLOADED] = { .http_status = 503 },
                [ANSWER_OVERLOADED_LATER] = { .http_status = 503, .retry_after_usec = retry_after_usec },
                [ANSWER_UNAUTHORIZED] = { .http_status = 401 },
                [ANSWER_REFUSED] = { .transport = TRANSPORT_CONNECT },
                [ANSWER_TIMEOUT] = { .transport = TRANSPORT_TIMEOUT },
        };

        for (AnswerKind answer = ANSWER_NONE + 1; answer < _ANSWER_MAX; answer++)
                for (RequestKind kind = REQUEST_REGISTER; kind <= REQUEST_REPORT; kind++)
                        for (int has_id = 0; has_id <= 1; has_id++) {
                                Answer one = given[answer];
                                int r;

                                one.kind = kind;
                                one.node = has_id ? &own : NULL;
                                r = classify_one(one, &meanings[answer][kind][has_id]);
                                if (r < 0)
                                        return r;
                        }

        return 0;
}

FsmEventType answer_event(AnswerKind answer, RequestKind kind, bool has_id, usec_t *ret_retry_after_usec) {
        const Meaning *meaning = &meanings[answer][kind][has_id];

        *ret_retry_after_usec = meaning->retry_after_usec;
        return meaning->event;
}

EndpointVerdict answer_verdict(AnswerKind answer, usec_t *ret_retry_after_usec) {
        const Meaning *meaning = &meanings[answer][REQUEST_REPORT][true];

        *ret_retry_after_usec = meaning->retry_after_usec;
        return meaning->verdict;
}

AnswerKind answer_from_string(const char *text) {
        static const char *const names[_ANSWER_MAX] = {
                [ANSWER_NODE] = "201",
                [ANSWER_NO_CONTENT] = "204",
                [ANSWER_UNKNOWN] = "404",
                [ANSWER_SENT_AWAY] = "429",
                [ANSWER_OVERLOADED] = "503",
                [ANSWER_OVERLOADED_LATER] = "503-later",
                [ANSWER_UNAUTHORIZED] = "401",
                [ANSWER_REFUSED] = "refused",
                [ANSWER_TIMEOUT] = "timeout",
        };

        for (AnswerKind answer = ANSWER_NONE + 1; answer < _ANSWER_MAX; answer++)
                if (strcmp(names[answer], text) == 0)
                        return answer;
        return ANSWER_NONE;
}
