/* SPDX-License-Identifier: MIT */
/* What an answer of the Master means: the table of the protocol's answers. */
#include "core/outcome.h"

#include <errno.h>
#include <stdio.h>

#include "core/endpoint.h"
#include "core/outcome-words.h"
#include "core/secret-echo.h"
#include "util/text.h"

DEFINE_CLEANUP(Node *, node_free)

enum { REQUEST_SHOWN_MAX = 320 };

#define RETRY_AFTER_MAX_USEC (RETRY_AFTER_MAX_SECONDS * USEC_PER_SEC)

/* A report's answer must be about the node that was reported. */
static bool is_other_node(const Answer *answer, const Node *node) {
        return answer->kind == REQUEST_REPORT && answer->node && !node_same_id(answer->node, node);
}

/* Byte for byte: a large object that never changes need not be read at each report. */
static bool is_same_object(const Answer *answer) {
        return answer->node && answer->body && answer->body_size == answer->node->size &&
               memcmp(answer->body, answer->node->text, answer->body_size) == 0;
}

/* A 2xx: sets the node and the class, or says what is wrong. */
static int classify_success(const Answer *answer, Outcome *outcome, char text[static DESCRIPTION_SIZE]) {
        _cleanup_(node_free_pointer) Node *node = NULL;
        _cleanup_free_ char *reason = NULL;
        int r;

        if ((answer->kind == REQUEST_REPORT && answer->http_status == 204) || is_same_object(answer)) {
                outcome->class = OUTCOME_OK;
                return 0;
        }

        r = node_parse(strempty(answer->body), answer->body ? answer->body_size : 0, &node, &reason);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return describe_bad_node(answer, reason, text);

        /* An id is shown to everybody. A token may well hold the id, but not the id the token. */
        r = secret_is_repeated(node->id, strlen(node->id), answer->secret, SECRET_WHOLE);
        if (r > 0)
                r = describe_bad_node(answer, "its id repeats the token", text);
        else if (r == 0 && is_other_node(answer, node))
                r = describe_other_node(answer, node, text);
        else if (r == 0) {
                outcome->node = TAKE_PTR(node);
                outcome->class = OUTCOME_OK;
        }

        return r;
}

static OutcomeClass class_of_status(const Answer *answer) {
        switch (answer->http_status) {
        case 404:
        case 410:
                if (answer->kind == REQUEST_REPORT)
                        return OUTCOME_FORGOTTEN;
                return answer->node ? OUTCOME_ID_REFUSED : OUTCOME_FAILED;
        case 409:
                return answer->kind == REQUEST_REGISTER && answer->node ? OUTCOME_ID_REFUSED
                                                                        : OUTCOME_FAILED;
        default:
                return OUTCOME_FAILED;
        }
}

static bool may_say_retry_after(unsigned status) {
        return status == 408 || status == 429 || (status >= 500 && status <= 599);
}

static int classify(const Answer *answer, Outcome *outcome, char text[static DESCRIPTION_SIZE]) {
        unsigned status = answer->http_status;

        /* Too long an answer, or one cut short, still says in its head how long to stay away. */
        if (may_say_retry_after(status))
                outcome->retry_after_usec = answer->retry_after_usec < RETRY_AFTER_MAX_USEC
                                                            ? answer->retry_after_usec
                                                            : RETRY_AFTER_MAX_USEC;

        if (answer->transport != TRANSPORT_ANSWERED)
                return describe_transport(answer, text);
        if (status >= 200 && status <= 299)
                return classify_success(answer, outcome, text);

        outcome->class = class_of_status(answer);
        return describe_status(answer, text);
}

/* Only of a failure: a report that is accepted makes no words. */
static void say_error(const Answer *answer, const char *words, Outcome *outcome) {
        char asked[ENDPOINT_SIZE_MAX + 1024],
                        request[REQUEST_SHOWN_MAX + 1] = "", text[DESCRIPTION_SIZE + REQUEST_SHOWN_MAX + 2];

        if (answer->method) {
                (void) snprintf(asked, sizeof asked, "%s %s%s", answer->method, answer->endpoint,
                                answer->path);
                text_sanitize_into(request, sizeof request, asked, strlen(asked));
        }
        (void) snprintf(text, sizeof text, "%s%s%s", request, *request ? ": " : "", words);
        text_sanitize_into(outcome->error, sizeof outcome->error, text, strlen(text));
}

int outcome_classify(const Answer *answer, Outcome *ret) {
        char words[DESCRIPTION_SIZE];
        Outcome outcome = {
                .class = OUTCOME_FAILED,
                .transport = answer->transport,
                .http_status = answer->http_status,
        };
        int r;

        assert(ret);

        words[0] = '\0';
        r = classify(answer, &outcome, words);
        if (r < 0) {
                outcome_done(&outcome);
                return r;
        }
        if (outcome.class != OUTCOME_OK)
                say_error(answer, words, &outcome);

        *ret = outcome;
        return 0;
}

void outcome_done(Outcome *outcome) {
        outcome->node = node_free(outcome->node);
}
