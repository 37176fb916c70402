/* SPDX-License-Identifier: MIT */
/* How the value of each variable is read, and the table of them (settings.inc). A parser looks at its own
 * value, and at what rows above it have set; config.c makes the message of what it returns. */
#include "core/config-table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>

#include "core/node.h"
#include "util/text.h"

enum {
        HOSTNAME_SIZE_MAX = 253,
        STATE_ROOT_SIZE_MAX = 3072, /* leaves room for the host name and our file names in PATH_MAX */
        UNIT_NAME_SIZE_MAX = 255,
        INTERVAL_SAFE_SECONDS = 90,
        TIMEOUT_DEFAULT_SECONDS = 10,
        TIMEOUT_MAX_SECONDS = 20,
};

#define LETTERS_AND_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define WHITE_SPACE " \t\r\n"

static void *field(ConfigParser *parser, const ConfigVariable *variable) {
        return (char *) &parser->config + variable->offset;
}

static const char *keep(ConfigParser *parser, const ConfigVariable *variable, const char *value) {
        if (text_duplicate(value, field(parser, variable)) < 0)
                parser->is_out_of_memory = true;
        return NULL;
}

/* ---- words ---- */

static const char *const bus_names[] = {
        [BUS_AUTO] = "auto",
        [BUS_SYSTEM] = "system",
        [BUS_USER] = "user",
        [BUS_NONE] = "none",
};

static const char *const target_names[] = {
        [LOG_TARGET_AUTO] = "auto",
        [LOG_TARGET_JOURNAL] = "journal",
        [LOG_TARGET_CONSOLE] = "console",
        [LOG_TARGET_JSON] = "json",
};

static const char *const level_names[] = {
        [LOG_ERR] = "err",
        [LOG_WARNING] = "warning",
        [LOG_NOTICE] = "notice",
        [LOG_INFO] = "info",
        [LOG_DEBUG] = "debug",
};

/* Returns the index, in upper or lower case, or -EINVAL. */
static int find_word(const char *const *words, size_t count, const char *text) {
        for (size_t i = 0; i < count; i++)
                if (text && words[i] && strcasecmp(text, words[i]) == 0)
                        return (int) i;
        return -EINVAL;
}

const char *bus_kind_to_string(BusKind kind) {
        assert((size_t) kind < ELEMENTSOF(bus_names));
        return bus_names[kind];
}

const char *log_target_to_string(LogTarget target) {
        assert((size_t) target < ELEMENTSOF(target_names));
        return target_names[target];
}

const char *log_level_to_string(int level) {
        assert(level >= LOG_ERR && level <= LOG_DEBUG);
        return level_names[level];
}

int log_target_from_string(const char *text, LogTarget *ret) {
        int r = find_word(target_names, ELEMENTSOF(target_names), text);

        if (r < 0)
                return r;
        *ret = (LogTarget) r;
        return 0;
}

int log_level_from_string(const char *text, int *ret_level) {
        int r = find_word(level_names, ELEMENTSOF(level_names), text);

        if (r < 0)
                return r;
        *ret_level = r;
        return 0;
}

static const char *parse_word(ConfigParser *parser, ConfigVariable *variable, const char *value) {
        int r = find_word(variable->words, variable->n_words, value);

        if (r < 0)
                return "";
        *(int *) field(parser, variable) = r;
        return NULL;
}

static const char *parse_boolean(ConfigParser *parser, ConfigVariable *variable, const char *value) {
        static const char *const words[] = { "no", "yes", "false", "true", "off", "on", "0", "1" };
        int r = find_word(words, ELEMENTSOF(words), value);

        if (r < 0)
                return "";
        *(bool *) field(parser, variable) = r & 1;
        return NULL;
}

/* ---- seconds ---- */

static const char *parse_seconds(ConfigParser *parser, ConfigVariable *variable, const char *value) {
        uint64_t seconds;

        if (text_parse_unsigned(value, UINT32_MAX, &seconds) < 0 || seconds < variable->smallest)
                return "";
        *(usec_t *) field(parser, variable) = seconds * USEC_PER_SEC;
        return NULL;
}

static const char *parse_interval(ConfigParser *parser, ConfigVariable *variable, const char *value) {
        const char *reason = parse_seconds(parser, variable, value);
        usec_t interval = parser->config.report_interval_usec;

        if (interval > INTERVAL_SAFE_SECONDS * USEC_PER_SEC)
                config_message(parser, false, variable->name,
                                "%s=\"%" PRIu64
                                "\" is long: a Master with default settings marks a node offline after 180 s "
                                "without a report, so one lost report is enough; use at most %d",
                                variable->name, interval / USEC_PER_SEC, INTERVAL_SAFE_SECONDS);
        return reason;
}

