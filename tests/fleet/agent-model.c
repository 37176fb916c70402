#include "agent-model.h"

#include "core/backoff.h"
#include "util/macro.h"

#define NAIVE_RETRY_USEC (5 * USEC_PER_SEC)

/* ---- ours: the same events, actions and order as in src/agent/manager.c ---- */

/* sd-event may be late by the accuracy that manager.c asks for. It takes the instant at which all timers of
 * the machine meet, which is another on each machine. */
static usec_t timer_expires(const ArgusAgent *agent, usec_t now) {
        usec_t deadline = agent->fsm.deadline_usec;
        usec_t accuracy = agent->fsm.schedule.interval_usec / 60, offset;

        if (deadline <= now)
                return now;
        if (accuracy > USEC_PER_SEC)
                accuracy = USEC_PER_SEC;
        if (accuracy == 0)
                return deadline;

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
                case ACTION_CANCEL: /* of events that are not simulated: addresses, signals, a bus */
                case ACTION_EXIT:
                        assert(false);
                }

        return next;
}

void argus_agent_init(ArgusAgent *agent, usec_t interval_usec, usec_t now, uint64_t random) {
        *agent = (ArgusAgent){ .wake_phase_usec = usec_between(0, USEC_PER_SEC - 1, random) };
        fsm_init(&agent->fsm, interval_usec, now);
}

AgentStep argus_agent_on_timer(ArgusAgent *agent, usec_t now, uint64_t random) {
        return argus_agent_step(
                        agent, &(FsmEvent){ .type = FSM_EVENT_TIMER, .now_usec = now, .random = random });
}

AgentStep argus_agent_on_answer(ArgusAgent *agent, AnswerKind answer, RequestKind kind, bool has_id,
                usec_t now, uint64_t random) {
        FsmEvent event = { .now_usec = now, .random = random };

        event.type = answer_event(answer, kind, has_id, &event.retry_after_usec);
        return argus_agent_step(agent, &event);
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
                return (AgentStep){ .wake_usec = now + NAIVE_RETRY_USEC };

        if (is_good && kind == REQUEST_REPORT) {
                /* Retries took time: on from the next of its instants. */
                do
                        agent->next_usec += agent->interval_usec;
                while (agent->next_usec <= now);
                return (AgentStep){ .wake_usec = agent->next_usec };
        }

        if (is_good)
                agent->is_registered = true;
        return naive_request(agent);
}
