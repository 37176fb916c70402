/* SPDX-License-Identifier: MIT */
/* What config.c, config-table.c and config-endpoints.c share. Internal to the configuration. */
#pragma once

#include "core/config.h"
#include "util/macro.h"

enum { CONFIG_SHOWN_MAX = 64 + sizeof "…" - 1 }; /* bytes of a value that a message shows */

typedef struct ConfigParser {
        char *const *environment;
        EndpointParser *parse_endpoint;
        const ConfigDefaults *defaults;
        Config config;
        ConfigMessages messages;
        char reason[160];      /* config_reason()'s */
        bool is_out_of_memory; /* what was read is of no use then, and nobody looks at it */
} ConfigParser;

typedef struct ConfigVariable ConfigVariable;

/* What is known of a variable; its explanation is the comment of its row in settings.inc. */
struct ConfigVariable {
        const char *name;
        const char *accepted;      /* words for a person: "expected …" */
        const char *default_value; /* read where there is no value */
        /* Reads a value that is not empty. Returns NULL, or why it is invalid: "" if `accepted` says all. May
         * amend `accepted` and `is_secret` of this copy for the message. */
        const char *(*parse)(ConfigParser *parser, ConfigVariable *variable, const char *value);
        /* Called where there is no value. Returns NULL, or why one is required. May be NULL. */
        const char *(*fallback)(ConfigParser *parser, ConfigVariable *variable);
        size_t offset;            /* of its member of Config */
        const char *const *words; /* of an enumeration, by its values */
        size_t n_words;
        uint64_t smallest;   /* of a number */
        bool is_secret;      /* the value may be a secret, put there by mistake: it is never shown */
        bool empty_is_wrong; /* set but empty is not taken for not set */
        const char *trimmed; /* white space that the parser takes off by itself; may be NULL */
};

/* In the order of the documentation. */
extern const ConfigVariable config_table[];
extern const size_t config_table_size;

/* Whether the environment holds the variable with a value that is not empty. */
bool config_is_set(const ConfigParser *parser, const char *name);

/* Whether text is UTF-8 without hidden characters and noncharacters, fit for D-Bus and JSON. */
bool config_is_plain(const char *text);

/* Adds a message. */
void config_message(ConfigParser *parser, bool is_error, const char *variable, const char *format, ...)
                _printf_(4, 5);

/* A formatted reason, which the next one replaces. */
const char *config_reason(ConfigParser *parser, const char *format, ...) _printf_(2, 3);

/* MASTER_ENDPOINT's own. */
const char *config_parse_endpoints(ConfigParser *parser, ConfigVariable *variable, const char *value);
const char *config_fallback_endpoints(ConfigParser *parser, ConfigVariable *variable);
