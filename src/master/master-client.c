#include "master/master.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/endpoint-choice.h"
#include "master/ca-store.h"
#include "master/http-client.h"
#include "master/secret-files.h"
#include "util/buffer.h"
#include "util/macro.h"
#include "util/text.h"

/* The paths of the API: here and nowhere else. */
#define PATH_NODES "/api/v1/master/nodes"
#define PATH_STATUS_SUFFIX "/status"

#define USER_AGENT "argus-agent/" ARGUS_AGENT_VERSION

/* A try that asks several endpoints ends after this in any case. */
#define ATTEMPT_MAX_USEC (20 * USEC_PER_SEC)

enum { ADDRESS_SIZE = 64 };

struct MasterClient {
        const Config *config;
        MasterCallback callback;
        void *userdata;
        HttpClient *http;
        SecretFiles *secrets;
        EndpointChoice choice;
        sd_event_source *failed_early; /* brings a failure of our own side to the callback from the loop */

        /* The attempt in progress. */
        bool is_busy;
        RequestKind kind;
        const Node *node;
        char *path;
        const char *body; /* of whoever asked */
        size_t body_size;
        size_t endpoint_before;             /* choice.current when the attempt began */
        usec_t started_usec, deadline_usec; /* CLOCK_BOOTTIME */
        bool secret_reloaded;
        HttpRequest *request;
        /* The first failure of this attempt that has a status, else the first one. */
        bool has_failure;
        Outcome failure;
        size_t failure_index;
        char early_failure[256];
};

static void master_client_ask(MasterClient *client);

static void master_client_finish(
                MasterClient *client, Outcome *outcome, size_t endpoint_index, const HttpResult *result) {
        usec_t now = now_usec(CLOCK_BOOTTIME);
        char local_address[ADDRESS_SIZE], remote_address[ADDRESS_SIZE];
        MasterReply reply = {
                .kind = client->kind,
                .outcome = outcome,
                .body_size = client->body_size,
                .endpoint = client->config->endpoints[endpoint_index].url,
                .endpoint_changed = client->choice.current != client->endpoint_before,
                .duration_usec = usec_sub(now, client->started_usec),
                .secret_reloaded = client->secret_reloaded,
        };

        /* The node waits only if a Retry-After binds every address. */
        outcome->retry_after_usec = endpoint_choice_wait(&client->choice, now);

        /* Copied: the result goes with the request, and the callback may submit the next. */
        if (result && result->local_address) {
                text_sanitize_into(local_address, sizeof local_address, result->local_address,
                                strlen(result->local_address));
                reply.local_address = local_address;
        }
        if (result && result->remote_address) {
                text_sanitize_into(remote_address, sizeof remote_address, result->remote_address,
                                strlen(result->remote_address));
                reply.remote_address = remote_address;
        }

        master_client_cancel(client);
        client->callback(&reply, client->userdata);
}

static const char *method_of(RequestKind kind) {
        return kind == REQUEST_REGISTER ? "POST" : "PUT";
}

static void master_client_classify(const MasterClient *client, const HttpResult *result, Outcome *ret) {
        _cleanup_(buffer_done) Buffer request = {};
        int r;
        Answer answer = {
                .kind = client->kind,
                .secret = secret_files_get_token(client->secrets),
                .sent_id = client->node ? client->node->id : NULL,
                .node = client->node,
                .transport = result->transport,
                .transport_text = result->transport_text,
                .http_status = result->http_status,
                .body = result->body,
                .body_size = result->body_size,
                .location = result->location,
                .retry_after_usec = result->retry_after_usec,
        };

        r = buffer_printf(&request, "%s %s%s", method_of(client->kind),
                        client->config->endpoints[client->choice.index].url, client->path);
        answer.request = request.data;
        if (r < 0 || outcome_classify(&answer, ret) < 0)
                *ret = (Outcome){
                        .class = OUTCOME_FAILED,
                        .transport = TRANSPORT_LOCAL,
                        .http_status = result->http_status,
                        .error = "out of memory",
                };
}

