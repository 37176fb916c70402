#include "master-model.h"

/* Of the network, there and back. */
#define ROUND_TRIP_USEC (2 * USEC_PER_MSEC)

static AnswerKind answer_of_database(const MasterModel *master, RequestKind kind, uint8_t *known) {
        if (kind == REQUEST_REGISTER) {
                *known = master->generation;
                return ANSWER_NODE;
        }

        return *known == master->generation ? ANSWER_NO_CONTENT : ANSWER_UNKNOWN;
}

static MasterReply master_model_serve(MasterModel *master, usec_t now, RequestKind kind, uint8_t *known) {
        MasterReply reply = { .is_reached = true, .after_usec = ROUND_TRIP_USEC };
        double begin = master->free_usec > (double) now ? master->free_usec : (double) now;
        usec_t wait = (usec_t) (begin - (double) now);

        if (wait > master->patience_usec) {
                reply.answer = master->is_overload_sent_away ? ANSWER_SENT_AWAY : ANSWER_OVERLOADED;
                return reply;
        }

        /* What nobody waits for any more is served all the same, and for nothing. */
        master->free_usec = begin + (double) USEC_PER_SEC / master->rate;
        reply.after_usec += (usec_t) (master->free_usec - (double) now);
        reply.answer = answer_of_database(master, kind, known);
        if (reply.after_usec > master->timeout_usec) {
                reply.after_usec = master->timeout_usec;
                reply.answer = ANSWER_TIMEOUT;
        }
        return reply;
}

MasterReply master_model_ask(
                MasterModel *master, usec_t now, RequestKind kind, bool is_cut_off, uint8_t *known) {
        if (master->mode == MASTER_REFUSES)
                return (MasterReply){ .answer = ANSWER_REFUSED, .after_usec = ROUND_TRIP_USEC };
        if (master->mode == MASTER_IS_SILENT || (master->mode == MASTER_IS_SPLIT && is_cut_off))
                return (MasterReply){ .answer = ANSWER_TIMEOUT, .after_usec = master->timeout_usec };
        if (master->mode == MASTER_SENDS_AWAY)
                return (MasterReply){
                        .answer = ANSWER_SENT_AWAY, .after_usec = ROUND_TRIP_USEC, .is_reached = true
                };

        return master_model_serve(master, now, kind, known);
}
