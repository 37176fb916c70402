/* argusctl: asks the agent on D-Bus and shows what it says. See argusctl(1). */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/verbs.h"
#include "util/text.h"

/* A year, in seconds; more is a mistake. */
enum { WAIT_SECONDS_MAX = 366 * 24 * 60 * 60 };

typedef struct Verb {
        const char *name;
        bool takes_argument, takes_wait;
        bool is_local; /* needs no agent, and opens what it needs itself */
        int (*run)(const Session *session);
} Verb;

/* The first is what is done without a verb. */
static const Verb verbs[] = {
        { "status", false, false, false, verb_status },
        { "is-online", false, true, false, verb_is_online },
        { "report", false, false, false, verb_report },
        { "reregister", false, false, false, verb_reregister },
        { "node", false, false, false, verb_node },
        { "health", false, false, false, verb_health },
        { "monitor", false, false, false, verb_monitor },
        { "log-level", true, false, false, verb_log_level },
        { "check", false, false, true, verb_check },
};

static void print_help(void) {
        (void) puts("Usage: argusctl [OPTION...] [COMMAND]\n"
                    "Shows what the Argus agent does, and makes it act.\n"
                    "\n"
                    "Commands:\n"
                    "  status             show the agent on one screen (the default)\n"
                    "  is-online          is it online, and did the last report succeed?\n"
                    "  report             report to the Master now\n"
                    "  reregister         register at the Master again, with the same id\n"
                    "  node               print the node object as the Master sent it\n"
                    "  health             list the health files and the watched units; with --json\n"
                    "                     print what would be reported\n"
                    "  monitor            follow changes until interrupted\n"
                    "  log-level [LEVEL]  show or set it: err, warning, notice, info, debug\n"
                    "  check              check the settings as the service gets them (for root)\n"
                    "\n"
                    "Options:\n"
                    "      --wait=SECONDS  is-online: wait that long for it to become true\n"
                    "      --json          write JSON, one object on a line\n"
                    "      --user          talk to an agent on the user bus\n"
                    "  -h, --help          print this help and end\n"
                    "      --version       print the version and end\n"
                    "\n"
                    "Exit status: 0 success (status, is-online: it is online and the last report\n"
                    "succeeded); 3 it is not (status, is-online); 1 failure: the agent or the bus\n"
                    "is not there, permission denied, or the Master did not accept; 64 wrong usage.\n"
                    "check: 0, or 78 if the configuration is invalid.\n"
                    "See argusctl(1).");
}

static int parse_wait(const char *text, usec_t *ret) {
        uint64_t seconds;

        if (text_parse_unsigned(text, WAIT_SECONDS_MAX, &seconds) < 0) {
                (void) fprintf(stderr,
                                "argusctl: --wait takes a number of seconds up to a year, not \"%s\".\n",
                                text);
                return -EINVAL;
        }

        *ret = seconds * USEC_PER_SEC;
        return 0;
}

/* Returns 1 to go on, 0 if all is done, or -EINVAL after it said what is wrong. */
static int parse_options(int argc, char *argv[], Session *session, bool *ret_has_wait) {
        enum { OPTION_WAIT = 0x100, OPTION_JSON, OPTION_USER, OPTION_VERSION };
        static const struct option options[] = {
                { "wait", required_argument, NULL, OPTION_WAIT },
                { "json", no_argument, NULL, OPTION_JSON },
                { "user", no_argument, NULL, OPTION_USER },
                { "version", no_argument, NULL, OPTION_VERSION },
                { "help", no_argument, NULL, 'h' },
                {},
        };
        int option;

        while ((option = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (option) {
                case OPTION_WAIT:
                        if (parse_wait(optarg, &session->wait_usec) < 0)
                                return -EINVAL;
                        *ret_has_wait = true;
                        break;
                case OPTION_JSON:
                        session->is_json = true;
                        break;
                case OPTION_USER:
                        session->is_user = true;
                        break;
                case OPTION_VERSION:
                        (void) puts("argusctl " ARGUS_AGENT_VERSION);
                        return 0;
                case 'h':
                        print_help();
                        return 0;
                default: /* getopt has said it */
                        return -EINVAL;
                }

        return 1;
}

static const Verb *find_verb(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                if (streq(verbs[i].name, name))
                        return verbs + i;

        (void) fprintf(stderr, "argusctl: unknown command: %s (see --help)\n", name);
        return NULL;
}

/* The same returns as of parse_options(). */
static int parse_arguments(int argc, char *argv[], Session *session, const Verb **ret_verb) {
        const Verb *verb = verbs;
        bool has_wait = false;
        int r;

        r = parse_options(argc, argv, session, &has_wait);
        if (r <= 0)
                return r;

        if (optind < argc) {
                verb = find_verb(argv[optind++]);
                if (!verb)
                        return -EINVAL;
        }
        if (optind < argc && verb->takes_argument)
                session->argument = argv[optind++];
        if (optind < argc) {
                (void) fprintf(stderr, "argusctl: unexpected argument: %s (see --help)\n", argv[optind]);
                return -EINVAL;
        }
        if (has_wait && !verb->takes_wait) {
                (void) fprintf(stderr, "argusctl: --wait is for is-online, not for %s.\n", verb->name);
                return -EINVAL;
        }

        *ret_verb = verb;
        return 1;
}

static int run(Session *session, const Verb *verb) {
        int status;

        session->terminal = terminal_detect();
        if (verb->is_local)
                return verb->run(session);
        if (client_open(session->is_user, &session->client) < 0)
                return EXIT_FAILURE;

        status = verb->run(session);
        client_close(&session->client);
        return status;
}

int main(int argc, char *argv[]) {
        Session session = {};
        const Verb *verb;
        int r, status = EXIT_SUCCESS;

        r = parse_arguments(argc, argv, &session, &verb);
        if (r < 0)
                return EX_USAGE;
        if (r > 0)
                status = run(&session, verb);

        if (fflush(stdout) != 0 || ferror(stdout)) {
                (void) fprintf(stderr, "argusctl: Cannot write: %s\n", strerror(errno));
                return EXIT_FAILURE;
        }
        return status;
}
