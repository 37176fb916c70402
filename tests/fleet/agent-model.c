/* SPDX-License-Identifier: MIT */
#include "agent-model.h"

#include "util/time-util.h"
#include "util/macro.h"

#define NAIVE_RETRY_USEC (5 * USEC_PER_SEC)

/* ---- ours: the same events, actions and order as in src/agent/manager.c ---- */

/* sd-event aligns all timers of a machine at one instant, which differs between machines. */
static usec_t timer_expires(const ArgusAgent *agent, usec_t now) {
        usec_t deadline = agent->fsm.deadline_usec, accuracy = fsm_timer_accuracy(&agent->fsm), offset;

        if (deadline <= now)
                return now;

        offset = (deadline + accuracy - agent->wake_phase_usec % accuracy) % accuracy;
        return offset == 0 ? deadline : deadline + accuracy - offset;
}

static AgentStep argus_agent_step(ArgusAgent *agent, const FsmEvent *event) {
        AgentStep next = { .wake_usec = USEC_INFINITY };
        FsmStep step;

        fsm_step(&agent->fsm, event, &step);
        if (agent->fsm.deadline_usec != USEC_INFINITY)
                next.wake_usec = timer_expires(agent, event->now_usec);

        for (size_t i = 0; i < step.count; i++)
                switch (step.actions[i]) {
                case ACTION_REGISTER:
                case ACTION_REGISTER_WITHOUT_ID:
                        next.has_request = true;
                        next.kind = REQUEST_REGISTER;
                        next.has_id = agent->has_id && step.actions[i] == ACTION_REGISTER;
                        break;
                case ACTION_REPORT:
                        next.has_request = true;
                        next.kind = REQUEST_REPORT;
                        next.has_id = true;
                        break;
                case ACTION_PERSIST: /* the node object of the answer */
                        agent->has_id = true;
                        break;
                case ACTION_PUBLISH:
                        break;
                case ACTION_CANCEL:
                        next.is_cancelled = true;
                        break;
                case ACTION_EXIT: /* signals are not simulated */
                        assert(false);
                }

        fsm_note_acted(&agent->fsm, event->now_usec); /* simulated work takes no time */
        return next;
}

void argus_agent_init(ArgusAgent *agent, usec_t interval_usec, usec_t now, uint64_t random) {
        *agent = (ArgusAgent){ .wake_phase_usec = usec_between(0, USEC_PER_SEC - 1, random) };
        fsm_init(&agent->fsm, interval_usec, now);
}

void argus_agent_restart(ArgusAgent *agent, usec_t now) {
        fsm_init(&agent->fsm, agent->fsm.schedule.interval_usec, now);
}

AgentStep argus_agent_on_event(
                ArgusAgent *agent, FsmEventType type, usec_t retry_after_usec, usec_t now, uint64_t random) {
        return argus_agent_step(agent, &(FsmEvent){
                                                       .type = type,
                                                       .now_usec = now,
                                                       .asleep_usec = agent->asleep_usec,
                                                       .random = random,
                                                       .retry_after_usec = retry_after_usec,
                                       });
}

/* ---- the naive one ---- */

static AgentStep naive_request(const NaiveAgent *agent) {
        return (AgentStep){
                .has_request = true,
                .kind = agent->is_registered ? REQUEST_REPORT : REQUEST_REGISTER,
                .has_id = agent->is_registered,
                .wake_usec = USEC_INFINITY,
        };
}

static AgentStep naive_wait(NaiveAgent *agent, usec_t until) {
        agent->wake_usec = until;
        return (AgentStep){ .wake_usec = until };
}

void naive_agent_init(NaiveAgent *agent, usec_t interval_usec, usec_t now) {
        *agent = (NaiveAgent){ .interval_usec = interval_usec, .next_usec = now };
}

AgentStep naive_agent_on_timer(NaiveAgent *agent) {
        return naive_request(agent);
}

AgentStep naive_agent_on_answer(NaiveAgent *agent, AnswerKind answer, RequestKind kind, usec_t now) {
        bool is_good = answer == ANSWER_NODE || answer == ANSWER_NO_CONTENT;

        if (answer == ANSWER_UNKNOWN)
                agent->is_registered = false;
        else if (!is_good)
                return naive_wait(agent, now + NAIVE_RETRY_USEC);

        if (is_good && kind == REQUEST_REPORT) {
                /* Retries took time: on from the next of its instants. */
                do
                        agent->next_usec += agent->interval_usec;
                while (agent->next_usec <= now);
                return naive_wait(agent, agent->next_usec);
        }

        if (is_good)
                agent->is_registered = true;
        return naive_request(agent);
}

usec_t naive_agent_step_clock(NaiveAgent *agent, usec_t step_usec, usec_t now) {
        agent->next_usec = usec_sub(agent->next_usec, step_usec);
        agent->wake_usec = usec_sub(agent->wake_usec, step_usec);
        return agent->wake_usec > now ? agent->wake_usec : now;
}
