/* SPDX-License-Identifier: MIT */
#include "master-model.h"

#include "util/time-util.h"

/* Of the network, there and back. */
#define ROUND_TRIP_USEC (2 * USEC_PER_MSEC)

static AnswerKind answer_of_database(const MasterModel *master, RequestKind kind, uint8_t *known) {
        if (kind == REQUEST_REGISTER) {
                *known = master->generation;
                return ANSWER_NODE;
        }

        return *known == master->generation ? ANSWER_NO_CONTENT : ANSWER_UNKNOWN;
}

static MasterReply master_model_serve(MasterModel *master, const MasterRequest *request, uint8_t *known) {
        MasterReply reply = { .is_reached = true, .after_usec = ROUND_TRIP_USEC };
        double now = (double) request->now_usec, begin = master->free_usec > now ? master->free_usec : now;
        usec_t wait = (usec_t) (begin - now);

        if (wait > master->patience_usec) {
                reply.answer = master->is_overload_sent_away ? ANSWER_SENT_AWAY : ANSWER_OVERLOADED;
                return reply;
        }

        /* What nobody waits for any more is served all the same, and for nothing. */
        master->free_usec = begin + (double) USEC_PER_SEC / master->rate;
        reply.after_usec += (usec_t) (master->free_usec - now);
        reply.answer = answer_of_database(master, request->kind, known);
        return reply;
}

static bool fault_concerns(const Fault *fault, const MasterRequest *request) {
        return fault->answer != ANSWER_NONE && request->node_percent >= fault->first_percent &&
               request->node_percent < fault->last_percent &&
               usec_between(0, 99, request->random) < fault->chance_percent;
}

static MasterReply master_model_fail(const MasterModel *master, const MasterRequest *request) {
        AnswerKind answer = master->faults[request->address].answer;

        return (MasterReply){
                .answer = answer,
                .after_usec = answer == ANSWER_TIMEOUT ? request->timeout_usec : ROUND_TRIP_USEC,
                .is_reached = answer != ANSWER_TIMEOUT && answer != ANSWER_REFUSED,
        };
}

MasterReply master_model_ask(MasterModel *master, const MasterRequest *request, uint8_t *known) {
        MasterReply reply = fault_concerns(&master->faults[request->address], request)
                                            ? master_model_fail(master, request)
                                            : master_model_serve(master, request, known);

        if (reply.is_reached)
                reply.after_usec += master->delay_usec;
        if (reply.after_usec >= request->timeout_usec) {
                reply.after_usec = request->timeout_usec;
                reply.answer = ANSWER_TIMEOUT;
        }
        return reply;
}
