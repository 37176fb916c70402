/* argus-agent: arguments, configuration, the stored state, then the manager's loop. See argus-agent(8). */
#include <curl/curl.h>
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
#include "core/config.h"
#include "core/identity.h"
#include "core/node.h"
#include "sys/host-info.h"
#include "sys/log.h"
#include "sys/proxy-info.h"
#include "sys/service-notify.h"
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
             "  --check     check configuration and identity, print both, and end\n"
             "  --once      register, report once, and end\n"
             "  --version   print the version and end\n"
             "  -h, --help  print this help and end\n"
             "\n"
             "The configuration is the environment; MASTER_ENDPOINT is required.\n"
             "Exit status: 0 success, 1 failure, 64 wrong usage, 75 another agent uses the\n"
             "same state, 78 wrong configuration.\n"
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

/* ---- configuration ---- */

/* A file of the unit's LoadCredential=, if it was given; systemd.exec(5). */
static char *find_credential(const char *name) {
        const char *directory = getenv("CREDENTIALS_DIRECTORY");
        _cleanup_free_ char *path = NULL;

        if (isempty(directory) || asprintf(&path, "%s/%s", directory, name) < 0)
                return NULL;

        return access(path, F_OK) == 0 ? TAKE_PTR(path) : NULL;
}

/* Where errors of the configuration go is configuration too: what of it is right is used. */
static void open_early_log(RunMode mode) {
        const char *text = getenv("AGENT_LOG_TARGET");
        LogTarget target = LOG_TARGET_AUTO;

        for (LogTarget t = LOG_TARGET_AUTO; t <= LOG_TARGET_JSON; t++)
                if (text && streq(text, log_target_to_string(t)))
                        target = t;

        (void) log_open(mode == RUN_CHECK ? LOG_TARGET_CONSOLE : target, LOG_INFO);
}

static int load_config(Config *ret) {
        _cleanup_free_ char *hostname = NULL, *token = NULL, *cert = NULL, *key = NULL;
        _cleanup_(config_messages_done) ConfigMessages messages = {};
        int r;

        (void) host_info_hostname(&hostname);
        token = find_credential("master-token");
        cert = find_credential("client.crt");
        key = find_credential("client.key");

        r = config_parse(environ,
                        &(ConfigDefaults){
                                        .hostname = hostname,
                                        .token_file = token,
                                        .client_cert_file = cert,
                                        .client_key_file = key,
                        },
                        ret, &messages);

        for (size_t i = 0; i < messages.count; i++) {
                const ConfigMessage *message = &messages.items[i];

                if (!message->is_error) {
                        log_line(LOG_WARNING, "%s", message->text);
                        continue;
                }

                log_event(LOG_ERR, LOG_EVENT_CONFIG_INVALID, NULL, "%s", message->text);
                if (messages.n_errors == 1)
                        service_notify_status("%s", message->text);
        }
        if (messages.n_errors > 1)
                service_notify_status("%zu variables are wrong; the log names them", messages.n_errors);

        return r;
}

/* ---- the stored state ---- */

static int load_node(StateStore *store, bool may_change, Node **ret) {
        _cleanup_free_ char *text = NULL, *reason = NULL, *aside = NULL;
        size_t size = 0;
        int r;

        r = state_store_load(store, &text, &size);
        if (r == -ENOENT)
                return r;
        if (r >= 0) {
                r = node_parse(text, size, ret, &reason);
                if (r != -EBADMSG)
                        return r;
        }

        /* What cannot be read for a reason outside of the file may be read again one day: it stays. */
        if (!may_change || (r != -EBADMSG && r != -EFBIG && r != -ELOOP && r != -EISDIR && r != -EINVAL)) {
                log_event(LOG_ERR, LOG_EVENT_STATE_CORRUPT, &(LogFields){ .error = -r },
                                "Cannot use node.json under %s: %s. Going on as if the node was never registered.",
                                state_store_path(store), reason ? reason : strerror(-r));
                return -ENOENT;
        }

        r = state_store_set_aside(store, now_usec(CLOCK_REALTIME), &aside);
        log_event(LOG_ERR, LOG_EVENT_STATE_CORRUPT, NULL,
                        "node.json under %s is no node object (%s); set aside as %s. Going on as if the node was never "
                        "registered: the Master gives a node that it knows by name its id again.",
                        state_store_path(store), reason ? reason : "no regular file of at most 1 MiB",
                        r < 0 ? "nothing, which failed" : aside);
        return -ENOENT;
}

static int choose_identity(const Config *config, const Node *node, Identity *ret) {
        _cleanup_free_ char *warning = NULL;
        int r;

        r = identity_choose(config, node, ret, &warning);
        if (warning)
                log_line(LOG_WARNING, "%s", warning);
        if (r == -ENODATA) {
                log_event(LOG_ERR, LOG_EVENT_CONFIG_INVALID, NULL,
                                "The node has no identity: set AGENT_ENV, AGENT_USER and AGENT_INSTANCE, or a host name of the "
                                "form env-user-instance (it is \"%s\").",
                                config->hostname);
                service_notify_status(
                                "The node has no identity: set AGENT_ENV, AGENT_USER and AGENT_INSTANCE");
        }

        return r;
}

/* A machine that was cloned with its disk must not take the id of the one it was cloned from. */
static void forget_foreign_node(const Config *config, StateStore *store, Node **node) {
        _cleanup_free_ char *name = NULL;

        if (!*node || !(*node)->name || streq((*node)->name, config->hostname))
                return;

        name = text_sanitize((*node)->name, strlen((*node)->name), NODE_NAME_MAX);
        log_line(LOG_WARNING,
                        "node.json under %s is of another host, %s: neither its id nor its identity is used.",
                        state_store_path(store), strempty(name));
        *node = node_free(*node);
}

