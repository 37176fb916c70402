/* SPDX-License-Identifier: MIT */
/* A Master as a queue that is served at a rate, behind one or several addresses. */
#pragma once

#include "answers.h"
#include "core/endpoint.h"

/* A fault behind one address: the nodes that it affects get `answer`. */
typedef struct Fault {
        AnswerKind answer; /* ANSWER_NONE: nothing is wrong */
        unsigned first_percent, last_percent;
        unsigned chance_percent;
} Fault;

typedef struct MasterModel {
        Fault faults[ENDPOINTS_MAX];
        usec_t delay_usec;          /* added to each response */
        double rate;                /* requests served a second */
        usec_t patience_usec;       /* a request that would wait longer is answered with 503 at once */
        bool is_overload_sent_away; /* … with 429 and Retry-After */
        double free_usec;           /* when all that waits will be served */
        uint8_t generation;         /* of its database: another knows no node */
} MasterModel;

typedef struct MasterReply {
        AnswerKind answer;
        usec_t after_usec;
        bool is_reached;
} MasterReply;

typedef struct MasterRequest {
        usec_t now_usec, timeout_usec;
        RequestKind kind;
        size_t address;
        unsigned node_percent; /* position of the node in the fleet */
        uint64_t random;
} MasterRequest;

/* Returns the response to a request. *known is the generation of the database that knows the node; a
 * registration changes it. */
MasterReply master_model_ask(MasterModel *master, const MasterRequest *request, uint8_t *known);
