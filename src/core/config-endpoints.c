/* SPDX-License-Identifier: MIT */
/* MASTER_ENDPOINT: a list of addresses, and whether a secret may go there. */
#include "core/config-table.h"

#include <errno.h>
#include <string.h>

#include "util/text.h"

enum { QUERY_SHOWN_MAX = 6 };

#define BLANKS " \t"

/* Why plain http is refused; NULL if there is no secret to protect. */
static const char *secret_in_use(const ConfigParser *parser) {
        if (config_is_set(parser, "MASTER_TOKEN_FILE"))
                return "the token of MASTER_TOKEN_FILE would be sent in the clear";
        if (parser->defaults->token_file)
                return "the token of the credential master-token would be sent in the clear";
        if (config_is_set(parser, "MASTER_CLIENT_CERT_FILE") ||
                        config_is_set(parser, "MASTER_CLIENT_KEY_FILE"))
                return "the certificate of MASTER_CLIENT_CERT_FILE is of no use without TLS";
        if (parser->defaults->client_cert_file || parser->defaults->client_key_file)
                return "the certificate of the credential client.crt is of no use without TLS";
        return NULL;
}

static const char *endpoint_prefix(const Endpoint *endpoint) {
        return strchrnul(strstr(endpoint->url, "://") + strlen("://"), '/');
}

/* Reads one address of the list. Returns NULL, or why it is invalid. */
static const char *add_endpoint(ConfigParser *parser, const char *text, size_t size) {
        Config *config = &parser->config;
        _cleanup_free_ char *part = NULL;
        const char *reason;
        Endpoint endpoint;
        int r;

        if (config->n_endpoints >= ENDPOINTS_MAX)
                return "more than 16 addresses";
        if (size == 0)
                return "empty";

        part = strndup(text, size);
        r = part ? parser->parse_endpoint(part, &endpoint, &reason) : -ENOMEM;
        if (r == -EINVAL)
                return reason;
        if (r < 0) {
                parser->is_out_of_memory = true;
                return NULL;
        }

        for (size_t i = 0; i < config->n_endpoints; i++) {
                const Endpoint *other = &config->endpoints[i];

                if (endpoint.port == other->port && endpoint.is_tls == other->is_tls &&
                                streq(endpoint.host, other->host) &&
                                streq(endpoint_prefix(&endpoint), endpoint_prefix(other))) {
                        endpoint_done(&endpoint);
                        return "a duplicate";
                }
        }

        config->endpoints[config->n_endpoints++] = endpoint;
        return NULL;
}

/* In a malformed address any part may be a password, so nothing is shown if there is a hint of user info,
 * escaped or not. A query is shown if it is too short for a token. */
static bool may_hold_secret(const char *value) {
        const char *query = strpbrk(value, "?#");

        return strpbrk(value, "@%") || (query && strlen(query) > QUERY_SHOWN_MAX);
}

const char *config_parse_endpoints(ConfigParser *parser, ConfigVariable *variable, const char *value) {
        const char *rest = value, *reason = NULL, *secret;
        bool more = true;

        variable->is_secret = may_hold_secret(value);

        /* Before splitting at commas: a password may contain one. */
        if (strchr(value, '@'))
                return "user info is not allowed (a token goes into MASTER_TOKEN_FILE)";

        for (size_t number = 1; more; number++) {
                size_t size, next;

                rest += strspn(rest, BLANKS);
                next = strcspn(rest, ",");
                more = rest[next] == ',';
                for (size = next; size > 0 && strchr(BLANKS, rest[size - 1]); size--)
                        ;

                reason = add_endpoint(parser, rest, size);
                if (reason)
                        return number == 1 && !more
                                               ? reason
                                               : config_reason(parser, "address %zu: %s", number, reason);
                rest += next + more;
        }

        secret = secret_in_use(parser);
        for (size_t i = 0; secret && i < parser->config.n_endpoints; i++) {
                const Endpoint *endpoint = &parser->config.endpoints[i];

                if (!endpoint->is_tls && !endpoint->is_loopback) {
                        variable->accepted =
                                        "https or loopback for each address, as there is a token or certificate";
                        return secret;
                }
        }

        return NULL;
}

/* Often it is set, but systemd dropped the line; systemd.exec(5) does not name these cases. */
const char *config_fallback_endpoints(ConfigParser *parser, ConfigVariable *variable) {
        config_message(parser, true, variable->name,
                        "%s is required but not set; expected an address such as http://host:3000. systemd drops a "
                        "setting behind \"export\", an open quote, a byte order mark or a comment that ends in a "
                        "backslash, and a whole file with a NUL byte or invalid UTF-8, or that is a directory: "
                        "\"sudo argusctl check\" names file and line",
                        variable->name);
        return NULL;
}
