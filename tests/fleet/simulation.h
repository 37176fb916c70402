/* SPDX-License-Identifier: MIT */
/* A fleet and its Master, event by event, for as long as a scenario takes. The same seed gives the
 * same numbers. */
#pragma once

#include <stdio.h>

#include "master-model.h"
#include "orders.h"

typedef enum AgentKind {
        AGENT_ARGUS,
        AGENT_NAIVE,
} AgentKind;

typedef struct SimulationOptions {
        AgentKind kind;
        uint32_t nodes;
        uint64_t seed;
        usec_t interval_usec, timeout_usec;
        unsigned seconds;
        usec_t boot_usec;         /* the fleet boots within this time */
        unsigned warm_up_seconds; /* until then the Master serves all at once */
        double capacity;          /* of the Master after the warm-up, in multiples of the steady load */
        usec_t patience_usec;     /* of the Master, see MasterModel; so is the next */
        bool is_overload_sent_away;
        size_t addresses;    /* of the Master */
        usec_t late_usec;    /* how late every machine wakes */
        bool is_one_machine; /* all timers coalesce alike */
        const Order *orders; /* by time */
        size_t n_orders;
} SimulationOptions;

/* Extremes of single nodes, since the last ORDER_MARK. */
typedef struct SimulationSummary {
        int64_t events;           /* in the whole simulation */
        unsigned fewest_accepted; /* reports of any node */
        unsigned most_asked;      /* requests of any node */
        double longest_gap;       /* seconds between accepted reports of any node */
} SimulationSummary;

/* Writes a line of CSV for each second: the second, requests sent, requests that reached the Master, reports
 * accepted, nodes with a report accepted since the last ORDER_MARK. Returns 0 or a negative errno. */
int simulation_run(const SimulationOptions *options, FILE *csv, SimulationSummary *ret);
