/* argus-agent --check: what the configuration comes to, for a person. */
#include "check.h"

#include <stdio.h>

#include "sys/log.h"
#include "util/macro.h"

void check_print(const Config *config, const Identity *identity, const Node *node) {
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
