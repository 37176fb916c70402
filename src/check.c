#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <syslog.h>

#include "core/config.h"
#include "core/identity.h"
#include "core/node.h"
#include "start.h"
#include "master/master.h"
#include "sys/log.h"
#include "sys/state-check.h"
#include "util/macro.h"
#include "util/text.h"

DEFINE_CLEANUP(Node *, node_free)

/* Each check returns 0 if all is well, -EINVAL if it logged an error, or another negative errno. */

static void on_secret_fault(int error, const char *words) {
        if (words)
                log_event(LOG_ERR, LOG_EVENT_CONFIG_INVALID, &(LogFields){ .error = error },
                                "Cannot use %s.", words);
        else
                log_line(LOG_WARNING, "Cannot test the certificates: %s.", strerror(error));
}

static const char *state_remedy(int error) {
        switch (error) {
        case -EROFS:
                return "; under systemd a directory of its own needs ReadWritePaths= in a drop-in";
        case -EACCES:
        case -EPERM:
                return "; the agent's user must be able to read and write it";
        default:
                return "";
        }
}

static int check_state(const Config *config, bool *ret_in_use) {
        _cleanup_free_ char *place = NULL;
        int r;

        r = state_check(config->state_root, config->hostname, &place);
        if (r >= 0) {
                *ret_in_use = r > 0;
                return 0;
        }
        if (r == -ENOMEM)
                return r;

        log_event(LOG_ERR, LOG_EVENT_CONFIG_INVALID, &(LogFields){ .error = -r },
                        "Cannot use the state directory %s/%s: \"%s\": %s%s.", config->state_root,
                        config->hostname, place, strerror(-r), state_remedy(r));
        return -EINVAL;
}

static void print_config(const Config *config, bool is_in_use) {
        char span[SPAN_SIZE];

        puts("Configuration OK.");
        for (size_t i = 0; i < config->n_endpoints; i++)
                printf("  Master       %s\n", config->endpoints[i].url);
        printf("  Interval     %s\n", format_span(span, config->report_interval_usec));
        printf("  Timeout      %s\n", format_span(span, config->master_timeout_usec));
        printf("  Host name    %s\n", config->hostname);
        printf("  State        %s/%s%s\n", config->state_root, config->hostname,
                        is_in_use ? " (in use by a running agent)" : "");
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
}

static void print_identity(const Identity *identity, const Node *node) {
        printf("  Identity     env %s, user %s, instance %s (from %s)\n", identity->env, identity->user,
                        identity->instance, identity_source_to_string(identity->source));
        printf("  Stored id    %s\n", node ? node->id : "none");
}

int check_run(void) {
        _cleanup_(config_done) Config config = {};
        _cleanup_(node_free_pointer) Node *node = NULL;
        _cleanup_(identity_done) Identity identity = {};
        bool is_in_use = false, has_place;
        int config_result, results[3] = {};

        config_result = start_load_config(&config);
        if (config_result < 0 && config_result != -EINVAL)
                return config_result;

        has_place = config.state_root && config.hostname;
        if (config_result >= 0) /* else start_load_config() looked for it */
                results[0] = start_find_identity(&config, &node, &identity);
        results[1] = master_check_secrets(&config, on_secret_fault);
        results[2] = has_place ? check_state(&config, &is_in_use) : 0;
        for (size_t i = 0; i < ELEMENTSOF(results); i++)
                if (results[i] == -ENOMEM)
                        return -ENOMEM;

        start_warn(&config, LOG_WARNING);
        if (config_result < 0 || results[0] < 0 || results[1] < 0 || results[2] < 0)
                return EX_CONFIG;

        print_config(&config, is_in_use);
        print_identity(&identity, node);
        return EXIT_SUCCESS;
}