/* An interval that is invalid is 0: then nothing can be measured by it. */
static const char *parse_timeout(ConfigParser *parser, ConfigVariable *variable, const char *value) {
        usec_t *timeout = field(parser, variable), interval = parser->config.report_interval_usec;
        const char *reason = parse_seconds(parser, variable, value);

        if (interval > 0 && *timeout > interval)
                return "longer than the report interval";
        if (*timeout > TIMEOUT_MAX_SECONDS * USEC_PER_SEC) {
                config_message(parser, false, variable->name,
                                "%s=\"%" PRIu64 "\" is too long: an attempt takes at most %d s; using %d",
                                variable->name, *timeout / USEC_PER_SEC, TIMEOUT_MAX_SECONDS,
                                TIMEOUT_MAX_SECONDS);
                *timeout = TIMEOUT_MAX_SECONDS * USEC_PER_SEC;
        }
        return reason;
}

static const char *fallback_timeout(ConfigParser *parser, ConfigVariable *variable) {
        *(usec_t *) field(parser, variable) = usec_earlier(
                        TIMEOUT_DEFAULT_SECONDS * USEC_PER_SEC, parser->config.report_interval_usec);
        return NULL;
}

/* ---- texts ---- */

bool config_hostname_is_valid(const char *hostname) {
        size_t size = strlen(strempty(hostname));

        return size > 0 && size <= HOSTNAME_SIZE_MAX && !streq(hostname, ".") && !streq(hostname, "..") &&
               strspn(hostname, LETTERS_AND_DIGITS "._-") == size;
}

bool config_hostname_is_local(const char *hostname) {
        static const char name[] = "localhost";

        if (strncasecmp(hostname, name, strlen(name)) != 0)
                return false;
        hostname += strlen(name);
        hostname += *hostname == '4' || *hostname == '6';
        return !*hostname || *hostname == '.';
}

static const char *parse_hostname(ConfigParser *parser, ConfigVariable *variable, const char *value) {
        return config_hostname_is_valid(value) ? keep(parser, variable, value) : "";
}

static const char *fallback_hostname(ConfigParser *parser, ConfigVariable *variable) {
        const char *hostname = strempty(parser->defaults->hostname);
        _cleanup_free_ char *shown = NULL;

        if (!*hostname)
                return "the host has no name";
        if (config_hostname_is_valid(hostname))
                return keep(parser, variable, hostname);

        shown = text_escape(hostname, strlen(hostname), CONFIG_SHOWN_MAX);
        parser->is_out_of_memory |= !shown;
        return config_reason(parser, "the host's name \"%s\" is not a valid node name", strempty(shown));
}

/* A part of the identity: shown on D-Bus and sent as text. */
static const char *parse_identity(ConfigParser *parser, ConfigVariable *variable, const char *value) {
        if (strlen(value) > IDENTITY_PART_MAX || !config_is_plain(value))
                return "";
        return keep(parser, variable, value);
}

/* Takes an IP literal that a host can have. */
static const char *parse_address(ConfigParser *parser, ConfigVariable *variable, const char *value) {
        struct in6_addr v6;
        struct in_addr v4;
        bool is_valid;

        if (inet_pton(AF_INET, value, &v4) == 1)
                is_valid = v4.s_addr != htonl(INADDR_ANY);
        else
                is_valid = inet_pton(AF_INET6, value, &v6) == 1 && !IN6_IS_ADDR_UNSPECIFIED(&v6);
        return is_valid ? keep(parser, variable, value) : "";
}

static const char *check_path(const char *path, size_t max) {
        if (strlen(path) > max)
                return "too long";
        if (path[0] != '/')
                return "not an absolute path";
        return config_is_plain(path) ? NULL : "contains control characters or is not UTF-8";
}

static const char *parse_path(ConfigParser *parser, ConfigVariable *variable, const char *value) {
        const char *reason = check_path(value, PATH_MAX - 1);

        return reason ? reason : keep(parser, variable, value);
}

static bool has_dot_dot(const char *path) {
        for (const char *found = path; (found = strstr(found, "/..")); found++)
                if (!found[3] || found[3] == '/')
                        return true;
        return false;
}

static const char *parse_state_root(ConfigParser *parser, ConfigVariable *variable, const char *value) {
        const char *reason = check_path(value, STATE_ROOT_SIZE_MAX);
        char *root;

        if (reason)
                return reason;
        if (has_dot_dot(value))
                return "contains \"..\"";

        (void) keep(parser, variable, value);
        root = parser->config.state_root;
        for (size_t size = strlen(strempty(root)); size > 1 && root[size - 1] == '/'; size--)
                root[size - 1] = '\0';
        return NULL;
}

