/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>

#include "util/time-util.h"
#include "simulation-private.h"
#include "util/macro.h"

/* Machines that are continued at one instant run again within this time. */
#define RESUME_USEC (200 * USEC_PER_MSEC)

/* splitmix64, Steele et al. 2014. */
uint64_t simulation_random(Simulation *simulation) {
        uint64_t z = (simulation->random += UINT64_C(0x9E3779B97F4A7C15));

        z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
        return z ^ (z >> 31);
}

usec_t simulation_usec(const Simulation *simulation) {
        return BEGIN_USEC + simulation->now * TICK_USEC;
}

void simulation_schedule(Simulation *simulation, uint32_t entry, usec_t at_usec) {
        tick_t due = (tick_t) ((at_usec - BEGIN_USEC + TICK_USEC - 1) / TICK_USEC);

        wheel_add(simulation->wheel, entry, due > simulation->now ? due : simulation->now + 1);
}

/* ---- requests ---- */

static void simulation_ask(Simulation *simulation, uint32_t entry) {
        const SimulationOptions *options = simulation->options;
        Machine *machine = &simulation->machines[entry];
        MasterRequest request = {
                .now_usec = simulation_usec(simulation),
                .timeout_usec = options->timeout_usec,
                .kind = machine->kind,
                .node_percent = entry % 100,
                .random = simulation_random(simulation),
        };
        MasterReply reply;

        if (simulation->walks) {
                const Walk *walk = &simulation->walks[entry];

                request.address = walk->choice.index;
                request.timeout_usec = walk_timeout(walk, options->timeout_usec, request.now_usec);
        }
        reply = master_model_ask(&simulation->master, &request, &machine->known);
        simulation->requests++;
        simulation->reached += reply.is_reached;
        machine->asked++;
        machine->answer = (uint8_t) reply.answer;
        simulation_schedule(simulation, entry, request.now_usec + reply.after_usec + options->late_usec);
}

static void simulation_begin_attempt(Simulation *simulation, uint32_t entry, const AgentStep *step) {
        const SimulationOptions *options = simulation->options;
        Machine *machine = &simulation->machines[entry];

        machine->kind = (uint8_t) step->kind;
        machine->has_id = step->has_id;
        if (simulation->walks)
                walk_begin(&simulation->walks[entry], options->addresses, options->interval_usec,
                                simulation_usec(simulation));
        simulation_ask(simulation, entry);
}

static void simulation_note_gap(Simulation *simulation, const Machine *machine) {
        tick_t since = machine->accepted_tick > simulation->marked_tick ? machine->accepted_tick
                                                                        : simulation->marked_tick;
        double gap = (double) (simulation->now - since) / TICKS_PER_SECOND;

        if (gap > simulation->summary.longest_gap)
                simulation->summary.longest_gap = gap;
}

static void simulation_note_accepted(Simulation *simulation, Machine *machine) {
        simulation_note_gap(simulation, machine);
        simulation->accepted++;
        machine->accepted++;
        if (machine->accepted_tick <= simulation->marked_tick)
                simulation->back++;
        machine->accepted_tick = simulation->now;
}

/* ---- what reaches an agent ---- */

static AgentStep machine_boot(Simulation *simulation, Machine *machine) {
        const SimulationOptions *options = simulation->options;
        usec_t now = simulation_usec(simulation);

        machine->is_running = true;
        if (options->kind == AGENT_NAIVE) {
                naive_agent_init(&machine->naive, options->interval_usec, now);
                return naive_agent_on_timer(&machine->naive);
        }

        argus_agent_init(&machine->argus, options->interval_usec, now,
                        options->is_one_machine ? 0 : simulation_random(simulation));
        return argus_agent_on_event(&machine->argus, FSM_EVENT_TIMER, 0, now, simulation_random(simulation));
}

