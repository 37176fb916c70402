/* The variables: a table in the order of the documentation, each with the function that reads it. */
#include "core/config-table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/config-names.h"
#include "core/node.h"
#include "util/text.h"

enum {
        STATE_ROOT_SIZE_MAX = 3072, /* leaves room for the host name and our file names in PATH_MAX */
        INTERVAL_SAFE_SECONDS = 90,
        TIMEOUT_DEFAULT_SECONDS = 10,
        TIMEOUT_MAX_SECONDS = 20,
};

#define STATE_ROOT_DEFAULT "/private/argus/agent"

static char **string_field(ConfigParser *parser, const ConfigVariable *variable) {
        return (char **) ((char *) &parser->config + variable->offset);
}

/* Reads whole seconds, 32 bits at most. Returns 0 or -EINVAL. */
static int read_seconds(const char *value, uint64_t smallest, usec_t *ret_usec) {
        uint64_t seconds;

        if (text_parse_unsigned(value, UINT32_MAX, &seconds) < 0 || seconds < smallest)
                return -EINVAL;

        *ret_usec = seconds * USEC_PER_SEC;
        return 0;
}

static int parse_interval(ConfigParser *parser, const ConfigVariable *variable, const char *value) {
        usec_t *interval = &parser->config.report_interval_usec;

        if (read_seconds(value, 1, interval) < 0) {
                parser->interval_is_wrong = true;
                return config_wrong(parser, variable, value, NULL);
        }
        if (*interval <= INTERVAL_SAFE_SECONDS * USEC_PER_SEC)
                return 0;

        return config_message(parser, false, variable->name,
                        "%s=\"%" PRIu64
                        "\" is long: a Master with default settings marks a node offline after 180 s "
                        "without a report, so one lost report is enough; use at most %d",
                        variable->name, *interval / USEC_PER_SEC, INTERVAL_SAFE_SECONDS);
}

static int parse_timeout(ConfigParser *parser, const ConfigVariable *variable, const char *value) {
        Config *config = &parser->config;
        usec_t timeout;

        if (read_seconds(value, 1, &timeout) < 0)
                return config_wrong(parser, variable, value, NULL);
        if (!parser->interval_is_wrong && timeout > config->report_interval_usec)
                return config_wrong(parser, variable, value, "longer than the report interval");

        if (timeout > TIMEOUT_MAX_SECONDS * USEC_PER_SEC) {
                config->master_timeout_usec = TIMEOUT_MAX_SECONDS * USEC_PER_SEC;
                return config_message(parser, false, variable->name,
                                "%s=\"%" PRIu64 "\" is too long: an attempt takes at most %d s; using %d",
                                variable->name, timeout / USEC_PER_SEC, TIMEOUT_MAX_SECONDS,
                                TIMEOUT_MAX_SECONDS);
        }

        config->master_timeout_usec = timeout;
        return 0;
}

static int fallback_timeout(ConfigParser *parser, const ConfigVariable *variable _unused_) {
        usec_t timeout = TIMEOUT_DEFAULT_SECONDS * USEC_PER_SEC;

        if (timeout > parser->config.report_interval_usec)
                timeout = parser->config.report_interval_usec;
        parser->config.master_timeout_usec = timeout;
        return 0;
}

static int parse_max_age(ConfigParser *parser, const ConfigVariable *variable, const char *value) {
        if (read_seconds(value, 0, &parser->config.health_max_age_usec) < 0)
                return config_wrong(parser, variable, value, NULL);
        return 0;
}

static int parse_hostname(ConfigParser *parser, const ConfigVariable *variable, const char *value) {
        if (!config_hostname_is_valid(value))
                return config_wrong(parser, variable, value, NULL);
        return text_duplicate(value, &parser->config.hostname);
}

static int fallback_hostname(ConfigParser *parser, const ConfigVariable *variable) {
        const char *hostname = parser->defaults->hostname;
        _cleanup_free_ char *shown = NULL;

        if (isempty(hostname))
                return config_wrong(parser, variable, NULL, "the host has no name");
        if (config_hostname_is_valid(hostname))
                return text_duplicate(hostname, &parser->config.hostname);

        shown = config_show(hostname);
        if (!shown)
                return -ENOMEM;
        return config_wrong_because(
                        parser, variable, NULL, "the host's name \"%s\" is not a valid node name", shown);
}

/* A part of the identity: shown on D-Bus and sent as text. */
static int parse_identity(ConfigParser *parser, const ConfigVariable *variable, const char *value) {
        if (strlen(value) > IDENTITY_PART_MAX || !config_is_plain(value))
                return config_wrong(parser, variable, value, NULL);
        return text_duplicate(value, string_field(parser, variable));
}