/* ---- modes ---- */

static void print_check(const Config *config, const Identity *identity, const Node *node) {
        char span[SPAN_SIZE];

        puts("The configuration is right.");
        for (size_t i = 0; i < config->n_endpoints; i++)
                printf("  Master       %s\n", config->endpoints[i].url);
        printf("  Interval     %s\n", format_span(span, config->report_interval_usec));
        printf("  Time-out     %s\n", format_span(span, config->master_timeout_usec));
        printf("  Host name    %s\n", config->hostname);
        printf("  State        %s/%s\n", config->state_root, config->hostname);
        if (config->address)
                printf("  Address      %s\n", config->address);
        for (size_t i = 0; i < config->n_watch_units; i++)
                printf("  Watched      %s\n", config->watch_units[i]);
        if (config->report_on_change)
                puts("  On change    reported early");
        if (config->health_max_age_usec > 0)
                printf("  Stale after  %s\n", format_span(span, config->health_max_age_usec));
        printf("  Bus          %s\n", bus_kind_to_string(config->bus));
        printf("  Log          %s, %s\n", log_target_to_string(config->log_target),
                        log_level_to_string(config->log_level));
        if (config->ca_file)
                printf("  CA bundle    %s\n", config->ca_file);
        if (config->token_file)
                printf("  Token        from %s\n", config->token_file);
        if (config->client_cert_file)
                printf("  Certificate  %s\n"
                       "  Its key      %s\n",
                                config->client_cert_file, config->client_key_file);
        printf("  Identity     env %s, user %s, instance %s (from %s)\n", identity->env, identity->user,
                        identity->instance, identity_source_to_string(identity->source));
        printf("  Stored id    %s\n", node ? node->id : "none");
}

static void log_proxy(const Config *config) {
        _cleanup_free_ char *url = NULL;
        const char *variable = NULL;

        for (size_t i = 0; i < config->n_endpoints && !url; i++)
                if (!config->endpoints[i].is_loopback) /* those are never asked through a proxy */
                        (void) proxy_info_find(config->endpoints[i].is_tls, &variable, &url);
        if (url)
                log_line(LOG_NOTICE,
                                "Connections go through the proxy %s (from %s), unless no_proxy excepts the Master.",
                                url, variable);
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

        log_proxy(config);

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
        int r;

        open_early_log(mode);
        r = load_config(&config);
        if (r < 0)
                return r == -EINVAL ? EX_CONFIG : cannot_go_on(r);
        if (mode != RUN_CHECK && log_open(config.log_target, config.log_level) < 0)
                log_line(LOG_WARNING, "journald cannot be reached; the log goes to the console.");

        r = state_store_new(config.state_root, config.hostname, &store);
        if (r < 0)
                return cannot_go_on(r);

        if (mode != RUN_CHECK) {
                start.lock_error = state_store_lock(store);
                if (start.lock_error == -EBUSY) {
                        log_event(LOG_ERR, LOG_EVENT_NONE, &(LogFields){ .error = EBUSY },
                                        "Another argus-agent uses %s: stop it, or set AGENT_HOSTNAME or AGENT_STATE_ROOT.",
                                        state_store_path(store));
                        return EX_TEMPFAIL;
                }
                if (start.lock_error < 0)
                        log_event(LOG_ERR, LOG_EVENT_STATE_UNWRITABLE,
                                        &(LogFields){ .error = -start.lock_error },
                                        "Cannot write below %s: %s. Going on from memory; a restart would lose what is new.",
                                        state_store_path(store), strerror(-start.lock_error));
        }

        r = load_node(store, mode != RUN_CHECK, &node);
        if (r < 0 && r != -ENOENT)
                return cannot_go_on(r);
        forget_foreign_node(&config, store, &node);
        r = choose_identity(&config, node, &identity);
        if (r < 0)
                return r == -ENODATA ? EX_CONFIG : cannot_go_on(r);

        if (mode == RUN_CHECK) {
                print_check(&config, &identity, node);
                return EXIT_SUCCESS;
        }

        start.store = TAKE_PTR(store);
        start.node = TAKE_PTR(node);
        start.identity = identity;
        identity = (Identity){};
        return run_agent(&config, &start);
}

/* All signals that the loop reads are blocked before libcurl starts its first thread, which inherits the
 * mask. */
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

/* Whoever starts us with a standard stream closed would else have the log written into the next file that is
 * opened. */
static void open_standard_streams(void) {
        int fd;

        do
                fd = open("/dev/null", O_RDWR);
        while (fd >= 0 && fd <= STDERR_FILENO);
        if (fd >= 0)
                (void) close(fd);
}

/* Before 7.87 libcurl waits for its resolver thread when a request is dropped: then a name server that does
 * not answer would stop the loop for as long as the C library has patience. See resolv.conf(5). */
static void bound_old_resolver(void) {
#if LIBCURL_VERSION_NUM < 0x075700
        (void) setenv("RES_OPTIONS", "timeout:1 attempts:1", 0);
#endif
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
        bound_old_resolver();
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
                fputs("argus-agent: libcurl cannot be started\n", stderr);
                return EXIT_FAILURE;
        }

        r = run(mode);
        curl_global_cleanup();
        log_close();
        return r;
}
