/* SPDX-License-Identifier: MIT */
/* argus-agent(8): the process. Reads the arguments, prepares what libraries need before the first thread,
 * and turns what the start and the manager return into an exit status. A start that fails leaves nothing
 * behind. What the agent does then is the manager's matter. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#include "check.h"
#include "late-name.h"
#include "master/master.h"
#include "start.h"
#include "sys/log.h"
#include "util/fd-util.h"
#include "util/text.h"

DEFINE_CLEANUP(Manager *, manager_free)

/* ---- arguments ---- */

typedef enum RunMode {
        RUN_DAEMON,
        RUN_CHECK,
        RUN_ONCE,
        RUN_VERSION,
        RUN_HELP,
} RunMode;

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

/* The last option counts. Returns 0, or -EINVAL for an argument that is none. */
static int parse_arguments(int argc, char *argv[], RunMode *ret) {
        static const struct {
                const char *name;
                RunMode mode;
        } options[] = {
                { "--check", RUN_CHECK },
                { "--once", RUN_ONCE },
                { "--version", RUN_VERSION },
                { "--help", RUN_HELP },
                { "-h", RUN_HELP },
        };

        *ret = RUN_DAEMON;
        for (int i = 1; i < argc; i++) {
                size_t option = 0;

                while (option < ELEMENTSOF(options) && !streq(argv[i], options[option].name))
                        option++;
                if (option == ELEMENTSOF(options)) {
                        fprintf(stderr, "argus-agent: unexpected argument: %s (see --help)\n", argv[i]);
                        return -EINVAL;
                }
                *ret = options[option].mode;
        }
        return 0;
}

/* ---- the agent ---- */

/* Returns as run_agent(). */
static int run_manager(Start *start) {
        _cleanup_(manager_free_pointer) Manager *manager = NULL;
        const Identity *identity = &start->loaded.identity;
        const char *id = start->loaded.node ? start->loaded.node->id : NULL;
        const Config *config = &start->config;
        int r;

        log_event(LOG_NOTICE, LOG_EVENT_STARTED,
                        &(LogFields){ .node_id = id, .endpoint = config->endpoints[0].url },
                        "argus-agent " ARGUS_AGENT_VERSION
                        " for %s (%s/%s/%s, from %s): id %s, Master %s, every %" PRIu64 " s.",
                        config->hostname, identity->env, identity->user, identity->instance,
                        identity_source_to_string(identity->source), id ? id : "none yet",
                        config->endpoints[0].url, config->report_interval_usec / USEC_PER_SEC);
        start_warn(config, LOG_NOTICE);

        r = manager_new(config, &start->loaded, &manager);
        if (r >= 0)
                r = manager_run(manager);
        return r > 0 ? EXIT_FAILURE : r;
}

/* Returns an exit status, or a negative errno that is not logged yet. */
static int run_agent(bool is_once) {
        _cleanup_(start_done) Start start = { .loaded.is_once = is_once };
        const char *path;
        int r;

        r = start_load(false, &start);
        if (r == -EAGAIN)
                return late_name_exit_status();
        if (r == -ENODATA && start.node_file == NODE_FILE_UNREADABLE) /* the identity may be in it */
                return EX_TEMPFAIL;
        if (r == -EINVAL || r == -ENODATA)
                return EX_CONFIG;
        if (r < 0)
                return r;

        path = state_store_path(start.loaded.store);
        r = start.loaded.lock_error = state_store_lock(start.loaded.store);
        if (r == -EBUSY) {
                log_event(LOG_ERR, LOG_EVENT_NONE, &(LogFields){ .error = EBUSY },
                                "Another argus-agent uses %s: stop it, or set AGENT_HOSTNAME or AGENT_STATE_ROOT.",
                                path);
                return EX_TEMPFAIL;
        }
        if (r < 0)
                log_event(LOG_ERR, LOG_EVENT_STATE_UNWRITABLE, &(LogFields){ .error = -r },
                                "Cannot write below %s: %s. Continuing without saving; new state will be lost on "
                                "restart.",
                                path, state_store_error_text(r));
        start_warn_of_twin(&start);
        return run_manager(&start);
}

/* ---- the process ---- */

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

/* Opens fds 0 to 2, or the first file that is opened would become stderr. */
static void open_standard_streams(void) {
        int fd;

        do
                fd = open("/dev/null", O_RDWR);
        while (fd >= 0 && fd <= STDERR_FILENO);
        close_fd(fd);
}

/* Errors of the settings go where AGENT_LOG_TARGET says, if that one is valid. */
static void open_early_log(RunMode mode) {
        LogTarget target = LOG_TARGET_AUTO;

        (void) log_target_from_string(getenv("AGENT_LOG_TARGET"), &target);
        (void) log_open(mode == RUN_CHECK ? LOG_TARGET_CONSOLE : target, LOG_INFO);
}

static int run(RunMode mode) {
        int r;

        block_signals();
        if (master_start_library() < 0) {
                fputs("argus-agent: libcurl cannot be started\n", stderr);
                return EXIT_FAILURE;
        }

        open_early_log(mode);
        r = mode == RUN_CHECK ? check_run() : run_agent(mode == RUN_ONCE);
        if (r < 0) {
                log_event(LOG_ERR, LOG_EVENT_NONE, &(LogFields){ .error = -r }, "Cannot go on: %s",
                                strerror(-r));
                r = EXIT_FAILURE;
        }
        master_stop_library();
        log_close();
        return r;
}

int main(int argc, char *argv[]) {
        RunMode mode;

        open_standard_streams();
        /* What is large (a big answer on the bus, a full report) goes back to the kernel when it is freed;
         * the C library would raise this threshold by itself and keep it. So low that 256 files which reach
         * the limit of all leave no holes: they would be a third of the memory then. */
        (void) mallopt(M_MMAP_THRESHOLD, 32 * 1024);
        if (parse_arguments(argc, argv, &mode) < 0)
                return EX_USAGE;
        switch (mode) {
        case RUN_VERSION:
                puts("argus-agent " ARGUS_AGENT_VERSION);
                return EXIT_SUCCESS;
        case RUN_HELP:
                print_help();
                return EXIT_SUCCESS;
        default:
                return run(mode);
        }
}
