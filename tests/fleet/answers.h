/* The few answers that the simulated Master gives, and what the agent's own code makes of them. */
#pragma once

#include "core/fsm.h"
#include "core/outcome.h"

typedef enum AnswerKind {
        ANSWER_NONE,
        ANSWER_NODE,       /* 201 or 200 with the node object */
        ANSWER_NO_CONTENT, /* 204 */
        ANSWER_UNKNOWN,    /* 404 */
        ANSWER_SENT_AWAY,  /* 429 with Retry-After */
        ANSWER_OVERLOADED, /* 503 */
        ANSWER_REFUSED,    /* no connection */
        ANSWER_TIMEOUT,
        _ANSWER_MAX,
} AnswerKind;

/* Puts each answer through outcome_classify() once: the simulation then looks it up. Returns 0 or a negative
 * errno. */
int answers_classify(usec_t retry_after_usec);

/* The event that an answer is for the state machine, and the wish that comes with it. */
FsmEventType answer_event(AnswerKind answer, RequestKind kind, bool has_id, usec_t *ret_retry_after_usec);
