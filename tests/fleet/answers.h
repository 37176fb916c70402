/* The few answers that the simulated Master gives, and what the agent's own code makes of them. */
#pragma once

#include "core/endpoint-choice.h"
#include "core/fsm.h"
#include "core/outcome.h"

typedef enum AnswerKind {
        ANSWER_NONE,
        ANSWER_NODE,             /* 201 or 200 with the node object */
        ANSWER_NO_CONTENT,       /* 204 */
        ANSWER_UNKNOWN,          /* 404 */
        ANSWER_SENT_AWAY,        /* 429 with Retry-After */
        ANSWER_OVERLOADED,       /* 503 */
        ANSWER_OVERLOADED_LATER, /* 503 with Retry-After */
        ANSWER_UNAUTHORIZED,     /* 401 */
        ANSWER_REFUSED,          /* no connection */
        ANSWER_TIMEOUT,
        _ANSWER_MAX,
} AnswerKind;

/* Puts each answer through outcome_classify() once: the simulation then looks it up. Returns 0 or a negative
 * errno. */
int answers_classify(usec_t retry_after_usec);

/* The event that an answer is for the state machine, and the wish that comes with it. */
FsmEventType answer_event(AnswerKind answer, RequestKind kind, bool has_id, usec_t *ret_retry_after_usec);

/* What it says of the address of the Master that was asked, and for how long that is to be left alone. */
EndpointVerdict answer_verdict(AnswerKind answer, usec_t *ret_retry_after_usec);

/* "201", "429", "refused", …; ANSWER_NONE for what is none. */
AnswerKind answer_from_string(const char *text);
