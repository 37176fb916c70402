/* SPDX-License-Identifier: MIT */
/* Two agents as a simulation drives them: ours, by the state machine of src/core that the real one runs, and
 * a naive one, as it is often written. Both take a timer or a response, and say what they do next. */
#pragma once

#include "answers.h"

/* What the agent does now: it makes a request, or waits until `wake_usec` (USEC_INFINITY: for the response
 * to the request in flight). */
typedef struct AgentStep {
        bool is_cancelled; /* the request in flight is dropped */
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

/* The process is restarted and keeps only the node's id. */
void argus_agent_restart(ArgusAgent *agent, usec_t now);

/* A response, the timer, or something that happened on the machine. `retry_after` comes with a response. */
AgentStep argus_agent_on_event(
                ArgusAgent *agent, FsmEventType type, usec_t retry_after_usec, usec_t now, uint64_t random);

typedef struct NaiveAgent {
        usec_t interval_usec, next_usec, wake_usec;
        bool is_registered;
} NaiveAgent;

/* It registers and reports at once, then once an interval; after a failure it retries every five seconds
 * until it succeeds. */
void naive_agent_init(NaiveAgent *agent, usec_t interval_usec, usec_t now);
AgentStep naive_agent_on_timer(NaiveAgent *agent);
AgentStep naive_agent_on_answer(NaiveAgent *agent, AnswerKind answer, RequestKind kind, usec_t now);

/* The wall clock is set forward. The naive agent sleeps until a wall-clock time, as cron does; returns when
 * it wakes after the step. (Our timer uses CLOCK_BOOTTIME, which nobody can set: nothing to model.) */
usec_t naive_agent_step_clock(NaiveAgent *agent, usec_t step_usec, usec_t now);
