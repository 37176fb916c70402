/* SPDX-License-Identifier: MIT */
/* The steps of a start: see start.h. */
#include "start.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "master/master.h"
#include "sys/host-info.h"
#include "sys/log.h"
#include "sys/service-notify.h"
#include "util/text.h"

enum { EXCEPTIONS_SHOWN_MAX = 256 };

/* ---- settings ---- */

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

static void log_messages(const ConfigMessages *messages) {
        for (size_t i = 0; i < messages->count; i++) {
                const char *text = messages->items[i].text;

                if (messages->items[i].is_error)
                        log_event(LOG_ERR, LOG_EVENT_CONFIG_INVALID, NULL, "%s.", text);
                else /* "did you mean …?" has its mark already */
                        log_line(LOG_WARNING, "%s%s", text, text[strlen(text) - 1] == '?' ? "" : ".");
        }
}

/* Whether an identity that is missing may be the fault of these errors. */
static bool concern_identity(const ConfigMessages *messages) {
        static const char *const variables[] = { "AGENT_HOSTNAME", "AGENT_ENV", "AGENT_USER",
                "AGENT_INSTANCE", "AGENT_STATE_ROOT" };

        for (size_t i = 0; i < messages->count; i++)
                for (size_t j = 0; j < ELEMENTSOF(variables); j++)
                        if (messages->items[i].is_error && streq(messages->items[i].variable, variables[j]))
                                return true;
        return false;
}

static void notify_errors(const ConfigMessages *messages, bool has_identity) {
        size_t n = messages->n_errors + !has_identity, first = 0;

        while (!messages->items[first].is_error)
                first++;
        if (n == 1)
                service_notify_status("%s", messages->items[first].text);
        else
                service_notify_status("%zu settings are invalid; the log names them", n);
}

/* ---- what is accepted and goes wrong later ---- */

/* Returns whether it was logged: once is enough. */
static bool log_proxy(const Endpoint *endpoint, int level) {
        _cleanup_free_ char *proxy = NULL, *value = NULL;
        const char *unmatched, *exceptions;

        if (master_find_proxy(endpoint, &proxy, &unmatched) <= 0)
                return false;

        exceptions = unmatched ? getenv(unmatched) : NULL;
        if (exceptions)
                value = text_sanitize(exceptions, strlen(exceptions), EXCEPTIONS_SHOWN_MAX);
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

/* ---- the stored node and the identity ---- */

static void load_node(Start *start) {
        StateStore *store = start->loaded.store;
        const char *path = state_store_path(store);
        _cleanup_free_ char *reason = NULL;

        start->node_file = node_file_read(store, start->config.hostname, &start->loaded.node, &reason);
        switch (start->node_file) {
        case NODE_FILE_OURS:
                state_store_know(store);
                break;
        case NODE_FILE_FOREIGN:
                log_line(LOG_WARNING,
                                "Ignoring node.json under %s: %s. Neither its id nor its identity is used.",
                                path, strempty(reason));
                break;
        case NODE_FILE_CORRUPT:
                log_event(LOG_ERR, LOG_EVENT_STATE_CORRUPT, NULL,
                                "node.json under %s is not a node object: %s. Continuing as if the node was never "
                                "registered; a Master that knows the node by its name returns the same id.",
                                path, strempty(reason));
                break;
        case NODE_FILE_UNREADABLE:
                log_event(LOG_ERR, LOG_EVENT_STATE_CORRUPT, NULL,
                                "Cannot read node.json under %s: %s. It is read again before the node registers.",
                                path, strempty(reason));
                break;
        default:
                break;
        }
}

static int refuse_identity(const char *hostname) {
        bool is_own_name = !getenv("AGENT_HOSTNAME");
        const char *name_too = is_own_name ? ", or the host name" : "";

        log_event(LOG_ERR, LOG_EVENT_CONFIG_INVALID, NULL,
                        "The node has no identity: %s \"%s\" is not of the form env-user-instance. Set AGENT_ENV, "
                        "AGENT_USER and AGENT_INSTANCE%s.",
                        is_own_name ? "the host name" : "AGENT_HOSTNAME", hostname, name_too);
        service_notify_status("The node has no identity: set AGENT_ENV, AGENT_USER and AGENT_INSTANCE%s",
                        name_too);
        return is_own_name ? -EAGAIN : -ENODATA;
}

static int find_identity(Start *start) {
        const Config *config = &start->config;
        ManagerStart *loaded = &start->loaded;
        _cleanup_free_ char *warning = NULL;
        int r;

        r = state_store_new(config->state_root, config->hostname, &loaded->store);
        if (r < 0)
                return r;
        load_node(start);

        r = identity_choose(config, loaded->node, &loaded->identity, &warning);
        if (warning)
                log_line(LOG_WARNING, "%s", warning);
        return r == -ENODATA ? refuse_identity(config->hostname) : r;
}

void start_warn_of_twin(const Start *start) {
        _cleanup_free_ char *name = NULL, *shown = NULL;

        if (state_store_find_twin(start->loaded.store, &name) <= 0)
                return;

        shown = text_sanitize(name, strlen(name), NODE_NAME_MAX);
        log_line(LOG_WARNING,
                        "%s/%s holds a node.json too, and this host is called %s: if it is the same machine under "
                        "another name, the Master has two nodes for it. Set AGENT_HOSTNAME to the one to keep.",
                        start->config.state_root, strempty(shown), start->config.hostname);
}

/* ---- all of it ---- */

int start_load(bool is_check, Start *start) {
        _cleanup_(config_messages_done) ConfigMessages messages = {};
        const Config *config = &start->config;
        int r, identity_result = 0;

        r = parse_environment(&start->config, &messages);
        log_messages(&messages);
        if (r < 0 && r != -EINVAL)
                return r;
        if (r >= 0 && !is_check && log_open(config->log_target, config->log_level) < 0)
                log_line(LOG_WARNING, "journald cannot be reached; the log goes to the console.");

        if (!concern_identity(&messages))
                identity_result = find_identity(start);
        if (r >= 0)
                return identity_result;

        notify_errors(&messages, identity_result >= 0);
        return r;
}

void start_done(Start *start) {
        config_done(&start->config);
        state_store_free(start->loaded.store);
        node_free(start->loaded.node);
        identity_done(&start->loaded.identity);
}
