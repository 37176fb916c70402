/* The steps of a start that --check shares: the configuration, the stored node, the identity. Each logs its
 * own errors. */
#include "start.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "sys/host-info.h"
#include "sys/log.h"
#include "master/master.h"
#include "sys/service-notify.h"
#include "util/macro.h"
#include "util/text.h"

enum { EXCEPTIONS_SHOWN_MAX = 256 };

DEFINE_CLEANUP(StateStore *, state_store_free)
DEFINE_CLEANUP(Node *, node_free)

/* ---- configuration ---- */

/* A file of the unit's LoadCredential=, if there is one; see systemd.exec(5). One that exists but cannot be
 * examined counts as given: without its secret nothing may be sent. Returns 0 or -ENOMEM. */
static int find_credential(const char *name, char **ret) {
        const char *directory = getenv("CREDENTIALS_DIRECTORY");
        _cleanup_free_ char *path = NULL;

        if (isempty(directory))
                return 0;
        if (asprintf(&path, "%s/%s", directory, name) < 0)
                return -ENOMEM;

        if (access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR))
                *ret = TAKE_PTR(path);
        return 0;
}

static int parse_environment(Config *ret, ConfigMessages *ret_messages) {
        _cleanup_free_ char *hostname = NULL, *token = NULL, *cert = NULL, *key = NULL;

        (void) host_info_hostname(&hostname);
        if (find_credential("master-token", &token) < 0 || find_credential("client.crt", &cert) < 0 ||
                        find_credential("client.key", &key) < 0)
                return -ENOMEM;

        return config_parse(environ, endpoint_parse,
                        &(ConfigDefaults){
                                        .hostname = hostname,
                                        .token_file = token,
                                        .client_cert_file = cert,
                                        .client_key_file = key,
                        },
                        ret, ret_messages);
}

static bool is_of_identity(const ConfigMessage *message) {
        static const char *const variables[] = { "AGENT_HOSTNAME", "AGENT_ENV", "AGENT_USER",
                "AGENT_INSTANCE", "AGENT_STATE_ROOT" };

        for (size_t i = 0; i < ELEMENTSOF(variables); i++)
                if (message->is_error && streq(message->variable, variables[i]))
                        return true;
        return false;
}

/* Whether the identity is missing too, and not because of the invalid variables. */
static bool identity_is_missing(const Config *config, const ConfigMessages *messages) {
        _cleanup_(node_free_pointer) Node *node = NULL;
        _cleanup_(identity_done) Identity identity = {};

        for (size_t i = 0; i < messages->count; i++)
                if (is_of_identity(&messages->items[i]))
                        return false;
        return start_find_identity(config, &node, &identity) < 0;
}

/* "did you mean …?" has its mark already. */
static const char *full_stop(const char *text) {
        return isempty(text) || text[strlen(text) - 1] != '?' ? "." : "";
}

int start_load_config(Config *ret) {
        _cleanup_(config_messages_done) ConfigMessages messages = {};
        const char *first_error = NULL;
        size_t n_errors;
        int r;

        r = parse_environment(ret, &messages);
        for (size_t i = 0; i < messages.count; i++) {
                const ConfigMessage *message = &messages.items[i];

                if (message->is_error && !first_error)
                        first_error = message->text;
                if (message->is_error)
                        log_event(LOG_ERR, LOG_EVENT_CONFIG_INVALID, NULL, "%s.", message->text);
                else
                        log_line(LOG_WARNING, "%s%s", message->text, full_stop(message->text));
        }
        if (r != -EINVAL)
                return r;

        n_errors = messages.n_errors + identity_is_missing(ret, &messages);
        if (n_errors == 1)
                service_notify_status("%s", first_error);
        else
                service_notify_status("%zu settings are invalid; the log names them", n_errors);
        return r;
}

/* ---- what is accepted and goes wrong later ---- */

/* Returns whether it was logged: once is enough. */
static bool log_proxy(const Endpoint *endpoint, int level) {
        _cleanup_free_ char *proxy = NULL, *value = NULL;
        const char *unmatched;

        if (master_find_proxy(endpoint, &proxy, &unmatched) <= 0)
                return false;

        if (unmatched)
                value = text_sanitize(getenv(unmatched), strlen(getenv(unmatched)), EXCEPTIONS_SHOWN_MAX);
        if (value)
                log_line(level,
                                "Connections to %s go through the proxy %s: libcurl does not match the host with "
                                "%s=\"%s\".",
                                endpoint->url, proxy, unmatched, value);
        else
                log_line(level, "Connections to %s go through the proxy %s.", endpoint->url, proxy);
        return true;
}

