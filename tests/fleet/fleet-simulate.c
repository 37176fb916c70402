/* Simulates a fleet of agents in the scenarios of tests/fleet/scenarios.py; ./dev fleet runs it. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "simulation.h"
#include "util/macro.h"

#define AFTERWARDS 300
#define RETRY_AFTER_USEC (120 * USEC_PER_SEC)

typedef struct Arguments {
        SimulationOptions options;
        const char *scenario;
        AgentKind kind;
        unsigned warm_up; /* seconds until something happens to a fleet that is under way */
        unsigned hold;    /* seconds that a fault, or the steady state, holds */
        unsigned boot_seconds;
} Arguments;

static int usage(const char *program) {
        fprintf(stderr,
                        "usage: %s [OPTION…] SCENARIO\n"
                        "  --nodes=N --seed=N --agent=argus|naive --interval=SECONDS --timeout=SECONDS\n"
                        "  --capacity=MULTIPLE-OF-THE-STEADY-LOAD --one-machine\n"
                        "  --warm-up=SECONDS --hold=SECONDS --boot=SECONDS\n"
                        "scenarios: boot boot-sent-away steady restart refused silent forgotten sent-away split\n",
                        program);
        return 2;
}

/* A fault that begins after the warm-up, and is over after `hold`. */
static Scenario fault(const char *name, MasterMode mode, unsigned warm_up, unsigned hold) {
        return (Scenario){
                .name = name,
                .seconds = warm_up + hold + AFTERWARDS,
                .boot_usec = USEC_PER_MINUTE,
                .warm_up_seconds = warm_up,
                .patience_usec = 2 * USEC_PER_SEC,
                .changes = { { warm_up, mode, false }, { warm_up + hold, MASTER_SERVES, false } },
                .n_changes = 2,
        };
}

static int find_scenario(const Arguments *arguments, Scenario *ret) {
        const char *name = arguments->scenario;
        unsigned warm_up = arguments->warm_up;
        Scenario scenario = fault(name, MASTER_SERVES, warm_up, arguments->hold);

        if (strcmp(name, "boot") == 0 || strcmp(name, "boot-sent-away") == 0) {
                scenario.boot_usec = USEC_PER_SEC;
                scenario.warm_up_seconds = 0;
                scenario.is_overload_sent_away = strcmp(name, "boot-sent-away") == 0;
                scenario.n_changes = 0;
        } else if (strcmp(name, "steady") == 0)
                scenario.n_changes = 0;
        else if (strcmp(name, "restart") == 0)
                scenario = fault(name, MASTER_REFUSES, warm_up, 20);
        else if (strcmp(name, "refused") == 0)
                scenario = fault(name, MASTER_REFUSES, warm_up, arguments->hold);
        else if (strcmp(name, "silent") == 0) {
                scenario = fault(name, MASTER_IS_SILENT, warm_up, arguments->hold);
                scenario.patience_usec =
                                USEC_PER_MINUTE; /* it never says 503: what waits too long times out */
        } else if (strcmp(name, "forgotten") == 0) {
                scenario.changes[0].is_database_lost = true;
                scenario.n_changes = 1;
        } else if (strcmp(name, "sent-away") == 0)
                scenario = fault(name, MASTER_SENDS_AWAY, warm_up, arguments->hold);
        else if (strcmp(name, "split") == 0)
                scenario = fault(name, MASTER_IS_SPLIT, warm_up, arguments->hold);
        else
                return -EINVAL;

        if (arguments->boot_seconds > 0)
                scenario.boot_usec = arguments->boot_seconds * USEC_PER_SEC;
        *ret = scenario;
        return 0;
}

static int parse_arguments(int argc, char **argv, Arguments *arguments) {
        static const struct option options[] = {
                { "nodes", required_argument, NULL, 'n' },
                { "seed", required_argument, NULL, 's' },
                { "agent", required_argument, NULL, 'a' },
                { "interval", required_argument, NULL, 'i' },
                { "timeout", required_argument, NULL, 't' },
                { "capacity", required_argument, NULL, 'c' },
                { "warm-up", required_argument, NULL, 'w' },
                { "hold", required_argument, NULL, 'h' },
                { "boot", required_argument, NULL, 'b' },
                { "one-machine", no_argument, NULL, 'o' },
                {},
        };
        int option;

        while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0)
                switch (option) {
                case 'n':
                        arguments->options.nodes = (uint32_t) strtoul(optarg, NULL, 10);
                        break;
                case 's':
                        arguments->options.seed = strtoull(optarg, NULL, 10);
                        break;
                case 'a':
                        arguments->kind = strcmp(optarg, "naive") == 0 ? AGENT_NAIVE : AGENT_ARGUS;
                        break;
                case 'i':
                        arguments->options.interval_usec = strtoull(optarg, NULL, 10) * USEC_PER_SEC;
                        break;
                case 't':
                        arguments->options.timeout_usec = strtoull(optarg, NULL, 10) * USEC_PER_SEC;
                        break;
                case 'c':
                        arguments->options.capacity = strtod(optarg, NULL);
                        break;
                case 'w':
                        arguments->warm_up = (unsigned) strtoul(optarg, NULL, 10);
                        break;
                case 'h':
                        arguments->hold = (unsigned) strtoul(optarg, NULL, 10);
                        break;
                case 'b':
                        arguments->boot_seconds = (unsigned) strtoul(optarg, NULL, 10);
                        break;
                case 'o':
                        arguments->options.is_one_machine = true;
                        break;
                default:
                        return -EINVAL;
                }

        if (optind != argc - 1 || arguments->options.nodes == 0 || arguments->options.interval_usec == 0 ||
                        arguments->options.capacity <= 0)
                return -EINVAL;
        arguments->scenario = argv[optind];
        return 0;
}

int main(int argc, char **argv) {
        Arguments arguments = {
                .options = {
                        .nodes = 1000000,
                        .seed = 1,
                        .interval_usec = 60 * USEC_PER_SEC,
                        .timeout_usec = 10 * USEC_PER_SEC,
                        .capacity = 1.2,
                },
                .warm_up = 180,
                .hold = 3600,
        };
        Scenario scenario;
        int64_t events;
        int r;

        if (parse_arguments(argc, argv, &arguments) < 0 || find_scenario(&arguments, &scenario) < 0)
                return usage(argv[0]);

        r = answers_classify(RETRY_AFTER_USEC);
        if (r < 0) {
                fprintf(stderr, "%s: %s\n", argv[0], strerror(-r));
                return 1;
        }

        events = simulation_run(&scenario, arguments.kind, &arguments.options, stdout);
        if (events < 0 || fflush(stdout) != 0) {
                fprintf(stderr, "%s: %s\n", argv[0], strerror(events < 0 ? (int) -events : errno));
                return 1;
        }

        fprintf(stderr, "%s: %" PRId64 " events\n", scenario.name, events);
        return 0;
}
