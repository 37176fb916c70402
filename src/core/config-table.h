/* How config.c, the table of variables and config-endpoints.c work together. Internal to the
 * configuration. */
#pragma once

#include "core/config.h"
#include "util/macro.h"
#include "util/text.h"

enum { CONFIG_SHOWN_MAX = 64 + sizeof "…" - 1 }; /* bytes of a value that a message shows */

typedef struct ConfigParser {
        char *const *environment;
        EndpointParser *parse_endpoint;
        const ConfigDefaults *defaults;
        Config config;
        ConfigMessages messages;
        const char *reason; /* why parse() returned -EINVAL, if `accepted` does not say all */
} ConfigParser;

typedef struct ConfigVariable ConfigVariable;

/* What is known of a variable; its explanation is the comment of its row in settings.inc. */
struct ConfigVariable {
        const char *name;
        const char *accepted;      /* words for a person: "expected …" */
        const char *default_value; /* read where there is no value */
        /* Reads a value that is not empty. Returns 0, also where it added a message; -EINVAL if the value is
         * invalid; or -ENOMEM. */
        int (*parse)(ConfigParser *parser, const ConfigVariable *variable, const char *value);
        /* Called where there is no value; the same returns. May be NULL. */
        int (*fallback)(ConfigParser *parser, const ConfigVariable *variable);
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

/* Whether text is UTF-8 without hidden characters and noncharacters: as it is, it may go to D-Bus and
 * JSON. */
bool config_is_plain(const char *text);

/* Adds a message. Returns 0 or -ENOMEM. */
int config_message(ConfigParser *parser, bool is_error, const char *variable, const char *format, ...)
                _printf_(4, 5);

/* Adds the error that the variable is invalid. `value` NULL: that it is not set. The format is the reason;
 * it may be empty where what is accepted says all. Returns 0 or -ENOMEM. */
int config_wrong_because(ConfigParser *parser, const ConfigVariable *variable, const char *value,
                const char *format, ...) _printf_(4, 5);

static inline int config_wrong(ConfigParser *parser, const ConfigVariable *variable, const char *value,
                const char *reason) {
        return config_wrong_because(parser, variable, value, "%s", strempty(reason));
}

/* MASTER_ENDPOINT's own. */
int config_parse_endpoints(ConfigParser *parser, const ConfigVariable *variable, const char *value);
int config_fallback_endpoints(ConfigParser *parser, const ConfigVariable *variable);