static void warn_of_proxies(const Config *config, int level) {
        bool is_said = false, has_capitals = false;

        for (size_t i = 0; i < config->n_endpoints; i++) {
                is_said = is_said || log_proxy(&config->endpoints[i], level);
                has_capitals = has_capitals || master_ignores_proxy(&config->endpoints[i]);
        }

        if (has_capitals)
                log_line(LOG_WARNING,
                                "Ignoring HTTP_PROXY: libcurl reads this variable in lower case only; set http_proxy.");
}

void start_warn(const Config *config, int proxy_level) {
        if (config->hostname && config_hostname_is_local(config->hostname))
                log_line(LOG_WARNING,
                                "The node registers as \"%s\", a name that many machines have; set AGENT_HOSTNAME or the "
                                "host's name.",
                                config->hostname);

        warn_of_proxies(config, proxy_level);
}

/* ---- the stored state ---- */

NodeFile start_load_node(const Config *config, StateStore *store, Node **ret) {
        _cleanup_free_ char *reason = NULL;
        NodeFile kind = node_file_read(store, config->hostname, ret, &reason);

        switch (kind) {
        case NODE_FILE_OURS:
                state_store_know(store);
                break;
        case NODE_FILE_FOREIGN:
                log_line(LOG_WARNING,
                                "Ignoring node.json under %s: %s. Neither its id nor its identity is used.",
                                state_store_path(store), strempty(reason));
                break;
        case NODE_FILE_CORRUPT:
                log_event(LOG_ERR, LOG_EVENT_STATE_CORRUPT, NULL,
                                "node.json under %s is not a node object: %s. Continuing as if the node was never "
                                "registered; a Master that knows the node by its name returns the same id.",
                                state_store_path(store), strempty(reason));
                break;
        case NODE_FILE_UNREADABLE:
                log_event(LOG_ERR, LOG_EVENT_STATE_CORRUPT, NULL,
                                "Cannot read node.json under %s: %s. It is read again before the node registers.",
                                state_store_path(store), strempty(reason));
                break;
        default:
                break;
        }

        return kind;
}

void start_warn_of_twin(const Config *config, const StateStore *store) {
        _cleanup_free_ char *name = NULL, *shown = NULL;

        if (state_store_find_twin(store, &name) <= 0)
                return;

        shown = text_sanitize(name, strlen(name), NODE_NAME_MAX);
        log_line(LOG_WARNING,
                        "%s/%s holds a node.json too, and this host is called %s: if it is the same machine under "
                        "another name, the Master has two nodes for it. Set AGENT_HOSTNAME to the one to keep.",
                        config->state_root, strempty(shown), config->hostname);
}

static int refuse_identity(const Config *config) {
        bool is_own_name = !getenv("AGENT_HOSTNAME");

        log_event(LOG_ERR, LOG_EVENT_CONFIG_INVALID, NULL,
                        "The node has no identity: %s \"%s\" is not of the form env-user-instance. Set AGENT_ENV, "
                        "AGENT_USER and AGENT_INSTANCE%s.",
                        is_own_name ? "the host name" : "AGENT_HOSTNAME", config->hostname,
                        is_own_name ? ", or the host name" : "");
        service_notify_status("The node has no identity: set AGENT_ENV, AGENT_USER and AGENT_INSTANCE%s",
                        is_own_name ? ", or the host name" : "");
        return is_own_name ? -EAGAIN : -ENODATA;
}

int start_choose_identity(const Config *config, const Node *node, Identity *ret) {
        _cleanup_free_ char *warning = NULL;
        int r;

        r = identity_choose(config, node, ret, &warning);
        if (warning)
                log_line(LOG_WARNING, "%s", warning);
        if (r == -ENODATA)
                return refuse_identity(config);

        return r;
}

int start_find_identity(const Config *config, Node **ret_node, Identity *ret) {
        _cleanup_(state_store_free_pointer) StateStore *store = NULL;
        _cleanup_(node_free_pointer) Node *node = NULL;
        int r;

        r = state_store_new(config->state_root, config->hostname, &store);
        if (r < 0)
                return r;
        (void) start_load_node(config, store, &node);
        r = start_choose_identity(config, node, ret);
        if (r >= 0)
                *ret_node = TAKE_PTR(node);
        return r;
}
