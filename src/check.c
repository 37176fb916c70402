/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <syslog.h>

#include "master/master.h"
#include "start.h"
#include "sys/log.h"
#include "sys/state-store.h"
#include "util/macro.h"

DEFINE_CLEANUP(StateStore *, state_store_free)

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
        _cleanup_(state_store_free_pointer) StateStore *store = NULL;
        _cleanup_free_ char *place = NULL;
        int r;

        if (!config->state_root || !config->hostname)
                return 0;

        r = state_store_new(config->state_root, config->hostname, &store);
        if (r >= 0)
                r = state_store_check(store, &place);
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

static void print_row(const char *label, const char *value) {
        if (value)
                printf("  %-12s %s\n", label, value);
}

static void print_config(const Config *config, bool is_in_use) {
        char span[SPAN_SIZE];

        puts("Configuration OK.");
        for (size_t i = 0; i < config->n_endpoints; i++)
                print_row("Master", config->endpoints[i].url);
        print_row("Interval", format_span(span, config->report_interval_usec));
        print_row("Timeout", format_span(span, config->master_timeout_usec));
        print_row("Host name", config->hostname);
        printf("  %-12s %s/%s%s\n", "State", config->state_root, config->hostname,
                        is_in_use ? " (in use by a running agent)" : "");
        print_row("Address", config->address);
        for (size_t i = 0; i < config->n_watch_units; i++)
                print_row("Watched", config->watch_units[i]);
        print_row("On change", config->report_on_change ? "reported early" : NULL);
        if (config->health_max_age_usec > 0)
                print_row("Stale after", format_span(span, config->health_max_age_usec));
        print_row("Bus", bus_kind_to_string(config->bus));
        printf("  %-12s %s, %s\n", "Log", log_target_to_string(config->log_target),
                        log_level_to_string(config->log_level));
        print_row("CA bundle", config->ca_file);
        if (config->token_file)
                printf("  %-12s from %s\n", "Token", config->token_file);
        print_row("Certificate", config->client_cert_file);
        print_row("Its key", config->client_key_file);
}

static void print_node(const Identity *identity, const Node *node) {
        printf("  %-12s env %s, user %s, instance %s (from %s)\n", "Identity", identity->env, identity->user,
                        identity->instance, identity_source_to_string(identity->source));
        print_row("Stored id", node ? node->id : "none");
}

int check_run(void) {
        _cleanup_(start_done) Start start = {};
        const Config *config = &start.config;
        bool is_in_use = false, is_usable = true;
        int results[3];

        results[0] = start_load(true, &start);
        if (results[0] < 0 && results[0] != -EINVAL && results[0] != -ENODATA && results[0] != -EAGAIN)
                return results[0];
        results[1] = master_check_secrets(config, on_secret_fault);
        results[2] = check_state(config, &is_in_use);
        for (size_t i = 0; i < ELEMENTSOF(results); i++) {
                if (results[i] == -ENOMEM)
                        return -ENOMEM;
                is_usable = is_usable && results[i] >= 0;
        }

        start_warn(config, LOG_WARNING);
        if (!is_usable)
                return EX_CONFIG;

        print_config(config, is_in_use);
        print_node(&start.loaded.identity, start.loaded.node);
        return EXIT_SUCCESS;
}
