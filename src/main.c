/* argus-agent: arguments, configuration, the stored state, then the manager's loop. See argus-agent(8). */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#include "agent/manager.h"
#include "check.h"
#include "core/config.h"
#include "core/identity.h"
#include "late-name.h"
#include "master/master.h"
#include "start.h"
#include "sys/log.h"
#include "sys/state-store.h"
#include "util/macro.h"
#include "util/text.h"

typedef enum RunMode {
        RUN_DAEMON,
        RUN_CHECK,
        RUN_ONCE,
        RUN_DONE, /* --help, --version */
} RunMode;

DEFINE_CLEANUP(StateStore *, state_store_free)
DEFINE_CLEANUP(Node *, node_free)
DEFINE_CLEANUP(Manager *, manager_free)

static void print_help(void) {
        puts("Usage: argus-agent [OPTION]\n"
             "Registers this machine with the Argus Master and reports its health.\n"
             "\n"
             "  --check     check settings, identity, secrets and state directory, and end\n"
             "  --once      register, report once, and end\n"
             "  --version   print the version and end\n"
             "  -h, --help  print this help and end\n"
             "\n"
             "The configuration is the environment; MASTER_ENDPOINT is required.\n"
             "Exit status: 0 success, 1 failure, 64 wrong usage, 75 try again later (another\n"
             "agent uses the same state, or the node has no identity yet), 78 wrong\n"
             "configuration.\n"
             "See argus-agent(8) and argus-agent.env(5).");
}