static AgentStep machine_on_timer(Simulation *simulation, Machine *machine) {
        if (!machine->is_running)
                return machine_boot(simulation, machine);
        if (simulation->options->kind == AGENT_NAIVE)
                return naive_agent_on_timer(&machine->naive);
        return argus_agent_on_event(&machine->argus, FSM_EVENT_TIMER, 0, simulation_usec(simulation),
                        simulation_random(simulation));
}

static AgentStep simulation_on_answer(Simulation *simulation, uint32_t entry, AnswerKind answer) {
        Machine *machine = &simulation->machines[entry];
        usec_t now = simulation_usec(simulation), retry_after;
        FsmEventType type;

        if (answer == ANSWER_NO_CONTENT)
                simulation_note_accepted(simulation, machine);
        if (simulation->options->kind == AGENT_NAIVE)
                return naive_agent_on_answer(&machine->naive, answer, machine->kind, now);

        type = answer_event(answer, machine->kind, machine->has_id, &retry_after);
        if (simulation->walks)
                retry_after = endpoint_choice_wait(&simulation->walks[entry].choice, now);
        return argus_agent_on_event(&machine->argus, type, retry_after, now, simulation_random(simulation));
}

/* Nothing of the machine is pending in the wheel. */
static void simulation_follow(Simulation *simulation, uint32_t entry, const AgentStep *step) {
        if (step->has_request)
                simulation_begin_attempt(simulation, entry, step);
        else
                simulation_schedule(simulation, entry, step->wake_usec + simulation->options->late_usec);
}

static void simulation_step(Simulation *simulation, uint32_t entry) {
        Machine *machine = &simulation->machines[entry];
        AnswerKind answer = machine->answer;
        AgentStep step;

        machine->answer = ANSWER_NONE;
        if (answer == ANSWER_NONE)
                step = machine_on_timer(simulation, machine);
        else if (simulation->walks &&
                        walk_continues(&simulation->walks[entry], simulation_usec(simulation), &answer)) {
                simulation_ask(simulation, entry);
                return;
        } else
                step = simulation_on_answer(simulation, entry, answer);
        simulation_follow(simulation, entry, &step);
}

/* ---- events of a machine other than its timer and responses ---- */

static AgentStep machine_restart(Simulation *simulation, Machine *machine) {
        AgentStep step;

        if (simulation->options->kind == AGENT_NAIVE)
                step = machine_boot(simulation, machine);
        else {
                argus_agent_restart(&machine->argus, simulation_usec(simulation));
                step = machine_on_timer(simulation, machine);
        }
        step.is_cancelled = true;
        return step;
}

/* The naive agent has only its timer. */
static AgentStep machine_on_happening(Simulation *simulation, Machine *machine, OrderVerb happening) {
        if (happening == ORDER_RESTART)
                return machine_restart(simulation, machine);
        return argus_agent_on_event(&machine->argus,
                        happening == ORDER_HEALTH ? FSM_EVENT_HEALTH_CHANGED : FSM_EVENT_ADDRESS_CHANGED, 0,
                        simulation_usec(simulation), simulation_random(simulation));
}

static void simulation_happen(Simulation *simulation, uint32_t entry) {
        Machine *machine = &simulation->machines[entry];
        OrderVerb happening = machine->happening;
        AgentStep step;

        machine->happening = 0;
        if (!machine->is_running || (simulation->options->kind == AGENT_NAIVE && happening != ORDER_RESTART))
                return;

        step = machine_on_happening(simulation, machine, happening);
        if (machine->answer != ANSWER_NONE && !step.is_cancelled && !step.has_request)
                return; /* a response is still due */

        machine->answer = ANSWER_NONE;
        wheel_remove(simulation->wheel, entry);
        simulation_follow(simulation, entry, &step);
}

static void simulation_event(Simulation *simulation, uint32_t entry) {
        uint32_t nodes = simulation->options->nodes, node = entry < nodes ? entry : entry - nodes;
        const Machine *machine = &simulation->machines[node];

        if (machine->paused_tick > simulation->now) {
                simulation_schedule(simulation, entry,
                                BEGIN_USEC + machine->paused_tick * TICK_USEC +
                                                usec_between(0, RESUME_USEC, simulation_random(simulation)));
                return;
        }

        simulation->summary.events++;
        if (entry < nodes)
                simulation_step(simulation, node);
        else
                simulation_happen(simulation, node);
}

