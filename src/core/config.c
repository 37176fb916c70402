/* The configuration: the environment becomes checked values, and every error is named, whatever was wrong
 * before it, so that an administrator corrects all of them at once. This file goes through the table of
 * variables and finds the words; how a value is read is the table's matter (config-table.c). */
#include "core/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/config-table.h"
#include "util/text.h"

enum { FOLDED_SIZE_MAX = 64 }; /* longer than any name of ours */

/* The first entry counts, as for getenv(). */
static const char *environment_get(char *const *environment, const char *name) {
        size_t size = strlen(name);

        for (char *const *entry = environment; entry && *entry; entry++) {
                if (strncmp(*entry, name, size) == 0 && (*entry)[size] == '=')
                        return *entry + size + 1;
        }

        return NULL;
}

bool config_is_set(const ConfigParser *parser, const char *name) {
        return !isempty(environment_get(parser->environment, name));
}

bool config_is_plain(const char *text) {
        size_t size = strlen(text);

        while (size > 0) {
                uint32_t code_point;
                size_t length = text_decode_utf8(text, size, &code_point);

                if (length == 0 || text_is_hidden(code_point) || text_is_noncharacter(code_point))
                        return false;
                text += length;
                size -= length;
        }

        return true;
}

/* A value as a message shows it. What cannot be seen is written as \xNN, since it is mostly what is wrong (a
 * file with CR LF). NULL if memory is out. */
static char *show(const char *value) {
        size_t size = strlen(value);

        return config_is_plain(value) ? text_sanitize(value, size, CONFIG_SHOWN_MAX)
                                      : text_escape(value, size, CONFIG_SHOWN_MAX);
}

static _printf_(1, 0) char *format_text(const char *format, va_list arguments) {
        char *text;

        return vasprintf(&text, format, arguments) < 0 ? NULL : text;
}

int config_message(ConfigParser *parser, bool is_error, const char *variable, const char *format, ...) {
        ConfigMessages *messages = &parser->messages;
        ConfigMessage *items;
        va_list arguments;
        char *text;

        items = reallocarray(messages->items, messages->count + 1, sizeof *items);
        if (!items)
                return -ENOMEM;
        messages->items = items;

        va_start(arguments, format);
        text = format_text(format, arguments);
        va_end(arguments);
        if (!text)
                return -ENOMEM;

        items[messages->count++] = (ConfigMessage){ is_error, variable, text };
        messages->n_errors += is_error;
        return 0;
}

/* Quotes and blanks around a value, which `docker run --env-file` keeps and other readers strip. */
static const char *describe_ends(const ConfigVariable *variable, const char *value) {
        const char ends[] = { value[0], value[strlen(value) - (value[0] != '\0')], '\0' };
        bool has_blank = false;

        if (strpbrk(ends, "\"'"))
                return "the quotes are part of the value (docker --env-file keeps them)";
        for (const char *end = ends; *end; end++)
                has_blank = has_blank ||
                            (strchr(" \t\r\n", *end) && !strchr(strempty(variable->trimmed), *end));
        return has_blank ? "the value begins or ends with white space" : NULL;
}

int config_wrong_because(ConfigParser *parser, const ConfigVariable *variable, const char *value,
                const char *format, ...) {
        const char *name = variable->name, *accepted = variable->accepted, *why, *separator;
        _cleanup_free_ char *shown = NULL, *reason = NULL;
        va_list arguments;

        va_start(arguments, format);
        reason = format_text(format, arguments);
        va_end(arguments);
        if (!reason)
                return -ENOMEM;
        why = isempty(value) ? NULL : describe_ends(variable, value);
        why = why ? why : reason;
        separator = *why ? "; " : "";

        if (!value)
                return config_message(parser, true, name, "%s is required but not set%s%s; expected %s",
                                name, *why ? ": " : "", why, accepted);
        if (variable->is_secret && *value)
                return config_message(parser, true, name,
                                "Invalid %s (not shown, may be secret): %s%sexpected %s", name, why,
                                separator, accepted);

        shown = show(value);
        if (!shown)
                return -ENOMEM;
        return config_message(parser, true, name, "Invalid %s=\"%s\": %s%sexpected %s", name, shown, why,
                        separator, accepted);
}

/* Warns if a valid value has quotes or blanks around it, which are hardly intended. */
static int check_ends(ConfigParser *parser, const ConfigVariable *variable, const char *value) {
        const char *ends = describe_ends(variable, value);
        _cleanup_free_ char *shown = NULL;

        if (!ends)
                return 0;

        shown = show(variable->is_secret ? "(not shown)" : value);
        if (!shown)
                return -ENOMEM;
        return config_message(
                        parser, false, variable->name, "Check %s=\"%s\": %s", variable->name, shown, ends);
}

