#include "simulation.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "agent-model.h"
#include "core/backoff.h"
#include "util/macro.h"
#include "wheel.h"

/* Two events within a tick have no order. */
#define TICK_USEC UINT64_C(100)
#define TICKS_PER_SECOND ((tick_t) (USEC_PER_SEC / TICK_USEC))

/* Boot time when the simulation begins; 0 means "never" in the agent. */
#define BEGIN_USEC USEC_PER_HOUR

/* A machine, as small as can be: a million of them go through the cache at random. */
typedef struct Machine {
        union {
                ArgusAgent argus;
                NaiveAgent naive;
        };
        tick_t accepted_tick; /* of the last report that was accepted */
        uint8_t known;        /* see master_model_ask() */
        uint8_t answer;       /* AnswerKind that is on its way; ANSWER_NONE: the timer is set */
        uint8_t kind;         /* of the request in flight */
        bool has_id;          /* likewise */
        bool is_running;
} Machine;

typedef struct Simulation {
        const Scenario *scenario;
        const SimulationOptions *options;
        AgentKind kind;
        MasterModel master;
        Machine *machines;
        Wheel *wheel;
        uint64_t random;
        tick_t now, changed_tick;
        size_t changes_done;
        int64_t events;
        /* Of the second that passes. */
        uint32_t requests, reached, accepted;
        uint32_t back; /* nodes with a report accepted since changed_tick */
} Simulation;

/* splitmix64, Steele et al. 2014. */
static uint64_t simulation_random(Simulation *simulation) {
        uint64_t z = (simulation->random += UINT64_C(0x9E3779B97F4A7C15));

        z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
        return z ^ (z >> 31);
}

static usec_t simulation_usec(const Simulation *simulation) {
        return BEGIN_USEC + simulation->now * TICK_USEC;
}

static void simulation_schedule(Simulation *simulation, uint32_t entry, usec_t at_usec) {
        tick_t due = (tick_t) ((at_usec - BEGIN_USEC + TICK_USEC - 1) / TICK_USEC);

        wheel_add(simulation->wheel, entry, due > simulation->now ? due : simulation->now + 1);
}

static void simulation_ask(Simulation *simulation, uint32_t entry, const AgentStep *step) {
        Machine *machine = &simulation->machines[entry];
        usec_t now = simulation_usec(simulation);
        MasterReply reply;

        reply = master_model_ask(&simulation->master, now, step->kind, entry % 2 == 1, &machine->known);
        simulation->requests++;
        simulation->reached += reply.is_reached;
        machine->answer = (uint8_t) reply.answer;
        machine->kind = (uint8_t) step->kind;
        machine->has_id = step->has_id;
        simulation_schedule(simulation, entry, now + reply.after_usec);
}

static void simulation_note_accepted(Simulation *simulation, Machine *machine) {
        simulation->accepted++;
        if (machine->accepted_tick <= simulation->changed_tick)
                simulation->back++;
        machine->accepted_tick = simulation->now;
}

static AgentStep machine_on_timer(Simulation *simulation, Machine *machine) {
        usec_t now = simulation_usec(simulation);

        if (simulation->kind == AGENT_NAIVE) {
                if (!machine->is_running)
                        naive_agent_init(&machine->naive, simulation->options->interval_usec, now);
                machine->is_running = true;
                return naive_agent_on_timer(&machine->naive);
        }

        if (!machine->is_running)
                argus_agent_init(&machine->argus, simulation->options->interval_usec, now,
                                simulation->options->is_one_machine ? 0 : simulation_random(simulation));
        machine->is_running = true;
        return argus_agent_on_timer(&machine->argus, now, simulation_random(simulation));
}

static AgentStep machine_on_answer(Simulation *simulation, Machine *machine) {
        usec_t now = simulation_usec(simulation);
        AnswerKind answer = machine->answer;

        machine->answer = ANSWER_NONE;
        if (answer == ANSWER_NO_CONTENT)
                simulation_note_accepted(simulation, machine);
        if (simulation->kind == AGENT_NAIVE)
                return naive_agent_on_answer(&machine->naive, answer, machine->kind, now);
        return argus_agent_on_answer(&machine->argus, answer, machine->kind, machine->has_id, now,
                        simulation_random(simulation));
}

