/* A Master as a queue that is served at a rate. */
#pragma once

#include "answers.h"

typedef enum MasterMode {
        MASTER_SERVES,
        MASTER_REFUSES,    /* nobody listens: no connection */
        MASTER_IS_SILENT,  /* nothing comes back: every try ends with its time-out */
        MASTER_SENDS_AWAY, /* 429 with Retry-After to all */
        MASTER_IS_SPLIT,   /* serves, but half of the fleet reaches nothing */
} MasterMode;

typedef struct MasterModel {
        MasterMode mode;
        double rate;                /* requests served a second */
        usec_t patience_usec;       /* a request that would wait longer is answered with 503 at once */
        bool is_overload_sent_away; /* … with 429 and Retry-After */
        usec_t timeout_usec;        /* of the agents */
        double free_usec;           /* when all that waits will be served */
        uint8_t generation;         /* of its database: another knows no node */
} MasterModel;

typedef struct MasterReply {
        AnswerKind answer;
        usec_t after_usec;
        bool is_reached;
} MasterReply;

/* What comes back of a request that is sent at `now`. *known is the generation of the database in which the
 * node is known, and changes with a registration. */
MasterReply master_model_ask(
                MasterModel *master, usec_t now, RequestKind kind, bool is_cut_off, uint8_t *known);