static int parse_arguments(int argc, char *argv[], RunMode *ret_mode) {
        enum { OPTION_CHECK = 0x100, OPTION_ONCE, OPTION_VERSION };
        static const struct option options[] = {
                { "check", no_argument, NULL, OPTION_CHECK },
                { "once", no_argument, NULL, OPTION_ONCE },
                { "version", no_argument, NULL, OPTION_VERSION },
                { "help", no_argument, NULL, 'h' },
                {},
        };
        RunMode mode = RUN_DAEMON;
        int option;

        while ((option = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (option) {
                case OPTION_CHECK:
                        mode = RUN_CHECK;
                        break;
                case OPTION_ONCE:
                        mode = RUN_ONCE;
                        break;
                case OPTION_VERSION:
                        puts("argus-agent " ARGUS_AGENT_VERSION);
                        *ret_mode = RUN_DONE;
                        return 0;
                case 'h':
                        print_help();
                        *ret_mode = RUN_DONE;
                        return 0;
                default: /* getopt has said it */
                        return -EINVAL;
                }

        if (optind < argc) {
                fprintf(stderr, "argus-agent: unexpected argument: %s (see --help)\n", argv[optind]);
                return -EINVAL;
        }

        *ret_mode = mode;
        return 0;
}

/* ---- modes ---- */

/* Where errors of the configuration go is configuration too: what of it is right is used. */
static void open_early_log(RunMode mode) {
        LogTarget target = LOG_TARGET_AUTO;

        (void) log_target_from_string(getenv("AGENT_LOG_TARGET"), &target);
        (void) log_open(mode == RUN_CHECK ? LOG_TARGET_CONSOLE : target, LOG_INFO);
}

static int cannot_go_on(int error) {
        log_event(LOG_ERR, LOG_EVENT_NONE, &(LogFields){ .error = -error }, "Cannot go on: %s",
                        strerror(-error));
        return EXIT_FAILURE;
}

static int run_agent(const Config *config, ManagerStart *start) {
        _cleanup_(manager_free_pointer) Manager *manager = NULL;
        const char *id = start->node ? start->node->id : "none yet";
        int r;

        log_event(LOG_NOTICE, LOG_EVENT_STARTED,
                        &(LogFields){ .node_id = start->node ? start->node->id : NULL,
                                        .endpoint = config->endpoints[0].url },
                        "argus-agent " ARGUS_AGENT_VERSION
                        " for %s (%s/%s/%s, from %s): id %s, Master %s, every %" PRIu64 " s.",
                        config->hostname, start->identity.env, start->identity.user,
                        start->identity.instance, identity_source_to_string(start->identity.source), id,
                        config->endpoints[0].url, config->report_interval_usec / USEC_PER_SEC);

        start_warn(config, LOG_NOTICE);

        r = manager_new(config, start, &manager);
        if (r >= 0)
                r = manager_run(manager);
        if (r < 0)
                return cannot_go_on(r);

        return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run(RunMode mode) {
        _cleanup_(config_done) Config config = {};
        _cleanup_(state_store_free_pointer) StateStore *store = NULL;
        _cleanup_(node_free_pointer) Node *node = NULL;
        _cleanup_(identity_done) Identity identity = {};
        ManagerStart start = { .is_once = mode == RUN_ONCE };
        NodeFile kind;
        int r;

        open_early_log(mode);
        if (mode == RUN_CHECK) {
                r = check_run();
                return r < 0 ? cannot_go_on(r) : r;
        }

        r = start_load_config(&config);
        if (r < 0)
                return r == -EINVAL ? EX_CONFIG : cannot_go_on(r);
        if (log_open(config.log_target, config.log_level) < 0)
                log_line(LOG_WARNING, "journald cannot be reached; the log goes to the console.");

        r = state_store_new(config.state_root, config.hostname, &store);
        if (r < 0)
                return cannot_go_on(r);

        /* Create and lock nothing before the identity is known: a failed start leaves nothing behind. */
        kind = start_load_node(&config, store, &node);
        r = start_choose_identity(&config, node, &identity);
        if (r == -EAGAIN)
                return late_name_exit_status();
        if (r == -ENODATA)
                /* The identity may be in the unreadable node object. */
                return kind == NODE_FILE_UNREADABLE ? EX_TEMPFAIL : EX_CONFIG;
        if (r < 0)
                return cannot_go_on(r);

        start.lock_error = state_store_lock(store);
        if (start.lock_error == -EBUSY) {
                log_event(LOG_ERR, LOG_EVENT_NONE, &(LogFields){ .error = EBUSY },
                                "Another argus-agent uses %s: stop it, or set AGENT_HOSTNAME or AGENT_STATE_ROOT.",
                                state_store_path(store));
                return EX_TEMPFAIL;
        }
        if (start.lock_error < 0)
                log_event(LOG_ERR, LOG_EVENT_STATE_UNWRITABLE, &(LogFields){ .error = -start.lock_error },
                                "Cannot write below %s: %s. Continuing without saving; new state will be lost on "
                                "restart.",
                                state_store_path(store), state_store_error_text(start.lock_error));
        start_warn_of_twin(&config, store);

        start.store = TAKE_PTR(store);
        start.node = TAKE_PTR(node);
        start.identity = identity;
        identity = (Identity){};
        return run_agent(&config, &start);
}

/* All signals that the loop reads are blocked before libcurl starts its first thread, which inherits
 * the mask. */
static void block_signals(void) {
        sigset_t set;

        (void) sigemptyset(&set);
        (void) sigaddset(&set, SIGTERM);
        (void) sigaddset(&set, SIGINT);
        (void) sigaddset(&set, SIGHUP);
        (void) sigprocmask(SIG_BLOCK, &set, NULL);
        (void) signal(SIGPIPE, SIG_IGN);
        (void) signal(SIGXFSZ, SIG_IGN); /* a limit of a file's size is an error of that write */
}

/* Whoever starts us with a standard stream closed would else have the log written into the next file that
 * is opened. */
static void open_standard_streams(void) {
        int fd;

        do
                fd = open("/dev/null", O_RDWR);
        while (fd >= 0 && fd <= STDERR_FILENO);
        if (fd >= 0)
                (void) close(fd);
}

int main(int argc, char *argv[]) {
        RunMode mode;
        int r;

        open_standard_streams();
        /* What is large (a big answer on the bus, a full report) goes back to the kernel when it is freed;
         * the C library would raise this threshold by itself and keep it. So low that 256 files which reach
         * the limit of all leave no holes: they would be a third of the memory then. */
        (void) mallopt(M_MMAP_THRESHOLD, 32 * 1024);
        r = parse_arguments(argc, argv, &mode);
        if (r < 0)
                return EX_USAGE;
        if (mode == RUN_DONE)
                return EXIT_SUCCESS;

        block_signals();
        if (master_start_library() < 0) {
                fputs("argus-agent: libcurl cannot be started\n", stderr);
                return EXIT_FAILURE;
        }

        r = run(mode);
        master_stop_library();
        log_close();
        return r;
}
