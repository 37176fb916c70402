/* SPDX-License-Identifier: MIT */
/* The configuration: from the strings of the environment to checked values, with every error said
 * at once. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/endpoint.h"
#include "util/time-util.h"

enum { WATCH_UNITS_MAX = 1024 };

typedef enum BusKind {
        BUS_AUTO,
        BUS_SYSTEM,
        BUS_USER,
        BUS_NONE,
} BusKind;

typedef enum LogTarget {
        LOG_TARGET_AUTO,
        LOG_TARGET_JOURNAL,
        LOG_TARGET_CONSOLE,
        LOG_TARGET_JSON,
} LogTarget;

typedef struct Config {
        Endpoint endpoints[ENDPOINTS_MAX];
        size_t n_endpoints;
        usec_t report_interval_usec;
        usec_t master_timeout_usec; /* of an attempt at one address */
        char *hostname;
        char *env, *user, *instance; /* as given; NULL where not set or empty */
        char *address;               /* NULL: found by the agent */
        char *state_root;            /* absolute */
        usec_t health_max_age_usec;  /* 0: off */
        char **watch_units;          /* NULL-terminated; NULL if none */
        size_t n_watch_units;
        bool report_on_change;
        char *ca_file, *token_file, *client_cert_file, *client_key_file; /* NULL where not set */
        BusKind bus;
        LogTarget log_target;
        int log_level; /* LOG_ERR … LOG_DEBUG of syslog.h */
} Config;

/* What is known from elsewhere and used where the environment is silent. All may be NULL. */
typedef struct ConfigDefaults {
        const char *hostname;
        const char *token_file; /* paths of the systemd credentials, where they exist */
        const char *client_cert_file, *client_key_file;
} ConfigDefaults;

/* What is to be said of the environment, in the order of the contract's table. */
typedef struct ConfigMessage {
        bool is_error;
        const char *variable; /* static */
        char *text;           /* whole line: `Invalid REPORT_INTERVAL_SECONDS="0": expected …` */
} ConfigMessage;

typedef struct ConfigMessages {
        ConfigMessage *items;
        size_t count;
        size_t n_errors;
} ConfigMessages;

/* `parse_endpoint` is given by the caller: only the wing that connects knows how addresses are read.
 *
 * Reads `environment` (as environ is; NULL-terminated; of several entries with one name the first counts, as
 * for getenv()). A variable that is set but empty counts as not set, but for AGENT_HOSTNAME and the required
 * MASTER_ENDPOINT: there it is invalid. Each invalid variable has exactly one message with its name, its
 * value (made safe to show; never that of a secret or of user info) and what is expected. Near misses of
 * known names are warnings with the right name. Returns 0; -EINVAL if there is an error among the
 * messages, with what is valid in *ret (of a list perhaps its beginning); or -ENOMEM. Unless it is -ENOMEM,
 * release the configuration with config_done() and the messages with config_messages_done(). */
int config_parse(char *const *environment, EndpointParser *parse_endpoint, const ConfigDefaults *defaults,
                Config *ret, ConfigMessages *ret_messages);

void config_done(Config *config);
void config_messages_done(ConfigMessages *messages);

/* Whether text may be used as AGENT_HOSTNAME: it becomes a path. */
bool config_hostname_is_valid(const char *hostname);

/* Whether many machines have this name: localhost, localhost.localdomain, localhost6 … */
bool config_hostname_is_local(const char *hostname);

const char *bus_kind_to_string(BusKind kind);
const char *log_target_to_string(LogTarget target);
const char *log_level_to_string(int level);

/* The same names, in upper or lower case; `text` may be NULL. Return 0 or -EINVAL. */
int log_target_from_string(const char *text, LogTarget *ret);
int log_level_from_string(const char *text, int *ret_level);
