/* A fleet and its Master, event by event, for as long as a scenario takes. The same seed gives the same
 * numbers. */
#pragma once

#include <stdio.h>

#include "master-model.h"

typedef enum AgentKind {
        AGENT_ARGUS,
        AGENT_NAIVE,
} AgentKind;

/* Something happens to the Master. */
typedef struct Change {
        unsigned at_second;
        MasterMode mode;
        bool is_database_lost;
} Change;

enum { CHANGES_MAX = 2 };

typedef struct Scenario {
        const char *name;
        unsigned seconds;
        usec_t boot_usec;         /* the fleet boots within this time */
        unsigned warm_up_seconds; /* until then the Master serves all at once */
        usec_t patience_usec;     /* of the Master, see MasterModel; so is the next */
        bool is_overload_sent_away;
        Change changes[CHANGES_MAX];
        size_t n_changes;
} Scenario;

typedef struct SimulationOptions {
        uint32_t nodes;
        uint64_t seed;
        usec_t interval_usec, timeout_usec;
        double capacity;     /* of the Master, in multiples of the steady load */
        bool is_one_machine; /* all timers coalesce alike */
} SimulationOptions;

/* Writes a line of CSV for each second: scenario, agent, second, requests sent, requests that reached the
 * Master, reports accepted, nodes with a report accepted since the Master last changed. Returns the number
 * of events, or a negative errno. */
int64_t simulation_run(
                const Scenario *scenario, AgentKind kind, const SimulationOptions *options, FILE *csv);