/* Notes why an endpoint failed. The first failure counts, but one with a status explains more than one
 * without. */
static void master_client_note_failure(MasterClient *client, const Outcome *outcome) {
        if (!client->has_failure || (client->failure.http_status == 0 && outcome->http_status != 0)) {
                client->failure = *outcome; /* a failure holds no node */
                client->failure_index = client->choice.index;
                client->has_failure = true;
        }
}

static void on_http_result(HttpRequest *request _unused_, const HttpResult *result, void *userdata) {
        MasterClient *client = userdata;
        _cleanup_(outcome_done) Outcome outcome = {};
        usec_t now = now_usec(CLOCK_BOOTTIME);
        EndpointVerdict verdict;
        bool goes_on;

        master_client_classify(client, result, &outcome);
        verdict = endpoint_verdict(&outcome);
        goes_on = endpoint_choice_judge(&client->choice, verdict, outcome.retry_after_usec, now);
        if (verdict == ENDPOINT_ANSWERED) {
                master_client_finish(client, &outcome, client->choice.index, result);
                return;
        }

        master_client_note_failure(client, &outcome);
        if (goes_on && now < client->deadline_usec && endpoint_choice_next(&client->choice, now)) {
                client->request = http_request_free(client->request);
                master_client_ask(client);
                return;
        }

        outcome = client->failure;
        master_client_finish(client, &outcome, client->failure_index, result);
}

static int on_failed_early(sd_event_source *source _unused_, void *userdata) {
        MasterClient *client = userdata;
        Outcome outcome = { .class = OUTCOME_FAILED, .transport = TRANSPORT_LOCAL };

        (void) snprintf(outcome.error, sizeof outcome.error, "%s", client->early_failure);
        master_client_finish(client, &outcome, client->choice.index, NULL);
        return 0;
}

static void master_client_fail_early(MasterClient *client, const char *what, const char *why) {
        (void) snprintf(client->early_failure, sizeof client->early_failure, "%s: %s", what, why);
        (void) sd_event_source_set_enabled(client->failed_early, SD_EVENT_ONESHOT);
}

/* What one endpoint may take, so that those behind it have their time too. */
static usec_t master_client_share(const MasterClient *client) {
        usec_t now = now_usec(CLOCK_BOOTTIME);
        usec_t share = usec_sub(client->deadline_usec, now) /
                       (1 + endpoint_choice_left(&client->choice, now));

        share = usec_earlier(share, client->config->master_timeout_usec);
        return usec_later(share, USEC_PER_MSEC); /* 0 would mean for ever */
}

static void master_client_ask(MasterClient *client) {
        const Endpoint *endpoint = &client->config->endpoints[client->choice.index];
        HttpSecurity security = {
                .ca_file = client->config->ca_file ? client->config->ca_file : ca_store_find(),
                .client_cert_file = client->config->client_cert_file,
                .client_key_file = client->config->client_key_file,
                .bearer_token = secret_files_get_token(client->secrets),
                /* A proxy would take what is allowed in the clear, as it stays on this machine, off it. */
                .is_direct = endpoint->is_loopback,
        };
        _cleanup_(buffer_done) Buffer url = {};
        int r;

        r = buffer_append_string(&url, endpoint->url);
        if (r >= 0)
                r = buffer_append_string(&url, client->path);
        if (r >= 0)
                r = http_client_submit(client->http, method_of(client->kind), url.data, client->body,
                                client->body_size, &security, master_client_share(client), on_http_result,
                                client, &client->request);
        if (r < 0)
                master_client_fail_early(client, "cannot make the request", strerror(-r));
}