static int parse_variable(ConfigParser *parser, const ConfigVariable *variable) {
        const char *value = environment_get(parser->environment, variable->name);
        size_t n_errors = parser->messages.n_errors;
        int r;

        if (isempty(value)) {
                if (value && variable->empty_is_wrong)
                        return config_wrong(parser, variable, value, NULL);
                if (variable->fallback)
                        return variable->fallback(parser, variable);
                value = variable->default_value;
                if (!value)
                        return 0;
        }

        parser->reason = NULL;
        r = variable->parse(parser, variable, value);
        if (r == -EINVAL)
                return config_wrong(parser, variable, value, parser->reason);
        if (r < 0 || parser->messages.n_errors > n_errors)
                return r;
        return check_ends(parser, variable, value);
}

/* ---- names that are nearly ours ---- */

/* Writes the name in capitals and without underscores. Returns its size; more than FOLDED_SIZE_MAX if it is
 * too long to be one of ours. */
static size_t fold_name(const char *name, size_t size, char folded[static FOLDED_SIZE_MAX]) {
        size_t n = 0;

        for (size_t i = 0; i < size && n <= FOLDED_SIZE_MAX; i++) {
                if (name[i] == '_')
                        continue;
                if (n < FOLDED_SIZE_MAX)
                        folded[n] = (char) toupper((unsigned char) name[i]);
                n++;
        }
        return n;
}

/* Whether one typing error makes one of the other: a character too many, too few or wrong, or two that are
 * swapped. What they begin and end with alike is taken off. */
static bool is_near(const char *a, size_t a_size, const char *b, size_t b_size) {
        size_t shorter = min_size(a_size, b_size), head = 0, tail = 0;

        while (head < shorter && a[head] == b[head])
                head++;
        while (tail < shorter - head && a[a_size - 1 - tail] == b[b_size - 1 - tail])
                tail++;
        a += head;
        b += head;
        a_size -= head + tail;
        b_size -= head + tail;
        return (a_size <= 1 && b_size <= 1) || (a_size == 2 && b_size == 2 && a[0] == b[1] && a[1] == b[0]);
}

/* Warns of a variable that is none of ours, but nearly. */
static int check_name(ConfigParser *parser, const char *entry) {
        char folded[FOLDED_SIZE_MAX], known[FOLDED_SIZE_MAX];
        size_t size = strcspn(entry, "="), folded_size = fold_name(entry, size, folded);
        _cleanup_free_ char *shown = NULL;
        const char *meant = NULL;

        if (entry[size] != '=' || folded_size > FOLDED_SIZE_MAX)
                return 0;

        for (size_t i = 0; i < config_table_size; i++) {
                const char *name = config_table[i].name;

                if (strlen(name) == size && memcmp(name, entry, size) == 0)
                        return 0;
                if (is_near(folded, folded_size, known, fold_name(name, strlen(name), known)))
                        meant = name;
        }
        if (!meant)
                return 0;

        shown = text_escape(entry, size, CONFIG_SHOWN_MAX);
        if (!shown)
                return -ENOMEM;
        return config_message(parser, false, meant, "Ignoring unknown variable %s; did you mean %s?", shown,
                        meant);
}

static int parse_all(ConfigParser *parser) {
        int r;

        for (size_t i = 0; i < config_table_size; i++) {
                r = parse_variable(parser, &config_table[i]);
                if (r < 0)
                        return r;
        }

        for (char *const *entry = parser->environment; entry && *entry; entry++) {
                r = check_name(parser, *entry);
                if (r < 0)
                        return r;
        }

        return 0;
}

int config_parse(char *const *environment, EndpointParser *parse_endpoint, const ConfigDefaults *defaults,
                Config *ret, ConfigMessages *ret_messages) {
        static const ConfigDefaults none = {};
        ConfigParser parser = {
                .environment = environment,
                .parse_endpoint = parse_endpoint,
                .defaults = defaults ? defaults : &none,
        };
        int r;

        assert(ret);
        assert(ret_messages);

        r = parse_all(&parser);
        if (r < 0) {
                config_done(&parser.config);
                config_messages_done(&parser.messages);
                return r;
        }

        *ret = parser.config;
        *ret_messages = parser.messages;
        return parser.messages.n_errors > 0 ? -EINVAL : 0;
}

void config_done(Config *config) {
        for (size_t i = 0; i < config->n_endpoints; i++)
                endpoint_done(&config->endpoints[i]);
        for (size_t i = 0; i < config->n_watch_units; i++)
                free(config->watch_units[i]);
        free(config->watch_units);

        free(config->hostname);
        free(config->env);
        free(config->user);
        free(config->instance);
        free(config->address);
        free(config->state_root);
        free(config->ca_file);
        free(config->token_file);
        free(config->client_cert_file);
        free(config->client_key_file);
        *config = (Config){};
}

void config_messages_done(ConfigMessages *messages) {
        for (size_t i = 0; i < messages->count; i++)
                free(messages->items[i].text);
        free(messages->items);
        *messages = (ConfigMessages){};
}
