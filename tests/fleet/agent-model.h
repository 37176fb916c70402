/* Two agents as a simulation drives them: ours, by the state machine of src/core that the real one runs, and
 * a naive one, as it is often written. Both take a timer or an answer, and say what they do next. */
#pragma once

#include "answers.h"

/* What the agent does now: a request, or it waits until `wake_usec`. */
typedef struct AgentStep {
        bool has_request;
        RequestKind kind;
        bool has_id;
        usec_t wake_usec;
} AgentStep;

typedef struct ArgusAgent {
        Fsm fsm;
        usec_t wake_phase_usec; /* where in a second this machine lets its timers coalesce */
        bool has_id;
} ArgusAgent;

void argus_agent_init(ArgusAgent *agent, usec_t interval_usec, usec_t now, uint64_t random);
AgentStep argus_agent_on_timer(ArgusAgent *agent, usec_t now, uint64_t random);
AgentStep argus_agent_on_answer(ArgusAgent *agent, AnswerKind answer, RequestKind kind, bool has_id,
                usec_t now, uint64_t random);

typedef struct NaiveAgent {
        usec_t interval_usec, next_usec;
        bool is_registered;
} NaiveAgent;

/* It registers and reports at once, then every interval from then on; a failure is tried again after five
 * seconds, until it succeeds. */
void naive_agent_init(NaiveAgent *agent, usec_t interval_usec, usec_t now);
AgentStep naive_agent_on_timer(NaiveAgent *agent);
AgentStep naive_agent_on_answer(NaiveAgent *agent, AnswerKind answer, RequestKind kind, usec_t now);
