/* SPDX-License-Identifier: MIT */
/* An HTTP answer, taken apart: the class is the one of the protocol's table, and the words are safe to show
 * and hold no secret. */
#include "fuzz.h"

#include "core/outcome.h"

#include "outcome-check.h"

DEFINE_CLEANUP(Node *, node_free)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const unsigned common[] = { 200, 201, 204, 301, 307, 400, 401, 403, 404, 408, 409, 410, 429,
                500, 503, 599 };
        _cleanup_free_ char *secret = NULL, *location = NULL, *words = NULL, *own = NULL;
        _cleanup_(node_free_pointer) Node *node = NULL;
        _cleanup_(outcome_done) Outcome outcome = {};
        FuzzInput input = { data, size };
        uint8_t has = fuzz_byte(&input), status = fuzz_byte(&input), transport = fuzz_byte(&input);
        Answer answer = {
                .kind = has & 1 ? REQUEST_REPORT : REQUEST_REGISTER,
                .transport = transport % 4 ? TRANSPORT_ANSWERED
                                           : (TransportResult) (transport / 4 % (TRANSPORT_LOCAL + 1)),
                .http_status = status < 128 ? common[status % ELEMENTSOF(common)]
                                            : (unsigned) fuzz_number(&input, 2) % 1000,
                .retry_after_usec = has & 2 ? fuzz_number(&input, 8) : 0,
        };

        if (has & 4)
                answer.secret = secret = fuzz_string(&input);
        else if (has & 128)
                answer.secret = "s3/cret"; /* also in the dictionary */
        if (has & 8)
                answer.location = location = fuzz_string(&input);
        if (has & 16)
                answer.transport_text = words = fuzz_string(&input);
        if (has & 32) {
                own = fuzz_string(&input);
                if (node_parse(own, strlen(own), &node, NULL) == 0)
                        answer.node = node;
        }
        answer.body = input.size > 0 ? (const char *) input.data : NULL;
        answer.body_size = input.size;

        assert(outcome_classify(&answer, &outcome) == 0);
        check_outcome(&answer, &outcome);
        return 0;
}