static void simulation_step(Simulation *simulation, uint32_t entry) {
        Machine *machine = &simulation->machines[entry];
        AgentStep step = machine->answer == ANSWER_NONE ? machine_on_timer(simulation, machine)
                                                        : machine_on_answer(simulation, machine);

        simulation->events++;
        if (step.has_request)
                simulation_ask(simulation, entry, &step);
        else
                simulation_schedule(simulation, entry, step.wake_usec);
}

/* In the warm-up the fleet comes up unhindered. */
static void simulation_set_rate(Simulation *simulation, unsigned second) {
        const SimulationOptions *options = simulation->options;
        double steady = options->nodes * (double) USEC_PER_SEC / (double) options->interval_usec;

        simulation->master.rate =
                        steady * (second < simulation->scenario->warm_up_seconds ? 1000 : options->capacity);
}

static void simulation_change(Simulation *simulation, unsigned second) {
        const Change *change = &simulation->scenario->changes[simulation->changes_done];

        if (simulation->changes_done == simulation->scenario->n_changes || change->at_second != second)
                return;

        simulation->changes_done++;
        simulation->master.mode = change->mode;
        simulation->master.generation += change->is_database_lost;
        simulation->changed_tick = simulation->now;
        simulation->back = 0;
}

static int simulation_begin(Simulation *simulation) {
        const SimulationOptions *options = simulation->options;
        int r;

        r = wheel_new(options->nodes, &simulation->wheel);
        if (r < 0)
                return r;
        simulation->machines = calloc(options->nodes, sizeof *simulation->machines);
        if (!simulation->machines)
                return -ENOMEM;

        for (uint32_t i = 0; i < options->nodes; i++)
                simulation_schedule(simulation, i,
                                BEGIN_USEC + usec_between(0, simulation->scenario->boot_usec,
                                                             simulation_random(simulation)));
        return 0;
}

static void simulation_second(Simulation *simulation) {
        uint32_t likely_next, entry;

        for (tick_t i = 0; i < TICKS_PER_SECOND; i++) {
                wheel_advance(simulation->wheel, ++simulation->now);
                while ((entry = wheel_pop(simulation->wheel, &likely_next)) != WHEEL_NONE) {
                        if (likely_next != WHEEL_NONE) {
                                const char *soon = (const char *) &simulation->machines[likely_next];

                                __builtin_prefetch(soon, 1);
                                __builtin_prefetch(soon + 64, 1);
                        }
                        simulation_step(simulation, entry);
                }
        }
}

int64_t simulation_run(
                const Scenario *scenario, AgentKind kind, const SimulationOptions *options, FILE *csv) {
        Simulation simulation = {
                .scenario = scenario,
                .options = options,
                .kind = kind,
                .random = options->seed,
                .master = {
                        .patience_usec = scenario->patience_usec,
                        .is_overload_sent_away = scenario->is_overload_sent_away,
                        .timeout_usec = options->timeout_usec,
                        .generation = 1,
                },
        };
        int r;

        r = simulation_begin(&simulation);
        for (unsigned second = 0; r >= 0 && second < scenario->seconds; second++) {
                simulation_set_rate(&simulation, second);
                simulation_change(&simulation, second);
                simulation.requests = simulation.reached = simulation.accepted = 0;
                simulation_second(&simulation);
                if (fprintf(csv, "%s,%s,%u,%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%" PRIu32 "\n",
                                    scenario->name, kind == AGENT_NAIVE ? "naive" : "argus", second,
                                    simulation.requests, simulation.reached, simulation.accepted,
                                    simulation.back) < 0)
                        r = -errno;
        }

        simulation.wheel = wheel_free(simulation.wheel);
        free(simulation.machines);
        return r < 0 ? r : simulation.events;
}
