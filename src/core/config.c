/* SPDX-License-Identifier: MIT */
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
 * file with CR LF). */
static char *show(ConfigParser *parser, const char *value) {
        size_t size = strlen(value);
        char *shown = config_is_plain(value) ? text_sanitize(value, size, CONFIG_SHOWN_MAX)
                                             : text_escape(value, size, CONFIG_SHOWN_MAX);

        parser->is_out_of_memory |= !shown;
        return shown;
}

void config_message(ConfigParser *parser, bool is_error, const char *variable, const char *format, ...) {
        ConfigMessages *messages = &parser->messages;
        ConfigMessage *items = reallocarray(messages->items, messages->count + 1, sizeof *items);
        va_list arguments;
        char *text;
        int length;

        va_start(arguments, format);
        length = vasprintf(&text, format, arguments);
        va_end(arguments);

        if (items)
                messages->items = items;
        if (items && length >= 0) {
                items[messages->count++] = (ConfigMessage){ is_error, variable, text };
                messages->n_errors += is_error;
                return;
        }
        if (length >= 0)
                free(text);
        parser->is_out_of_memory = true;
}

const char *config_reason(ConfigParser *parser, const char *format, ...) {
        va_list arguments;

        va_start(arguments, format);
        (void) vsnprintf(parser->reason, sizeof parser->reason, format, arguments);
        va_end(arguments);
        return parser->reason;
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

/* Adds the error that the value is invalid; NULL: that it is not set. */
static void add_error(ConfigParser *parser, const ConfigVariable *variable, const char *value,
                const char *reason) {
        const char *name = variable->name, *accepted = variable->accepted, *ends = NULL, *separator;
        _cleanup_free_ char *shown = NULL;

        if (!isempty(value))
                ends = describe_ends(variable, value);
        reason = ends ? ends : reason;
        separator = *reason ? "; " : "";

        if (!value)
                config_message(parser, true, name, "%s is required but not set: %s; expected %s", name,
                                reason, accepted);
        else if (variable->is_secret && *value)
                config_message(parser, true, name, "Invalid %s (not shown, may be secret): %s%sexpected %s",
                                name, reason, separator, accepted);
        else {
                shown = show(parser, value);
                config_message(parser, true, name, "Invalid %s=\"%s\": %s%sexpected %s", name,
                                strempty(shown), reason, separator, accepted);
        }
}

/* Warns if a valid value has quotes or blanks around it, which are hardly intended. */
static void check_ends(ConfigParser *parser, const ConfigVariable *variable, const char *value) {
        const char *ends = describe_ends(variable, value);
        _cleanup_free_ char *shown = NULL;

        if (!ends)
                return;
        shown = show(parser, variable->is_secret ? "(not shown)" : value);
        config_message(parser, false, variable->name, "Check %s=\"%s\": %s", variable->name, strempty(shown),
                        ends);
}

static void parse_variable(ConfigParser *parser, const ConfigVariable *row) {
        const char *value = environment_get(parser->environment, row->name), *reason = NULL;
        ConfigVariable variable = *row;

        if (!isempty(value)) {
                reason = variable.parse(parser, &variable, value);
                if (!reason)
                        check_ends(parser, &variable, value);
        } else if (value && variable.empty_is_wrong)
                reason = "";
        else {
                value = NULL;
                if (variable.fallback)
                        reason = variable.fallback(parser, &variable);
                else if (variable.default_value)
                        (void) variable.parse(parser, &variable, variable.default_value);
        }
        if (reason)
                add_error(parser, &variable, value, reason);
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
static void check_name(ConfigParser *parser, const char *entry) {
        char folded[FOLDED_SIZE_MAX], known[FOLDED_SIZE_MAX];
        size_t size = strcspn(entry, "="), folded_size = fold_name(entry, size, folded);
        _cleanup_free_ char *shown = NULL;
        const char *meant = NULL;

        if (entry[size] != '=' || folded_size > FOLDED_SIZE_MAX)
                return;

        for (size_t i = 0; i < config_table_size; i++) {
                const char *name = config_table[i].name;

                if (strlen(name) == size && memcmp(name, entry, size) == 0)
                        return;
                if (is_near(folded, folded_size, known, fold_name(name, strlen(name), known)))
                        meant = name;
        }
        if (!meant)
                return;

        shown = text_escape(entry, size, CONFIG_SHOWN_MAX);
        parser->is_out_of_memory |= !shown;
        config_message(parser, false, meant, "Ignoring unknown variable %s; did you mean %s?",
                        strempty(shown), meant);
}

int config_parse(char *const *environment, EndpointParser *parse_endpoint, const ConfigDefaults *defaults,
                Config *ret, ConfigMessages *ret_messages) {
        static const ConfigDefaults none = {};
        ConfigParser parser = {
                .environment = environment,
                .parse_endpoint = parse_endpoint,
                .defaults = defaults ? defaults : &none,
        };

        assert(ret);
        assert(ret_messages);

        for (size_t i = 0; i < config_table_size; i++)
                parse_variable(&parser, &config_table[i]);
        for (char *const *entry = environment; entry && *entry; entry++)
                check_name(&parser, *entry);

        if (parser.is_out_of_memory) {
                config_done(&parser.config);
                config_messages_done(&parser.messages);
                return -ENOMEM;
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
