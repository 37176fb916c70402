/* SPDX-License-Identifier: MIT */
/* What holds for every outcome, whatever came. */
#pragma once

#include "core/endpoint-choice.h"
#include "core/outcome.h"
#include "core/secret-echo.h"

#include "fuzz.h"

static inline OutcomeClass expected_class(const Answer *answer, bool is_node_good) {
        unsigned status = answer->http_status;
        bool is_report = answer->kind == REQUEST_REPORT;

        if (answer->transport != TRANSPORT_ANSWERED)
                return OUTCOME_FAILED;
        if (status >= 200 && status <= 299)
                return is_node_good || (is_report && status == 204) ? OUTCOME_OK : OUTCOME_FAILED;
        if (is_report)
                return status == 404 || status == 410 ? OUTCOME_FORGOTTEN : OUTCOME_FAILED;
        return answer->node && (status == 404 || status == 409 || status == 410) ? OUTCOME_ID_REFUSED
                                                                                 : OUTCOME_FAILED;
}

/* A token is printable ASCII. A short one may be a part of our own words, but for the dictionary's. */
static inline bool is_secret(const char *secret) {
        for (const char *p = strempty(secret); *p; p++)
                if (*p <= ' ' || *p >= 0x7F)
                        return false;
        return strlen(strempty(secret)) >= 24 || streq(strempty(secret), "s3/cret");
}

static inline void check_outcome(const Answer *answer, const Outcome *outcome) {
        bool may_wait = answer->http_status == 408 || answer->http_status == 429 ||
                        (answer->http_status >= 500 && answer->http_status <= 599);
        bool is_good = false;
        Node *node;

        if (answer->body && node_parse(answer->body, answer->body_size, &node, NULL) == 0) {
                is_good = answer->kind != REQUEST_REPORT || !answer->node ||
                          node_same_id(answer->node, node);
                if (secret_is_repeated(node->id, strlen(node->id), answer->secret, SECRET_WHOLE))
                        is_good = false;
                node_free(node);
        }
        assert(outcome->class == expected_class(answer, is_good));
        assert(outcome->http_status == answer->http_status);

        assert(memchr(outcome->error, '\0', sizeof outcome->error));
        assert(!*outcome->error == (outcome->class == OUTCOME_OK));
        assert(fuzz_is_safe(outcome->error));
        if (is_secret(answer->secret))
                assert(!strstr(outcome->error, answer->secret));

        /* A report's 204 is OK without one, and so are the bytes that are known. */
        if (outcome->node) {
                assert(outcome->class == OUTCOME_OK);
                assert(outcome->node->size == answer->body_size);
                assert(memcmp(outcome->node->text, answer->body, answer->body_size) == 0);
        } else
                assert(outcome->class != OUTCOME_OK ||
                                (answer->kind == REQUEST_REPORT && answer->http_status == 204) ||
                                (answer->node && answer->node->size == answer->body_size &&
                                                memcmp(answer->node->text, answer->body,
                                                                answer->body_size) == 0));

        assert(outcome->retry_after_usec <= RETRY_AFTER_MAX_SECONDS * USEC_PER_SEC);
        assert(outcome->retry_after_usec <= answer->retry_after_usec);
        if (!may_wait)
                assert(outcome->retry_after_usec == 0);

        /* A status that may carry a Retry-After means overload; an accepted attempt has a response. */
        if (may_wait)
                assert(endpoint_verdict(outcome) == ENDPOINT_OVERLOADED);
        if (outcome->class != OUTCOME_FAILED)
                assert(endpoint_verdict(outcome) == ENDPOINT_ANSWERED);
}
