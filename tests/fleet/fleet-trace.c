/* SPDX-License-Identifier: MIT */
/* One simulated agent whose random bits are always the same: prints when it asks for what, while it is given
 * the answers of the command line. A real agent with the same bits and answers must ask for the same at the
 * same time: tests/integration/test_simulation_agrees.py. */
#include <inttypes.h>
#include <stdio.h>

#include "agent-model.h"
#include "util/macro.h"

#define BEGIN_USEC USEC_PER_HOUR
#define RANDOM_BITS (UINT64_C(1) << 63) /* the middle of every span; so in fixed-random.c */

enum { STOPS_MAX = 4 };

/* The process is stopped from the first to the second; a wake-up in between comes at the end. */
typedef struct Stop {
        usec_t first, last;
} Stop;

static usec_t wake_after(const Stop *stops, size_t n_stops, usec_t wake) {
        for (size_t i = 0; i < n_stops; i++)
                if (wake >= stops[i].first && wake < stops[i].last)
                        return stops[i].last;
        return wake;
}

static bool parse_stop(const char *text, Stop *ret) {
        double first, last;

        if (sscanf(text, "stop=%lf-%lf", &first, &last) != 2)
                return false;

        *ret = (Stop){ BEGIN_USEC + (usec_t) (first * USEC_PER_SEC),
                BEGIN_USEC + (usec_t) (last * USEC_PER_SEC) };
        return true;
}

int main(int argc, char **argv) {
        usec_t now = BEGIN_USEC, timeout, retry_after;
        Stop stops[STOPS_MAX];
        size_t n_stops = 0;
        FsmEventType type;
        ArgusAgent agent;
        AgentStep step;
        int first = 4;

        while (first < argc && n_stops < STOPS_MAX && parse_stop(argv[first], &stops[n_stops]))
                first++, n_stops++;
        if (argc < 4) {
                fprintf(stderr, "usage: %s INTERVAL TIMEOUT RETRY-AFTER [stop=SECOND-SECOND…] RESPONSE…\n",
                                argv[0]);
                return 2;
        }
        timeout = strtoull(argv[2], NULL, 10) * USEC_PER_SEC;
        if (answers_classify(strtoull(argv[3], NULL, 10) * USEC_PER_SEC) < 0)
                return 1;

        argus_agent_init(&agent, strtoull(argv[1], NULL, 10) * USEC_PER_SEC, now, 0);
        step = argus_agent_on_event(&agent, FSM_EVENT_TIMER, 0, now, RANDOM_BITS);
        for (int i = first; i < argc; i++) {
                AnswerKind answer = answer_from_string(argv[i]);

                if (answer == ANSWER_NONE)
                        return 2;
                while (!step.has_request) {
                        now = wake_after(stops, n_stops, step.wake_usec);
                        step = argus_agent_on_event(&agent, FSM_EVENT_TIMER, 0, now, RANDOM_BITS);
                }
                printf("%.6f %s %s\n", (double) (now - BEGIN_USEC) / (double) USEC_PER_SEC,
                                step.kind == REQUEST_REGISTER ? "register" : "report",
                                step.has_id ? "with-id" : "without-id");
                now += answer == ANSWER_TIMEOUT ? timeout : 0;
                type = answer_event(answer, step.kind, step.has_id, &retry_after);
                step = argus_agent_on_event(&agent, type, retry_after, now, RANDOM_BITS);
        }

        return 0;
}
