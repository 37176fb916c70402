/* SPDX-License-Identifier: MIT */
/* Simulates a fleet of agents; the arguments say what happens to it (see orders.h). ./dev fleet runs it with
 * the scenarios of tests/fleet/scenarios.py. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "simulation.h"
#include "util/macro.h"

enum { ORDERS_MAX = 1024 };

static int usage(const char *program) {
        fprintf(stderr,
                        "usage: %s [OPTION…] [ORDER…]\n"
                        "  --nodes=N --seed=N --agent=argus|naive --interval=SECONDS --timeout=SECONDS\n"
                        "  --seconds=N --boot=SECONDS --warm-up=SECONDS --late=SECONDS --one-machine\n"
                        "  --capacity=MULTIPLE-OF-THE-STEADY-LOAD --patience=SECONDS --overload-sent-away\n"
                        "  --addresses=N --retry-after=SECONDS\n"
                        "orders are explained in tests/fleet/orders.h\n",
                        program);
        return 2;
}

static usec_t parse_seconds(const char *text) {
        return strtoull(text, NULL, 10) * USEC_PER_SEC;
}

static unsigned parse_number(const char *text) {
        return (unsigned) strtoul(text, NULL, 10);
}

static int parse_options(int argc, char **argv, SimulationOptions *options, usec_t *retry_after) {
        static const struct option known[] = {
                { "nodes", required_argument, NULL, 'n' },
                { "seed", required_argument, NULL, 's' },
                { "agent", required_argument, NULL, 'a' },
                { "interval", required_argument, NULL, 'i' },
                { "timeout", required_argument, NULL, 't' },
                { "seconds", required_argument, NULL, 'S' },
                { "boot", required_argument, NULL, 'b' },
                { "warm-up", required_argument, NULL, 'w' },
                { "late", required_argument, NULL, 'l' },
                { "one-machine", no_argument, NULL, 'o' },
                { "capacity", required_argument, NULL, 'c' },
                { "patience", required_argument, NULL, 'p' },
                { "overload-sent-away", no_argument, NULL, 'O' },
                { "addresses", required_argument, NULL, 'A' },
                { "retry-after", required_argument, NULL, 'r' },
                {},
        };
        int option;

        while ((option = getopt_long(argc, argv, "", known, NULL)) >= 0)
                switch (option) {
                case 'n':
                        options->nodes = parse_number(optarg);
                        break;
                case 's':
                        options->seed = strtoull(optarg, NULL, 10);
                        break;
                case 'a':
                        options->kind = strcmp(optarg, "naive") == 0 ? AGENT_NAIVE : AGENT_ARGUS;
                        break;
                case 'i':
                        options->interval_usec = parse_seconds(optarg);
                        break;
                case 't':
                        options->timeout_usec = parse_seconds(optarg);
                        break;
                case 'S':
                        options->seconds = parse_number(optarg);
                        break;
                case 'b':
                        options->boot_usec = parse_seconds(optarg);
                        break;
                case 'w':
                        options->warm_up_seconds = parse_number(optarg);
                        break;
                case 'l':
                        options->late_usec = parse_seconds(optarg);
                        break;
                case 'o':
                        options->is_one_machine = true;
                        break;
                case 'c':
                        options->capacity = strtod(optarg, NULL);
                        break;
                case 'p':
                        options->patience_usec = parse_seconds(optarg);
                        break;
                case 'O':
                        options->is_overload_sent_away = true;
                        break;
                case 'A':
                        options->addresses = parse_number(optarg);
                        break;
                case 'r':
                        *retry_after = parse_seconds(optarg);
                        break;
                default:
                        return -EINVAL;
                }

        return options->nodes > 0 && options->nodes <= UINT32_MAX / 2 - 1 && options->interval_usec > 0 &&
                                               options->capacity > 0 && options->addresses > 0 &&
                                               options->addresses <= ENDPOINTS_MAX
                               ? 0
                               : -EINVAL;
}

static int parse_orders(int argc, char **argv, Order *orders, SimulationOptions *options) {
        for (int i = 0; i < argc; i++) {
                if (i == ORDERS_MAX || order_parse(argv[i], &orders[i]) < 0 ||
                                (i > 0 && orders[i].at_second < orders[i - 1].at_second)) {
                        fprintf(stderr, "invalid order, or not in order of time: %s\n", argv[i]);
                        return -EINVAL;
                }
                options->n_orders++;
        }

        options->orders = orders;
        return 0;
}

int main(int argc, char **argv) {
        static Order orders[ORDERS_MAX];
        SimulationOptions options = {
                .nodes = 1000000,
                .seed = 1,
                .interval_usec = 60 * USEC_PER_SEC,
                .timeout_usec = 10 * USEC_PER_SEC,
                .seconds = 600,
                .boot_usec = USEC_PER_MINUTE,
                .warm_up_seconds = 120,
                .capacity = 1.2,
                .patience_usec = 2 * USEC_PER_SEC,
                .addresses = 1,
        };
        usec_t retry_after = 120 * USEC_PER_SEC;
        SimulationSummary summary;
        int r;

        if (parse_options(argc, argv, &options, &retry_after) < 0 ||
                        parse_orders(argc - optind, argv + optind, orders, &options) < 0)
                return usage(argv[0]);

        r = answers_classify(retry_after);
        if (r >= 0)
                r = simulation_run(&options, stdout, &summary);
        if (r >= 0 && fflush(stdout) != 0)
                r = -errno;
        if (r < 0) {
                fprintf(stderr, "%s: %s\n", argv[0], strerror(-r));
                return 1;
        }

        fprintf(stderr,
                        "{\"events\": %" PRId64
                        ", \"cpu_seconds\": %.3f, \"fewest_accepted\": %u, \"most_asked\": %u, "
                        "\"longest_gap\": %.1f}\n",
                        summary.events, (double) clock() / CLOCKS_PER_SEC, summary.fewest_accepted,
                        summary.most_asked, summary.longest_gap);
        return 0;
}
