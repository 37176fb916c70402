/* SPDX-License-Identifier: MIT */
/* What an answer of the Master means: from status, headers and body to one of four classes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/node.h"
#include "util/time-util.h"

typedef enum RequestKind {
        REQUEST_REGISTER,
        REQUEST_REPORT,
} RequestKind;

/* How far the transport came. */
typedef enum TransportResult {
        TRANSPORT_ANSWERED,  /* a whole HTTP answer came */
        TRANSPORT_RESOLVE,   /* the name was not resolved */
        TRANSPORT_CONNECT,   /* no connection */
        TRANSPORT_TLS,       /* no TLS session: certificate, protocol */
        TRANSPORT_TIMEOUT,   /* nothing whole in time */
        TRANSPORT_BROKEN,    /* the connection ended */
        TRANSPORT_NOT_HTTP,  /* what came is no HTTP/1.1 */
        TRANSPORT_TOO_LARGE, /* its head or body was above what is taken, and cut off */
        TRANSPORT_LOCAL,     /* our own side: memory, descriptors, a certificate file */
} TransportResult;

/* An answer as it came; nothing is owned. */
typedef struct Answer {
        RequestKind kind;
        const char *method, *endpoint, *path; /* of the request, for the words; NULL: not named */
        const char *secret;                   /* what must not be shown, should it come back; NULL if none */
        const Node *node; /* the newest node object, whose id the request carried; NULL if it had none */
        TransportResult transport;
        const char *transport_text; /* words of the library: "Connection refused" */
        unsigned http_status;       /* 0 if no status line came */
        const char *body;           /* NULL if empty */
        size_t body_size;
        const char *location;    /* of a redirect; NULL if none */
        usec_t retry_after_usec; /* 0: none was given */
} Answer;

typedef enum OutcomeClass {
        OUTCOME_OK,
        OUTCOME_FORGOTTEN,  /* the Master does not know the node: register with the id */
        OUTCOME_ID_REFUSED, /* it does not take the id: register without it */
        OUTCOME_FAILED,
} OutcomeClass;

enum { OUTCOME_ERROR_SIZE = 1024, MASTER_WORDS_MAX = 256, RETRY_AFTER_MAX_SECONDS = 3600 };

typedef struct Outcome {
        OutcomeClass class;
        TransportResult transport;
        unsigned http_status;
        usec_t retry_after_usec;        /* capped at one hour; 0: none */
        Node *node;                     /* of an OK answer; NULL if it stays: a 204, or the same bytes */
        char error[OUTCOME_ERROR_SIZE]; /* for a person, safe to show; empty for OK */
} Outcome;

/* Classifies by the table of the contract, section 3. Returns 0, or -ENOMEM. Release with outcome_done(). */
int outcome_classify(const Answer *answer, Outcome *ret);

void outcome_done(Outcome *outcome);
