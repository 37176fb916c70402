/* One simulated agent whose random bits are always the same: prints when it asks for what, while it is given
 * the answers of the command line. A real agent with the same bits and answers must ask for the same at the
 * same time: tests/integration/test_simulation_agrees.py. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent-model.h"
#include "util/macro.h"

#define BEGIN_USEC USEC_PER_HOUR
#define RANDOM_BITS (UINT64_C(1) << 63) /* the middle of every span; so in fixed-random.c */

static AnswerKind parse_answer(const char *text) {
        static const struct {
                const char *text;
                AnswerKind answer;
        } answers[] = {
                { "201", ANSWER_NODE },
                { "204", ANSWER_NO_CONTENT },
                { "404", ANSWER_UNKNOWN },
                { "429", ANSWER_SENT_AWAY },
                { "503", ANSWER_OVERLOADED },
                { "timeout", ANSWER_TIMEOUT },
        };

        for (size_t i = 0; i < ELEMENTSOF(answers); i++)
                if (strcmp(answers[i].text, text) == 0)
                        return answers[i].answer;
        return ANSWER_NONE;
}

int main(int argc, char **argv) {
        usec_t now = BEGIN_USEC, timeout;
        ArgusAgent agent;
        AgentStep step;

        if (argc < 4) {
                fprintf(stderr, "usage: %s INTERVAL TIMEOUT RETRY-AFTER ANSWER…\n", argv[0]);
                return 2;
        }
        timeout = strtoull(argv[2], NULL, 10) * USEC_PER_SEC;
        if (answers_classify(strtoull(argv[3], NULL, 10) * USEC_PER_SEC) < 0)
                return 1;

        argus_agent_init(&agent, strtoull(argv[1], NULL, 10) * USEC_PER_SEC, now, 0);
        step = argus_agent_on_timer(&agent, now, RANDOM_BITS);
        for (int i = 4; i < argc; i++) {
                AnswerKind answer = parse_answer(argv[i]);

                if (answer == ANSWER_NONE)
                        return 2;
                while (!step.has_request) {
                        now = step.wake_usec;
                        step = argus_agent_on_timer(&agent, now, RANDOM_BITS);
                }
                printf("%.6f %s %s\n", (double) (now - BEGIN_USEC) / (double) USEC_PER_SEC,
                                step.kind == REQUEST_REGISTER ? "register" : "report",
                                step.has_id ? "with-id" : "without-id");
                now += answer == ANSWER_TIMEOUT ? timeout : 0;
                step = argus_agent_on_answer(&agent, answer, step.kind, step.has_id, now, RANDOM_BITS);
        }

        return 0;
}
