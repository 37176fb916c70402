/* How config.c and the table of variables work together. Internal to the configuration. */
#pragma once

#include "core/config.h"
#include "util/macro.h"

typedef struct ConfigParser {
        char *const *environment;
        EndpointParser *parse_endpoint;
        const ConfigDefaults *defaults;
        Config config; /* begins with the defaults that depend on nothing */
        ConfigMessages messages;
        bool interval_is_wrong; /* then nothing can be measured by it */
} ConfigParser;

typedef struct ConfigVariable ConfigVariable;

struct ConfigVariable {
        const char *name;
        /* Reads a value that is not empty. Returns 0, also where it added a message, or -ENOMEM. */
        int (*parse)(ConfigParser *parser, const ConfigVariable *variable, const char *value);
        /* What holds where there is no value; the same returns. NULL: nothing to do. */
        int (*fallback)(ConfigParser *parser, const ConfigVariable *variable);
        size_t offset;        /* of the field of Config, for functions that several variables share */
        const char *accepted; /* words for a person */
        bool is_secret;       /* the value may be a secret, put there by mistake: it is never shown */
        bool empty_is_wrong;  /* set but empty is not taken for not set */
        const char *trimmed;  /* white space that the parser takes off by itself; may be NULL */
};

/* In the order of the documentation. */
extern const ConfigVariable config_table[];
extern const size_t config_table_size;

/* Whether the environment holds the variable with a value that is not empty. */
bool config_is_set(const ConfigParser *parser, const char *name);

/* Whether text is UTF-8 without control characters and noncharacters: as it is, it may go to D-Bus
 * and JSON. */
bool config_is_plain(const char *text);

/* What is shown of a value: safe for a terminal, a log and D-Bus, and short. NULL if memory is out. */
char *config_show(const char *value);

/* Adds a message. Returns 0 or -ENOMEM. */
int config_message(ConfigParser *parser, bool is_error, const char *variable, const char *format, ...)
                _printf_(4, 5);

/* Adds the error that the variable is wrong. `value` NULL: that it is not set. `reason` may be NULL: what is
 * accepted says all. Returns 0 or -ENOMEM. */
int config_wrong(
                ConfigParser *parser, const ConfigVariable *variable, const char *value, const char *reason);

/* The same with a formatted reason. */
int config_wrong_because(ConfigParser *parser, const ConfigVariable *variable, const char *value,
                const char *format, ...) _printf_(4, 5);

/* MASTER_ENDPOINT's own. */
int config_parse_endpoints(ConfigParser *parser, const ConfigVariable *variable, const char *value);
int config_fallback_endpoints(ConfigParser *parser, const ConfigVariable *variable);