/* ---- secrets ---- */

static const char *fallback_token(ConfigParser *parser, ConfigVariable *variable) {
        return keep(parser, variable, parser->defaults->token_file);
}

/* One half of the client pair. The credentials count only where neither variable is set: halves of different
 * pairs do not match. */
static const char *fallback_client(ConfigParser *parser, ConfigVariable *variable) {
        const ConfigDefaults *defaults = parser->defaults;
        bool is_cert = variable->offset == offsetof(Config, client_cert_file);
        const char *own = is_cert ? defaults->client_cert_file : defaults->client_key_file;
        const char *other = is_cert ? defaults->client_key_file : defaults->client_cert_file;

        if (config_is_set(parser, is_cert ? "MASTER_CLIENT_KEY_FILE" : "MASTER_CLIENT_CERT_FILE"))
                return is_cert ? "MASTER_CLIENT_KEY_FILE is set" : "MASTER_CLIENT_CERT_FILE is set";
        if (!own && other)
                return is_cert ? "the credential client.key has no client.crt"
                               : "the credential client.crt has no client.key";
        return keep(parser, variable, own);
}

/* ---- systemd units ---- */

/* As systemctl does: web-1.2 is web-1.2.service. NULL if memory is out. */
static char *complete_unit(const char *word) {
        static const char types[][10] = { "service", "socket", "target", "timer", "mount", "automount",
                "swap", "path", "slice", "scope", "device" };
        const char *dot = strrchr(word, '.'), *suffix = ".service";
        char *name;

        for (size_t i = 0; dot && i < ELEMENTSOF(types); i++)
                if (streq(dot + 1, types[i]))
                        suffix = "";
        return asprintf(&name, "%s%s", word, suffix) < 0 ? NULL : name;
}

/* Why this is not the name of a unit; NULL if it is. */
static const char *unit_fault(const char *name) {
        const char *dot = strrchr(name, '.'), *at = strchr(name, '@');

        if (strlen(name) > UNIT_NAME_SIZE_MAX)
                return "longer than 255 bytes";
        if (name[strspn(name, LETTERS_AND_DIGITS ":-_.\\@")])
                return "contains a character not allowed in unit names";
        if (dot == name || at == name)
                return "nothing precedes its suffix or its @";
        if (at && at + 1 == dot)
                return "a template has no state, only its instances (name@instance) do";
        return NULL;
}

/* Returns NULL, also for one that is there already, or why the name is invalid. */
static const char *add_unit(ConfigParser *parser, const char *word) {
        _cleanup_free_ char *name = complete_unit(word);
        Config *config = &parser->config;
        const char *fault = name ? unit_fault(name) : NULL;
        char **units;

        for (size_t i = 0; name && i < config->n_watch_units; i++)
                if (streq(config->watch_units[i], name))
                        return NULL;
        if (fault)
                return fault;
        if (config->n_watch_units == WATCH_UNITS_MAX)
                return "more than 1024 units";

        units = reallocarray(config->watch_units, config->n_watch_units + 2, sizeof *units);
        if (units)
                config->watch_units = units;
        parser->is_out_of_memory |= !name || !units;
        if (name && units) {
                units[config->n_watch_units++] = TAKE_PTR(name);
                units[config->n_watch_units] = NULL;
        }
        return NULL;
}

static const char *parse_units(ConfigParser *parser, ConfigVariable *variable _unused_, const char *value) {
        _cleanup_free_ char *words = strdup(value), *shown = NULL;
        char *state = NULL;

        parser->is_out_of_memory |= !words;
        for (char *word = words ? strtok_r(words, WHITE_SPACE, &state) : NULL; word;
                        word = strtok_r(NULL, WHITE_SPACE, &state)) {
                const char *fault = add_unit(parser, word);

                if (!fault)
                        continue;
                shown = text_escape(word, strlen(word), CONFIG_SHOWN_MAX);
                parser->is_out_of_memory |= !shown;
                return config_reason(parser, "\"%s\": %s", strempty(shown), fault);
        }
        return NULL;
}

/* ---- the table ---- */

#define FIELD(name) offsetof(Config, name)
#define WORDS(names) .words = (names), .n_words = ELEMENTSOF(names)

const ConfigVariable config_table[] = {
#include "core/settings.inc"
};

const size_t config_table_size = ELEMENTSOF(config_table);
