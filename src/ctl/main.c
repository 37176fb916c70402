/* SPDX-License-Identifier: MIT */
/* argusctl: asks the agent on D-Bus and shows what it says. See argusctl(1).
 *
 * It is a client on the bus like any other: all that it knows of the agent comes from there, but for the
 * ages of health files and `check`, which needs systemd and no agent. It must not know how the agent
 * works inside. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/verbs.h"
#include "util/text.h"

enum {
        WAIT_SECONDS_MAX = 366 * 24 * 60 * 60, /* more is a mistake */
        HELP_COLUMN = 21,
        HELP_WIDTH = 80,
};

/* The first is what is done without a verb. */
static const Verb verbs[] = {
        { "status", NULL, "show the agent on one screen (the default)", NULL, verb_status, false },
        { "is-online", NULL, "print the state; exit 0 if online and the last report succeeded", NULL,
                        verb_is_online, false },
        { "report", NULL, "report to the Master now", "report", verb_report, false },
        { "reregister", NULL, "register at the Master again, with the same id", "reregister",
                        verb_reregister, false },
        { "node", NULL, "print the node object as the Master sent it", "read-data", verb_node, false },
        { "health", NULL,
                        "list the health files and the watched units; with --json print what would be reported",
                        "read-data", verb_health, false },
        { "monitor", NULL, "follow changes until interrupted", NULL, verb_monitor, true },
        { "log-level", "[LEVEL]", "show or set it: err, warning, notice, info, debug", NULL, verb_log_level,
                        false },
        { "check", NULL, "check the settings as the service gets them (for root)", NULL, verb_check, true },
};

static void print_help(void) {
        (void) puts("Usage: argusctl [OPTION...] [COMMAND]\n"
                    "Show what the Argus agent does, and make it act.\n"
                    "\n"
                    "Commands:");
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++) {
                int length = printf("  %s %s", verbs[i].name, strempty(verbs[i].argument));

                (void) printf("%*s", HELP_COLUMN - length, "");
                text_wrap(stdout, verbs[i].help, HELP_COLUMN, HELP_WIDTH);
                (void) putchar('\n');
        }
        (void) puts("\n"
                    "Options:\n"
                    "      --wait=SECONDS  is-online: wait that long for it to become true\n"
                    "      --json          write JSON, one object on a line\n"
                    "      --user          talk to an agent on the user bus\n"
                    "  -h, --help          print this help and exit\n"
                    "      --version       print the version and exit\n"
                    "\n"
                    "Exit status: 0 success; 1 failure (no agent, no bus, permission denied, or the\n"
                    "Master did not accept); 3 not online, or the last report failed (status,\n"
                    "is-online); 64 wrong usage. check: 0, 78 if the configuration is invalid, 200 or\n"
                    "more if systemd cannot start the service.\n"
                    "See argusctl(1).");
}

static _printf_(1, 2) int wrong_usage(const char *format, ...) {
        va_list arguments;

        (void) fputs("argusctl: ", stderr);
        va_start(arguments, format);
        (void) vfprintf(stderr, format, arguments);
        va_end(arguments);
        (void) fputs("; see --help.\n", stderr);
        return -EINVAL;
}

static int parse_wait(const char *text, usec_t *ret) {
        uint64_t seconds;

        if (text_parse_unsigned(text, WAIT_SECONDS_MAX, &seconds) < 0)
                return wrong_usage("Invalid --wait=\"%s\": expected a number of seconds up to a year", text);

        *ret = seconds * USEC_PER_SEC;
        return 0;
}

/* Returns 1 to go on, 0 if all is done, or -EINVAL after it said what is wrong. */
static int parse_options(int argc, char *argv[], Session *session) {
        const struct option options[] = {
                { "wait", required_argument, NULL, 'w' },
                { "json", no_argument, &session->is_json, true },
                { "user", no_argument, &session->is_user, true },
                { "version", no_argument, NULL, 'v' },
                { "help", no_argument, NULL, 'h' },
                {},
        };
        int option;

        while ((option = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (option) {
                case 0: /* has set its flag */
                        break;
                case 'w':
                        if (parse_wait(optarg, &session->wait_usec) < 0)
                                return -EINVAL;
                        break;
                case 'v':
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
        return NULL;
}

/* The same returns as of parse_options(). */
static int parse_arguments(int argc, char *argv[], Session *session) {
        int r = parse_options(argc, argv, session);

        if (r <= 0)
                return r;

        session->verb = optind < argc ? find_verb(argv[optind]) : verbs;
        if (!session->verb)
                return wrong_usage("Unknown command \"%s\"", argv[optind]);
        if (++optind < argc && session->verb->argument)
                session->argument = argv[optind++];
        if (optind < argc)
                return wrong_usage("Unexpected argument \"%s\"", argv[optind]);
        if (session->wait_usec > 0 && session->verb->run != verb_is_online)
                return wrong_usage("--wait is for is-online, not for %s", session->verb->name);
        if (session->verb->run == verb_check && (session->is_user || session->is_json))
                return wrong_usage("%s is not for check", session->is_user ? "--user" : "--json");
        return 1;
}

static int run(Session *session) {
        usec_t timeout_usec = session->wait_usec > 0 ? session->wait_usec : CALL_TIMEOUT_USEC;
        int status = EXIT_FAILURE;

        session->terminal = terminal_detect();
        if (session->verb->opens_bus_itself ||
                        client_open(session, usec_earlier(timeout_usec, CALL_TIMEOUT_USEC)) >= 0)
                status = session->verb->run(session);
        sd_bus_close_unref(session->bus);
        return status;
}

int main(int argc, char *argv[]) {
        Session session = {};
        int r, status = EXIT_SUCCESS;

        r = parse_arguments(argc, argv, &session);
        if (r < 0)
                return EX_USAGE;
        if (r > 0)
                status = run(&session);

        if (fflush(stdout) != 0 || ferror(stdout)) {
                (void) fprintf(stderr, "argusctl: Cannot write the output: %s.\n", strerror(errno));
                return EXIT_FAILURE;
        }
        return status;
}