/* ---- time ---- */

static void simulation_begin_second(Simulation *simulation, unsigned second) {
        const SimulationOptions *options = simulation->options;
        double steady = options->nodes * (double) USEC_PER_SEC / (double) options->interval_usec;

        /* During the warm-up the Master serves all. */
        simulation->master.rate = steady * (second < options->warm_up_seconds ? 1000 : options->capacity);
        simulation->requests = simulation->reached = simulation->accepted = 0;

        while (simulation->orders_done < options->n_orders &&
                        options->orders[simulation->orders_done].at_second <= second)
                simulation_order(simulation, &options->orders[simulation->orders_done++]);
}

static void simulation_second(Simulation *simulation) {
        uint32_t likely_next, entry;

        for (tick_t i = 0; i < TICKS_PER_SECOND; i++) {
                wheel_advance(simulation->wheel, ++simulation->now);
                while ((entry = wheel_pop(simulation->wheel, &likely_next)) != WHEEL_NONE) {
                        if (likely_next < simulation->options->nodes) {
                                const char *soon = (const char *) &simulation->machines[likely_next];

                                __builtin_prefetch(soon, 1);
                                __builtin_prefetch(soon + 64, 1);
                                __builtin_prefetch(soon + 128, 1);
                        }
                        simulation_event(simulation, entry);
                }
        }
}

static int simulation_begin(Simulation *simulation) {
        const SimulationOptions *options = simulation->options;
        int r;

        r = wheel_new(2 * options->nodes, &simulation->wheel);
        if (r < 0)
                return r;
        simulation->machines = calloc(options->nodes, sizeof *simulation->machines);
        if (!simulation->machines)
                return -ENOMEM;
        if (options->addresses > 1) {
                simulation->walks = calloc(options->nodes, sizeof *simulation->walks);
                if (!simulation->walks)
                        return -ENOMEM;
        }

        for (uint32_t i = 0; i < options->nodes; i++)
                simulation_schedule(simulation, i,
                                BEGIN_USEC + usec_between(0, options->boot_usec,
                                                             simulation_random(simulation)));
        return 0;
}

static void simulation_sum_up(Simulation *simulation, SimulationSummary *ret) {
        *ret = simulation->summary;
        ret->fewest_accepted = UINT_MAX;
        for (uint32_t i = 0; i < simulation->options->nodes; i++) {
                const Machine *machine = &simulation->machines[i];

                simulation_note_gap(simulation, machine);
                if (machine->accepted < ret->fewest_accepted)
                        ret->fewest_accepted = machine->accepted;
                if (machine->asked > ret->most_asked)
                        ret->most_asked = machine->asked;
        }
        ret->longest_gap = simulation->summary.longest_gap;
}

int simulation_run(const SimulationOptions *options, FILE *csv, SimulationSummary *ret) {
        Simulation simulation = {
                .options = options,
                .random = options->seed,
                .master = {
                        .patience_usec = options->patience_usec,
                        .is_overload_sent_away = options->is_overload_sent_away,
                        .generation = 1,
                },
        };
        int r;

        r = simulation_begin(&simulation);
        for (unsigned second = 0; r >= 0 && second < options->seconds; second++) {
                simulation_begin_second(&simulation, second);
                simulation_second(&simulation);
                if (fprintf(csv, "%u,%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%" PRIu32 "\n", second,
                                    simulation.requests, simulation.reached, simulation.accepted,
                                    simulation.back) < 0)
                        r = -errno;
        }
        if (r >= 0)
                simulation_sum_up(&simulation, ret);

        simulation.wheel = wheel_free(simulation.wheel);
        free(simulation.walks);
        free(simulation.machines);
        return r;
}
