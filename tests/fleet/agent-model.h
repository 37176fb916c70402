/* Two agents as a simulation drives them: ours, by the state machine of src/core that the real one runs, and
 * a naive one, as it is often written. Both take a timer or an answer, and say what they do next. */
#pragma once

#include "answers.h"

/* What the agent does now: a request; or it waits until `wake_usec`, or (USEC_INFINITY) for the response that
 * is on its way. */
typedef struct AgentStep {
        bool is_cancelled; /* what is on its way is dropped */
        bool has_request;
        RequestKind kind;
        bool has_id;
        usec_t wake_usec;
} AgentStep;

typedef struct ArgusAgent {
        Fsm fsm;
        usec_t asleep_usec;     /* how long the machine was suspended so far */
        usec_t wake_phase_usec; /* where in a second this machine lets its timers coalesce */
        bool has_id;
} ArgusAgent;

void argus_agent_init(ArgusAgent *agent, usec_t interval_usec, usec_t now, uint64_t random);

/* The process starts anew: only the node's id is left of it. */
void argus_agent_restart(ArgusAgent *agent, usec_t now);

/* A response, the timer, or something that happened on the machine. `retry_after` comes with a response. */
AgentStep argus_agent_on_event(
                ArgusAgent *agent, FsmEventType type, usec_t retry_after_usec, usec_t now, uint64_t random);

typedef struct NaiveAgent {
        usec_t interval_usec, next_usec, wake_usec;
        bool is_registered;
} NaiveAgent;

/* It registers and reports at once, then every interval from then on; a failure is tried again after five
 * seconds, until it succeeds. */
void naive_agent_init(NaiveAgent *agent, usec_t interval_usec, usec_t now);
AgentStep naive_agent_on_timer(NaiveAgent *agent);
AgentStep naive_agent_on_answer(NaiveAgent *agent, AnswerKind answer, RequestKind kind, usec_t now);

/* It sleeps until an instant of the wall clock, as sleep loops and cron do, and that is set forward. Returns
 * when it wakes now. (Ours has a timer of CLOCK_BOOTTIME, which nobody sets: there is nothing to model.) */
usec_t naive_agent_step_clock(NaiveAgent *agent, usec_t step_usec, usec_t now);