static void master_client_start(MasterClient *client, RequestKind kind, const Node *node, const char *path,
                const char *body, size_t size) {
        SecretFault fault;
        int r;

        assert(!client->is_busy);

        client->is_busy = true;
        client->kind = kind;
        client->node = node;
        client->started_usec = now_usec(CLOCK_BOOTTIME);
        client->deadline_usec = usec_add(client->started_usec, ATTEMPT_MAX_USEC);
        client->secret_reloaded = false;
        client->endpoint_before = client->choice.current;
        endpoint_choice_begin(&client->choice, client->config->n_endpoints,
                        client->config->report_interval_usec, client->started_usec);

        client->body = body;
        client->body_size = size;
        client->has_failure = false;

        r = path && body ? text_replace(&client->path, path) : -ENOMEM;
        if (r < 0) {
                master_client_fail_early(client, "cannot make the request", strerror(-r));
                return;
        }

        r = secret_files_refresh(client->secrets, &fault);
        if (r < 0) {
                _cleanup_free_ char *path_shown = text_sanitize(fault.path, strlen(fault.path), 160),
                                    *what = NULL;

                if (asprintf(&what, "%s %s", fault.what, strempty(path_shown)) < 0)
                        what = NULL;
                master_client_fail_early(client, what ? what : fault.what, fault.reason);
                return;
        }
        if (r > 0) {
                client->secret_reloaded = true;
                http_client_drop_connections(client->http);
        }

        master_client_ask(client);
}

void master_client_register(MasterClient *client, const Node *node, const char *body, size_t size) {
        assert(client);

        master_client_start(client, REQUEST_REGISTER, node, PATH_NODES, body, size);
}

void master_client_report(MasterClient *client, const Node *node, const char *body, size_t size) {
        _cleanup_free_ char *id = NULL;
        _cleanup_(buffer_done) Buffer path = {};

        assert(client);
        assert(node);

        id = http_escape_segment(node->id);
        if (!id || buffer_printf(&path, PATH_NODES "/%s" PATH_STATUS_SUFFIX, id) < 0)
                buffer_done(&path);

        master_client_start(client, REQUEST_REPORT, node, path.data, body, size);
}

void master_client_cancel(MasterClient *client) {
        assert(client);

        client->request = http_request_free(client->request);
        (void) sd_event_source_set_enabled(client->failed_early, SD_EVENT_OFF);
        client->node = NULL;
        client->body = NULL;
        client->is_busy = false;
}

void master_client_drop_connections(MasterClient *client) {
        assert(client);

        http_client_drop_connections(client->http);
}

const Endpoint *master_client_endpoint(const MasterClient *client) {
        assert(client);

        return &client->config->endpoints[client->choice.current];
}

int master_client_new(sd_event *event, const Config *config, MasterCallback callback, void *userdata,
                MasterClient **ret) {
        MasterClient *client;
        int r;

        assert(event);
        assert(config);
        assert(callback);
        assert(ret);

        client = calloc(1, sizeof *client);
        if (!client)
                return -ENOMEM;
        client->config = config;
        client->callback = callback;
        client->userdata = userdata;

        r = http_client_new(event, USER_AGENT, NODE_SIZE_MAX, &client->http);
        if (r < 0)
                goto fail;
        r = secret_files_new(config->token_file, config->client_cert_file, config->client_key_file,
                        config->ca_file, &client->secrets);
        if (r < 0)
                goto fail;
        r = sd_event_add_defer(event, &client->failed_early, on_failed_early, client);
        if (r < 0)
                goto fail;
        r = sd_event_source_set_enabled(client->failed_early, SD_EVENT_OFF);
        if (r < 0)
                goto fail;

        *ret = client;
        return 0;

fail:
        master_client_free(client);
        return r;
}

MasterClient *master_client_free(MasterClient *client) {
        if (!client)
                return NULL;

        http_request_free(client->request);
        http_client_free(client->http);
        secret_files_free(client->secrets);
        sd_event_source_disable_unref(client->failed_early);
        free(client->path);
        free(client);
        return NULL;
}
