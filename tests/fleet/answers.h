/* SPDX-License-Identifier: MIT */
/* The few responses that the simulated Master gives, and how the agent's own code classifies them. */
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

/* Puts each response through outcome_classify() once: the simulation then looks it up. Returns 0 or a
 * negative errno. */
int answers_classify(usec_t retry_after_usec);

/* The event that a response is for the state machine, and its Retry-After. */
FsmEventType answer_event(AnswerKind answer, RequestKind kind, bool has_id, usec_t *ret_retry_after_usec);

/* What the response shows of the address that was asked, and how long its Retry-After binds that address. */
EndpointVerdict answer_verdict(AnswerKind answer, usec_t *ret_retry_after_usec);

/* "201", "429", "refused", …; ANSWER_NONE if the text names no response. */
AnswerKind answer_from_string(const char *text);
