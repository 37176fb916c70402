/* SPDX-License-Identifier: MIT */
#include "util/time-util.h"
#include "simulation-private.h"
#include "util/macro.h"

static void order_to_master(Simulation *simulation, const Order *order) {
        MasterModel *master = &simulation->master;
        Fault fault = { order->answer, order->first_percent, order->last_percent, order->chance_percent };

        if (order->verb == ORDER_LOSE)
                master->generation++;
        else if (order->verb == ORDER_DELAY) /* seconds=0 ends it */
                master->delay_usec = order->seconds * USEC_PER_SEC;
        else
                for (int i = 0; i < ENDPOINTS_MAX; i++)
                        if (order->address < 0 || order->address == i)
                                master->faults[i] = fault;
}

static void order_pause(Simulation *simulation, const Order *order, uint32_t entry) {
        Machine *machine = &simulation->machines[entry];

        machine->paused_tick = simulation->now + order->seconds * TICKS_PER_SECOND;
        if (order->verb == ORDER_SUSPEND && simulation->options->kind == AGENT_ARGUS)
                machine->argus.asleep_usec += order->seconds * USEC_PER_SEC;
        /* A response that comes meanwhile waits in the machine; but libcurl checks its timeout first. */
        if (machine->answer != ANSWER_NONE &&
                        order->seconds * USEC_PER_SEC > simulation->options->timeout_usec)
                machine->answer = ANSWER_TIMEOUT;
}

static void order_happening(Simulation *simulation, const Order *order, uint32_t entry) {
        Machine *machine = &simulation->machines[entry];
        uint32_t happening = simulation->options->nodes + entry;

        if (machine->happening)
                wheel_remove(simulation->wheel, happening);
        machine->happening = (uint8_t) order->verb;
        simulation_schedule(simulation, happening,
                        simulation_usec(simulation) + usec_between(order->after * USEC_PER_SEC,
                                                                      order->within * USEC_PER_SEC,
                                                                      simulation_random(simulation)));
}

static void order_cut(Simulation *simulation, const Order *order, uint32_t entry) {
        Machine *machine = &simulation->machines[entry];

        if (machine->answer == ANSWER_NONE ||
                        usec_between(0, 99, simulation_random(simulation)) >= order->chance_percent)
                return;
        wheel_remove(simulation->wheel, entry);
        machine->answer = ANSWER_REFUSED;
        simulation_schedule(simulation, entry, simulation_usec(simulation));
}

static void order_step_clock(Simulation *simulation, const Order *order, uint32_t entry) {
        Machine *machine = &simulation->machines[entry];
        usec_t wake;

        if (simulation->options->kind != AGENT_NAIVE || !machine->is_running)
                return;
        wake = naive_agent_step_clock(
                        &machine->naive, order->seconds * USEC_PER_SEC, simulation_usec(simulation));
        if (machine->answer != ANSWER_NONE)
                return;
        wheel_remove(simulation->wheel, entry);
        simulation_schedule(simulation, entry, wake);
}

static void order_mark(Simulation *simulation, const Order *order _unused_, uint32_t entry) {
        simulation->machines[entry].accepted = simulation->machines[entry].asked = 0;
}

void simulation_order(Simulation *simulation, const Order *order) {
        static void (*const to_machine[_ORDER_VERB_MAX])(Simulation *, const Order *, uint32_t) = {
                [ORDER_CUT] = order_cut,
                [ORDER_STOP] = order_pause,
                [ORDER_SUSPEND] = order_pause,
                [ORDER_RESTART] = order_happening,
                [ORDER_HEALTH] = order_happening,
                [ORDER_MOVE] = order_happening,
                [ORDER_STEP] = order_step_clock,
                [ORDER_MARK] = order_mark,
        };

        if (order->verb == ORDER_MARK) {
                simulation->marked_tick = simulation->now;
                simulation->back = 0;
                simulation->summary.longest_gap = 0;
        }
        if (!to_machine[order->verb]) {
                order_to_master(simulation, order);
                return;
        }
        for (uint32_t i = 0; i < simulation->options->nodes; i++)
                if (order_is_for(order, i))
                        to_machine[order->verb](simulation, order, i);
}