/* Takes an IP literal that a host can have. */
static bool address_is_valid(const char *text) {
        struct in6_addr v6;
        struct in_addr v4;

        if (inet_pton(AF_INET, text, &v4) == 1)
                return v4.s_addr != htonl(INADDR_ANY);
        return inet_pton(AF_INET6, text, &v6) == 1 && !IN6_IS_ADDR_UNSPECIFIED(&v6);
}

static int parse_address(ConfigParser *parser, const ConfigVariable *variable, const char *value) {
        if (!address_is_valid(value))
                return config_wrong(parser, variable, value, NULL);
        return text_duplicate(value, &parser->config.address);
}

static const char *check_path(const char *path, size_t max) {
        if (strlen(path) > max)
                return "too long";
        if (path[0] != '/')
                return "not an absolute path";
        if (!config_is_plain(path))
                return "contains control characters or is not UTF-8";
        return NULL;
}

static int parse_path(ConfigParser *parser, const ConfigVariable *variable, const char *value) {
        const char *reason = check_path(value, PATH_MAX - 1);

        if (reason)
                return config_wrong(parser, variable, value, reason);
        return text_duplicate(value, string_field(parser, variable));
}

static bool has_dot_dot(const char *path) {
        for (const char *part = path; part; part = strchr(part, '/')) {
                part += strspn(part, "/");
                if (part[0] == '.' && part[1] == '.' && (part[2] == '/' || !part[2]))
                        return true;
        }

        return false;
}

static int parse_state_root(ConfigParser *parser, const ConfigVariable *variable, const char *value) {
        const char *reason = check_path(value, STATE_ROOT_SIZE_MAX);
        char **field = &parser->config.state_root;
        int r;

        if (!reason && has_dot_dot(value))
                reason = "contains \"..\"";
        if (reason)
                return config_wrong(parser, variable, value, reason);

        r = text_duplicate(value, field);
        if (r < 0)
                return r;

        for (size_t size = strlen(*field); size > 1 && (*field)[size - 1] == '/'; size--)
                (*field)[size - 1] = '\0';
        return 0;
}

static int fallback_state_root(ConfigParser *parser, const ConfigVariable *variable _unused_) {
        return text_duplicate(STATE_ROOT_DEFAULT, &parser->config.state_root);
}

static int fallback_token(ConfigParser *parser, const ConfigVariable *variable _unused_) {
        return text_duplicate(parser->defaults->token_file, &parser->config.token_file);
}

/* One half of the client pair. The credentials count only where neither variable is set: halves of different
 * pairs do not match. */
static int fallback_client(ConfigParser *parser, const ConfigVariable *variable) {
        const ConfigDefaults *defaults = parser->defaults;
        bool is_cert = streq(variable->name, "MASTER_CLIENT_CERT_FILE");
        const char *own = is_cert ? defaults->client_cert_file : defaults->client_key_file;
        const char *other = is_cert ? defaults->client_key_file : defaults->client_cert_file;

        if (config_is_set(parser, is_cert ? "MASTER_CLIENT_KEY_FILE" : "MASTER_CLIENT_CERT_FILE"))
                return config_wrong(parser, variable, NULL,
                                is_cert ? "MASTER_CLIENT_KEY_FILE is set"
                                        : "MASTER_CLIENT_CERT_FILE is set");
        if (!own && other)
                return config_wrong(parser, variable, NULL,
                                is_cert ? "the credential client.key has no client.crt"
                                        : "the credential client.crt has no client.key");

        return text_duplicate(own, string_field(parser, variable));
}

static int parse_watch_units(ConfigParser *parser, const ConfigVariable *variable, const char *value) {
        _cleanup_free_ char *reason = NULL;
        int r;

        r = config_units_parse(value, &parser->config.watch_units, &parser->config.n_watch_units, &reason);
        return r == -EINVAL ? config_wrong(parser, variable, value, reason) : r;
}

static int parse_report_on_change(ConfigParser *parser, const ConfigVariable *variable, const char *value) {
        if (config_boolean_parse(value, &parser->config.report_on_change) < 0)
                return config_wrong(parser, variable, value, NULL);
        return 0;
}

static int parse_bus(ConfigParser *parser, const ConfigVariable *variable, const char *value) {
        if (bus_kind_from_string(value, &parser->config.bus) < 0)
                return config_wrong(parser, variable, value, NULL);
        return 0;
}

static int parse_log_level(ConfigParser *parser, const ConfigVariable *variable, const char *value) {
        if (log_level_from_string(value, &parser->config.log_level) < 0)
                return config_wrong(parser, variable, value, NULL);
        return 0;
}

static int parse_log_target(ConfigParser *parser, const ConfigVariable *variable, const char *value) {
        if (log_target_from_string(value, &parser->config.log_target) < 0)
                return config_wrong(parser, variable, value, NULL);
        return 0;
}

