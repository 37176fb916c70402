/* The steps of a start that --check shares: the configuration, the stored node, the identity. Each says by
 * itself what is wrong. */
#include "start.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "sys/host-info.h"
#include "sys/log.h"
#include "sys/service-notify.h"
#include "util/macro.h"
#include "util/text.h"

/* ---- configuration ---- */

/* A file of the unit's LoadCredential=, if it was given; systemd.exec(5). */
static char *find_credential(const char *name) {
        const char *directory = getenv("CREDENTIALS_DIRECTORY");
        _cleanup_free_ char *path = NULL;

        if (isempty(directory) || asprintf(&path, "%s/%s", directory, name) < 0)
                return NULL;

        return access(path, F_OK) == 0 ? TAKE_PTR(path) : NULL;
}

int start_load_config(Config *ret) {
        _cleanup_free_ char *hostname = NULL, *token = NULL, *cert = NULL, *key = NULL;
        _cleanup_(config_messages_done) ConfigMessages messages = {};
        int r;

        (void) host_info_hostname(&hostname);
        token = find_credential("master-token");
        cert = find_credential("client.crt");
        key = find_credential("client.key");

        r = config_parse(environ,
                        &(ConfigDefaults){
                                        .hostname = hostname,
                                        .token_file = token,
                                        .client_cert_file = cert,
                                        .client_key_file = key,
                        },
                        ret, &messages);

        for (size_t i = 0; i < messages.count; i++) {
                const ConfigMessage *message = &messages.items[i];

                if (!message->is_error) {
                        log_line(LOG_WARNING, "%s", message->text);
                        continue;
                }

                log_event(LOG_ERR, LOG_EVENT_CONFIG_INVALID, NULL, "%s", message->text);
                if (messages.n_errors == 1)
                        service_notify_status("%s", message->text);
        }
        if (messages.n_errors > 1)
                service_notify_status("%zu variables are wrong; the log names them", messages.n_errors);

        return r;
}

/* ---- the stored state ---- */

int start_load_node(StateStore *store, bool may_change, Node **ret) {
        _cleanup_free_ char *text = NULL, *reason = NULL, *aside = NULL;
        size_t size = 0;
        int r;

        r = state_store_load(store, &text, &size);
        if (r == -ENOENT)
                return r;
        if (r >= 0) {
                r = node_parse(text, size, ret, &reason);
                if (r != -EBADMSG)
                        return r;
        }

        /* What cannot be read for a reason outside of the file may be read again one day: it stays. */
        if (!may_change || (r != -EBADMSG && r != -EFBIG && r != -ELOOP && r != -EISDIR && r != -EINVAL)) {
                log_event(LOG_ERR, LOG_EVENT_STATE_CORRUPT, &(LogFields){ .error = -r },
                                "Cannot use node.json under %s: %s. Going on as if the node was never registered.",
                                state_store_path(store), reason ? reason : strerror(-r));
                return -ENOENT;
        }

        r = state_store_set_aside(store, now_usec(CLOCK_REALTIME), &aside);
        log_event(LOG_ERR, LOG_EVENT_STATE_CORRUPT, NULL,
                        "node.json under %s is no node object (%s); set aside as %s. Going on as if the node was never "
                        "registered: the Master gives a node that it knows by name its id again.",
                        state_store_path(store), reason ? reason : "no regular file of at most 1 MiB",
                        r < 0 ? "nothing, which failed" : aside);
        return -ENOENT;
}

int start_choose_identity(const Config *config, const Node *node, Identity *ret) {
        _cleanup_free_ char *warning = NULL;
        int r;

        r = identity_choose(config, node, ret, &warning);
        if (warning)
                log_line(LOG_WARNING, "%s", warning);
        if (r == -ENODATA) {
                log_event(LOG_ERR, LOG_EVENT_CONFIG_INVALID, NULL,
                                "The node has no identity: set AGENT_ENV, AGENT_USER and AGENT_INSTANCE, or a host name of the "
                                "form env-user-instance (it is \"%s\").",
                                config->hostname);
                service_notify_status(
                                "The node has no identity: set AGENT_ENV, AGENT_USER and AGENT_INSTANCE");
        }

        return r;
}

/* A machine that was cloned with its disk must not take the id of the one it was cloned from. */
void start_forget_foreign_node(const Config *config, StateStore *store, Node **node) {
        _cleanup_free_ char *name = NULL;

        if (!*node || !(*node)->name || streq((*node)->name, config->hostname))
                return;

        name = text_sanitize((*node)->name, strlen((*node)->name), NODE_NAME_MAX);
        log_line(LOG_WARNING,
                        "node.json under %s is of another host, %s: neither its id nor its identity is used.",
                        state_store_path(store), strempty(name));
        *node = node_free(*node);
}
