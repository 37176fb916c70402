/* SPDX-License-Identifier: MIT */
#include "core/endpoint-choice.h"

#include "util/macro.h"

#define VISIT_MIN_USEC (10 * USEC_PER_MINUTE)
#define VISIT_MIN_INTERVALS 10

EndpointVerdict endpoint_verdict(const Outcome *outcome) {
        unsigned status = outcome->http_status;

        /* The status counts even if the response was cut short. */
        if (status == 408 || status == 429 || status >= 500)
                return ENDPOINT_OVERLOADED;
        if (outcome->transport == TRANSPORT_ANSWERED || outcome->transport == TRANSPORT_TOO_LARGE)
                return ENDPOINT_ANSWERED;
        return ENDPOINT_UNREACHED;
}

static void choose(EndpointChoice *choice, size_t index, usec_t now) {
        choice->index = index;
        choice->asked |= UINT32_C(1) << index;
        if (index == 0)
                choice->head_usec = now;
}

static bool may_ask(const EndpointChoice *choice, size_t index, usec_t now) {
        return !(choice->asked & UINT32_C(1) << index) && choice->free_usec[index] <= now;
}

/* Chooses the first address from `from` on, around the list, that may be asked. */
static bool choose_from(EndpointChoice *choice, size_t from, usec_t now) {
        for (size_t i = 0; i < choice->count; i++) {
                size_t index = (from + i) % choice->count;

                if (may_ask(choice, index, now)) {
                        choose(choice, index, now);
                        return true;
                }
        }

        return false;
}

static size_t first_free(const EndpointChoice *choice) {
        size_t first = 0;

        for (size_t i = 1; i < choice->count; i++)
                if (choice->free_usec[i] < choice->free_usec[first])
                        first = i;
        return first;
}

void endpoint_choice_begin(EndpointChoice *choice, size_t count, usec_t interval_usec, usec_t now) {
        usec_t period = usec_later(VISIT_MIN_INTERVALS * interval_usec, VISIT_MIN_USEC);

        assert(choice);
        assert(choice->start < count && count <= ENDPOINTS_MAX);

        choice->count = count;
        choice->asked = 0;
        choice->is_visit = choice->start != 0 && usec_sub(now, choice->head_usec) >= period &&
                           may_ask(choice, 0, now);

        if (!choose_from(choice, choice->is_visit ? 0 : choice->start, now))
                choose(choice, first_free(choice), now);
}

bool endpoint_choice_judge(
                EndpointChoice *choice, EndpointVerdict verdict, usec_t retry_after_usec, usec_t now) {
        assert(choice);
        assert(choice->count > 0);

        choice->free_usec[choice->index] = retry_after_usec > 0 ? usec_add(now, retry_after_usec) : 0;

        if (verdict == ENDPOINT_ANSWERED)
                choice->current = choice->start = choice->index;
        else if (verdict == ENDPOINT_OVERLOADED && !choice->is_visit)
                choice->start = (choice->index + 1) % choice->count;
        else
                return true;
        return false;
}

bool endpoint_choice_next(EndpointChoice *choice, usec_t now) {
        size_t from = choice->is_visit ? choice->start : choice->index + 1;

        choice->is_visit = false;
        return choose_from(choice, from, now);
}

size_t endpoint_choice_left(const EndpointChoice *choice, usec_t now) {
        size_t left = 0;

        for (size_t i = 0; i < choice->count; i++)
                left += may_ask(choice, i, now);
        return left;
}

usec_t endpoint_choice_wait(const EndpointChoice *choice, usec_t now) {
        return usec_sub(choice->free_usec[first_free(choice)], now);
}
