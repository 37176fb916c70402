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

static int refuse(ConfigParser *parser, const char *reason) {
        parser->reason = reason;
        return -EINVAL;
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

static int parse_word(ConfigParser *parser, const ConfigVariable *variable, const char *value) {
        int r = find_word(variable->words, variable->n_words, value);

        if (r < 0)
                return r;
        *(int *) field(parser, variable) = r;
        return 0;
}

static int parse_boolean(ConfigParser *parser, const ConfigVariable *variable, const char *value) {
        static const char *const words[] = { "no", "yes", "false", "true", "off", "on", "0", "1" };
        int r = find_word(words, ELEMENTSOF(words), value);

        if (r < 0)
                return r;
        *(bool *) field(parser, variable) = r & 1;
        return 0;
}

/* ---- seconds ---- */

static int parse_seconds(ConfigParser *parser, const ConfigVariable *variable, const char *value) {
        uint64_t seconds;

        if (text_parse_unsigned(value, UINT32_MAX, &seconds) < 0 || seconds < variable->smallest)
                return -EINVAL;
        *(usec_t *) field(parser, variable) = seconds * USEC_PER_SEC;
        return 0;
}

static int parse_interval(ConfigParser *parser, const ConfigVariable *variable, const char *value) {
        usec_t *interval = field(parser, variable);
        int r;

        r = parse_seconds(parser, variable, value);
        if (r < 0 || *interval <= INTERVAL_SAFE_SECONDS * USEC_PER_SEC)
                return r;
        return config_message(parser, false, variable->name,
                        "%s=\"%" PRIu64
                        "\" is long: a Master with default settings marks a node offline after 180 s "
                        "without a report, so one lost report is enough; use at most %d",
                        variable->name, *interval / USEC_PER_SEC, INTERVAL_SAFE_SECONDS);
}

/* An interval that is invalid is 0: then nothing can be measured by it. */
static int parse_timeout(ConfigParser *parser, const ConfigVariable *variable, const char *value) {
        usec_t *timeout = field(parser, variable), interval = parser->config.report_interval_usec, given;
        int r;

        r = parse_seconds(parser, variable, value);
        if (r < 0)
                return r;
        if (interval > 0 && *timeout > interval)
                return refuse(parser, "longer than the report interval");
        if (*timeout <= TIMEOUT_MAX_SECONDS * USEC_PER_SEC)
                return 0;

        given = *timeout;
        *timeout = TIMEOUT_MAX_SECONDS * USEC_PER_SEC;
        return config_message(parser, false, variable->name,
                        "%s=\"%" PRIu64 "\" is too long: an attempt takes at most %d s; using %d",
                        variable->name, given / USEC_PER_SEC, TIMEOUT_MAX_SECONDS, TIMEOUT_MAX_SECONDS);
}

static int fallback_timeout(ConfigParser *parser, const ConfigVariable *variable) {
        *(usec_t *) field(parser, variable) = usec_earlier(
                        TIMEOUT_DEFAULT_SECONDS * USEC_PER_SEC, parser->config.report_interval_usec);
        return 0;
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

static int parse_hostname(ConfigParser *parser, const ConfigVariable *variable, const char *value) {
        return config_hostname_is_valid(value) ? text_duplicate(value, field(parser, variable)) : -EINVAL;
}

static int fallback_hostname(ConfigParser *parser, const ConfigVariable *variable) {
        const char *hostname = parser->defaults->hostname;
        _cleanup_free_ char *shown = NULL;

        if (isempty(hostname))
                return config_wrong(parser, variable, NULL, "the host has no name");
        if (config_hostname_is_valid(hostname))
                return text_duplicate(hostname, field(parser, variable));

        shown = text_escape(hostname, strlen(hostname), CONFIG_SHOWN_MAX);
        if (!shown)
                return -ENOMEM;
        return config_wrong_because(
                        parser, variable, NULL, "the host's name \"%s\" is not a valid node name", shown);
}

/* A part of the identity: shown on D-Bus and sent as text. */
static int parse_identity(ConfigParser *parser, const ConfigVariable *variable, const char *value) {
        if (strlen(value) > IDENTITY_PART_MAX || !config_is_plain(value))
                return -EINVAL;
        return text_duplicate(value, field(parser, variable));
}

/* Takes an IP literal that a host can have. */
static int parse_address(ConfigParser *parser, const ConfigVariable *variable, const char *value) {
        struct in6_addr v6;
        struct in_addr v4;
        bool is_valid;

        if (inet_pton(AF_INET, value, &v4) == 1)
                is_valid = v4.s_addr != htonl(INADDR_ANY);
        else
                is_valid = inet_pton(AF_INET6, value, &v6) == 1 && !IN6_IS_ADDR_UNSPECIFIED(&v6);
        return is_valid ? text_duplicate(value, field(parser, variable)) : -EINVAL;
}

static int read_path(ConfigParser *parser, const ConfigVariable *variable, const char *value, size_t max) {
        if (strlen(value) > max)
                return refuse(parser, "too long");
        if (value[0] != '/')
                return refuse(parser, "not an absolute path");
        if (!config_is_plain(value))
                return refuse(parser, "contains control characters or is not UTF-8");
        return text_duplicate(value, field(parser, variable));
}

static int parse_path(ConfigParser *parser, const ConfigVariable *variable, const char *value) {
        return read_path(parser, variable, value, PATH_MAX - 1);
}

static bool has_dot_dot(const char *path) {
        for (const char *found = path; (found = strstr(found, "/..")); found++)
                if (!found[3] || found[3] == '/')
                        return true;
        return false;
}

static int parse_state_root(ConfigParser *parser, const ConfigVariable *variable, const char *value) {
        char **root = field(parser, variable);
        int r;

        if (has_dot_dot(value))
                return refuse(parser, "contains \"..\"");
        r = read_path(parser, variable, value, STATE_ROOT_SIZE_MAX);
        if (r < 0)
                return r;

        for (size_t size = strlen(*root); size > 1 && (*root)[size - 1] == '/'; size--)
                (*root)[size - 1] = '\0';
        return 0;
}

/* ---- secrets ---- */

static int fallback_token(ConfigParser *parser, const ConfigVariable *variable) {
        return text_duplicate(parser->defaults->token_file, field(parser, variable));
}

/* One half of the client pair. The credentials count only where neither variable is set: halves of different
 * pairs do not match. */
static int fallback_client(ConfigParser *parser, const ConfigVariable *variable) {
        const ConfigDefaults *defaults = parser->defaults;
        bool is_cert = variable->offset == offsetof(Config, client_cert_file);
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
        return text_duplicate(own, field(parser, variable));
}

/* ---- systemd units ---- */

/* As systemctl does: web-1.2 is web-1.2.service. Returns 0 or -ENOMEM. */
static int complete_unit(const char *word, char **ret) {
        static const char types[][10] = { "service", "socket", "target", "timer", "mount", "automount",
                "swap", "path", "slice", "scope", "device" };
        const char *dot = strrchr(word, '.');
        char *name;

        for (size_t i = 0; dot && i < ELEMENTSOF(types); i++)
                if (streq(dot + 1, types[i]))
                        return text_duplicate(word, ret);
        if (asprintf(&name, "%s.service", word) < 0)
                return -ENOMEM;
        *ret = name;
        return 0;
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

/* Returns 0, also for one that is there already; -EINVAL with a reason; or -ENOMEM. */
static int add_unit(Config *config, const char *word, const char **ret_reason) {
        _cleanup_free_ char *name = NULL;
        char **units;
        int r;

        r = complete_unit(word, &name);
        if (r < 0)
                return r;
        *ret_reason = unit_fault(name);
        for (size_t i = 0; i < config->n_watch_units; i++)
                if (streq(config->watch_units[i], name))
                        return 0;
        if (!*ret_reason && config->n_watch_units == WATCH_UNITS_MAX)
                *ret_reason = "more than 1024 units";
        if (*ret_reason)
                return -EINVAL;

        units = reallocarray(config->watch_units, config->n_watch_units + 2, sizeof *units);
        if (!units)
                return -ENOMEM;
        config->watch_units = units;
        units[config->n_watch_units++] = TAKE_PTR(name);
        units[config->n_watch_units] = NULL;
        return 0;
}

static int parse_units(ConfigParser *parser, const ConfigVariable *variable, const char *value) {
        _cleanup_free_ char *words = NULL, *shown = NULL;
        const char *reason = NULL;
        char *state = NULL;
        int r;

        r = text_duplicate(value, &words);
        for (char *word = r < 0 ? NULL : strtok_r(words, WHITE_SPACE, &state); word;
                        word = strtok_r(NULL, WHITE_SPACE, &state)) {
                r = add_unit(&parser->config, word, &reason);
                if (r >= 0)
                        continue;
                if (r != -EINVAL)
                        return r;
                shown = text_escape(word, strlen(word), CONFIG_SHOWN_MAX);
                return shown ? config_wrong_because(parser, variable, value, "\"%s\": %s", shown, reason)
                             : -ENOMEM;
        }
        return r;
}

/* ---- the table ---- */

#define FIELD(name) offsetof(Config, name)
#define WORDS(names) .words = (names), .n_words = ELEMENTSOF(names)

const ConfigVariable config_table[] = {
#include "core/settings.inc"
};

const size_t config_table_size = ELEMENTSOF(config_table);