#define FIELD(name) offsetof(Config, name)
#define WHOLE_SECONDS "a whole number of seconds from "
#define ABSOLUTE_PATH "an absolute path"
#define PAIR ABSOLUTE_PATH "; set both MASTER_CLIENT_CERT_FILE and MASTER_CLIENT_KEY_FILE, or neither"
#define IDENTITY_PART "at most 255 bytes of UTF-8 without control characters"

const ConfigVariable config_table[] = {
        {
                        .name = "MASTER_ENDPOINT",
                        .parse = config_parse_endpoints,
                        .fallback = config_fallback_endpoints,
                        .empty_is_wrong = true,
                        .accepted = "http://host:3000, https://host, host:3000 or [::1]:3000, "
                                    "with an optional path; up to 16, separated by commas",
                        .trimmed = " \t",
        },
        {
                        .name = "REPORT_INTERVAL_SECONDS",
                        .parse = parse_interval,
                        .accepted = WHOLE_SECONDS "1 to 4294967295",
        },
        {
                        .name = "AGENT_HOSTNAME",
                        .parse = parse_hostname,
                        .fallback = fallback_hostname,
                        .empty_is_wrong = true,
                        .accepted = "1 to 253 of A-Z, a-z, 0-9, \"_\", \"-\" and \".\", but not . or ..",
        },
        {
                        .name = "AGENT_ENV",
                        .parse = parse_identity,
                        .offset = FIELD(env),
                        .accepted = IDENTITY_PART,
        },
        {
                        .name = "AGENT_USER",
                        .parse = parse_identity,
                        .offset = FIELD(user),
                        .accepted = IDENTITY_PART,
        },
        {
                        .name = "AGENT_INSTANCE",
                        .parse = parse_identity,
                        .offset = FIELD(instance),
                        .accepted = IDENTITY_PART,
        },
        {
                        .name = "AGENT_ADDRESS",
                        .parse = parse_address,
                        .accepted = "an IPv4 or IPv6 address such as 10.0.0.5 or fd00::5",
        },
        {
                        .name = "AGENT_STATE_ROOT",
                        .parse = parse_state_root,
                        .fallback = fallback_state_root,
                        .accepted = ABSOLUTE_PATH " without \"..\", at most 3072 bytes long",
        },
        {
                        .name = "AGENT_HEALTH_MAX_AGE_SECONDS",
                        .parse = parse_max_age,
                        .accepted = WHOLE_SECONDS "1 to 4294967295, or 0 for off",
        },
        {
                        .name = "AGENT_WATCH_UNITS",
                        .parse = parse_watch_units,
                        .accepted = "up to 1024 names of systemd units, separated by spaces",
                        .trimmed = " \t\r\n",
        },
        {
                        .name = "AGENT_REPORT_ON_CHANGE",
                        .parse = parse_report_on_change,
                        .accepted = "yes or no (also true, false, on, off, 1, 0)",
        },
        {
                        .name = "MASTER_TIMEOUT_SECONDS",
                        .parse = parse_timeout,
                        .fallback = fallback_timeout,
                        .accepted = WHOLE_SECONDS "1 to the report interval; at most 20 is used",
        },
        {
                        .name = "MASTER_CA_FILE",
                        .parse = parse_path,
                        .offset = FIELD(ca_file),
                        .accepted = ABSOLUTE_PATH,
        },
        {
                        .name = "MASTER_TOKEN_FILE",
                        .parse = parse_path,
                        .fallback = fallback_token,
                        .offset = FIELD(token_file),
                        .is_secret = true,
                        .accepted = ABSOLUTE_PATH " of the file with the token",
        },
        {
                        .name = "MASTER_CLIENT_CERT_FILE",
                        .parse = parse_path,
                        .fallback = fallback_client,
                        .offset = FIELD(client_cert_file),
                        .is_secret = true,
                        .accepted = PAIR,
        },
        {
                        .name = "MASTER_CLIENT_KEY_FILE",
                        .parse = parse_path,
                        .fallback = fallback_client,
                        .offset = FIELD(client_key_file),
                        .is_secret = true,
                        .accepted = PAIR,
        },
        {
                        .name = "AGENT_BUS",
                        .parse = parse_bus,
                        .accepted = "auto, system, user or none",
        },
        {
                        .name = "AGENT_LOG_LEVEL",
                        .parse = parse_log_level,
                        .accepted = "err, warning, notice, info or debug",
        },
        {
                        .name = "AGENT_LOG_TARGET",
                        .parse = parse_log_target,
                        .accepted = "auto, journal, console or json",
        },
};

const size_t config_table_size = ELEMENTSOF(config_table);
