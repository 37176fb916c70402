/* SPDX-License-Identifier: MIT */
/* One attempt: the secrets are read, the addresses asked in turn, the responses classified. */
#include "master/master.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/endpoint-choice.h"
#include "master/http-client.h"
#include "util/text.h"

/* The paths of the API: here and nowhere else. */
#define PATH_NODES "/api/v1/master/nodes"
#define PATH_STATUS_SUFFIX "/status"

/* An attempt that asks several addresses ends after this in any case. */
#define ATTEMPT_MAX_USEC (20 * USEC_PER_SEC)

struct MasterClient {
        const Config *config;
        MasterCallback callback;
        void *userdata;
        HttpClient *http;
        Secrets secrets;
        EndpointChoice choice;
        sd_event_source *failed_early; /* brings a failure of our own side to the callback from the loop */
        char early_failure[OUTCOME_ERROR_SIZE];

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
        /* The first failure of this attempt that has a status, else the first one. */
        bool has_failure;
        Outcome failure;
        size_t failure_index;
};

int master_start_library(void) {
#if LIBCURL_VERSION_NUM < 0x075700
        /* libcurl waits for its resolver thread when a request is dropped: then a name server that does not
         * answer would stop the loop for as long as the C library has patience. See resolv.conf(5). */
        (void) setenv("RES_OPTIONS", "timeout:1 attempts:1", 0);
#endif
        return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? 0 : -EIO;
}

void master_stop_library(void) {
        curl_global_cleanup();
}

static const char *method_of(RequestKind kind) {
        return kind == REQUEST_REGISTER ? "POST" : "PUT";
}

static const Endpoint *endpoint_asked(const MasterClient *client) {
        return &client->config->endpoints[client->choice.index];
}

/* ---- the response ---- */

static void master_client_finish(
                MasterClient *client, Outcome *outcome, size_t endpoint_index, const HttpResult *result) {
        usec_t now = now_usec(CLOCK_BOOTTIME);
        MasterReply reply = {
                .kind = client->kind,
                .outcome = outcome,
                .body_size = client->body_size,
                .endpoint = client->config->endpoints[endpoint_index].url,
                .endpoint_changed = client->choice.current != client->endpoint_before,
                .local_address = result && *result->local_address ? result->local_address : NULL,
                .remote_address = result && *result->remote_address ? result->remote_address : NULL,
                .duration_usec = usec_sub(now, client->started_usec),
                .secret_reloaded = client->secret_reloaded,
        };

        /* The node waits only if a Retry-After binds every address. */
        outcome->retry_after_usec = endpoint_choice_wait(&client->choice, now);

        master_client_cancel(client); /* the callback may make the next attempt */
        client->callback(&reply, client->userdata);
}

static void master_client_classify(const MasterClient *client, const HttpResult *result, Outcome *ret) {
        Answer answer = result->answer;

        answer.kind = client->kind;
        answer.secret = client->secrets.token;
        answer.node = client->node;
        answer.method = method_of(client->kind);
        answer.endpoint = endpoint_asked(client)->url;
        answer.path = client->path;
        if (outcome_classify(&answer, ret) < 0)
                *ret = (Outcome){
                        .class = OUTCOME_FAILED,
                        .transport = TRANSPORT_LOCAL,
                        .http_status = answer.http_status,
                        .error = "out of memory",
                };
}

static void master_client_ask(MasterClient *client);

static void on_http_result(const HttpResult *result, void *userdata) {
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

        /* A failure with a status explains more than one without. */
        if (!client->has_failure || (client->failure.http_status == 0 && outcome.http_status != 0)) {
                client->failure = outcome; /* a failure holds no node */
                client->failure_index = client->choice.index;
                client->has_failure = true;
        }
        if (goes_on && now < client->deadline_usec && endpoint_choice_next(&client->choice, now)) {
                master_client_ask(client);
                return;
        }

        outcome = client->failure;
        master_client_finish(client, &outcome, client->failure_index, result);
}

/* ---- the request ---- */

static int on_failed_early(sd_event_source *source _unused_, void *userdata) {
        MasterClient *client = userdata;
        Outcome outcome = { .class = OUTCOME_FAILED, .transport = TRANSPORT_LOCAL };

        (void) snprintf(outcome.error, sizeof outcome.error, "%s", client->early_failure);
        master_client_finish(client, &outcome, client->choice.index, NULL);
        return 0;
}

static void master_client_fail_early(MasterClient *client, const char *words) {
        text_sanitize_into(client->early_failure, sizeof client->early_failure, words, strlen(words));
        (void) sd_event_source_set_enabled(client->failed_early, SD_EVENT_ONESHOT);
}

static void master_client_fail_request(MasterClient *client, int error) {
        char words[128];

        (void) snprintf(words, sizeof words, "cannot make the request: %s", strerror(-error));
        master_client_fail_early(client, words);
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
        int r;

        r = http_client_submit(client->http, &(HttpRequest){
                                                             .method = method_of(client->kind),
                                                             .endpoint = endpoint_asked(client),
                                                             .path = client->path,
                                                             .body = client->body,
                                                             .body_size = client->body_size,
                                                             .secrets = &client->secrets,
                                                             .timeout_usec = master_client_share(client),
                                             });
        if (r < 0)
                master_client_fail_request(client, r);
}

static void master_client_start(MasterClient *client, RequestKind kind, const Node *node, const char *path,
                const char *body, size_t size) {
        _cleanup_free_ char *fault = NULL;
        int r;

        assert(!client->is_busy);

        client->is_busy = true;
        client->kind = kind;
        client->node = node;
        client->body = body;
        client->body_size = size;
        client->started_usec = now_usec(CLOCK_BOOTTIME);
        client->deadline_usec = usec_add(client->started_usec, ATTEMPT_MAX_USEC);
        client->secret_reloaded = false;
        client->has_failure = false;
        client->endpoint_before = client->choice.current;
        endpoint_choice_begin(&client->choice, client->config->n_endpoints,
                        client->config->report_interval_usec, client->started_usec);

        r = path && body ? text_replace(&client->path, path) : -ENOMEM;
        if (r < 0) {
                master_client_fail_request(client, r);
                return;
        }

        r = secrets_refresh(&client->secrets, &fault);
        if (r < 0) {
                master_client_fail_early(client, fault ? fault : "out of memory");
                return;
        }
        client->secret_reloaded = r > 0;
        if (client->secret_reloaded)
                http_client_drop_connections(client->http);
        master_client_ask(client);
}

void master_client_register(MasterClient *client, const Node *node, const char *body, size_t size) {
        assert(client);

        master_client_start(client, REQUEST_REGISTER, node, PATH_NODES, body, size);
}

void master_client_report(MasterClient *client, const Node *node, const char *body, size_t size) {
        _cleanup_free_ char *id = NULL, *path = NULL;

        assert(client);
        assert(node);

        id = http_escape_segment(node->id);
        if (!id || asprintf(&path, PATH_NODES "/%s" PATH_STATUS_SUFFIX, id) < 0)
                path = NULL;
        master_client_start(client, REQUEST_REPORT, node, path, body, size);
}

void master_client_cancel(MasterClient *client) {
        assert(client);

        http_client_cancel(client->http);
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
        secrets_init(&client->secrets, config);

        r = http_client_new(event, on_http_result, client, &client->http);
        if (r >= 0)
                r = sd_event_add_defer(event, &client->failed_early, on_failed_early, client);
        if (r >= 0)
                r = sd_event_source_set_enabled(client->failed_early, SD_EVENT_OFF);
        if (r < 0) {
                master_client_free(client);
                return r;
        }

        *ret = client;
        return 0;
}

MasterClient *master_client_free(MasterClient *client) {
        if (!client)
                return NULL;

        http_client_free(client->http);
        sd_event_source_disable_unref(client->failed_early);
        secrets_done(&client->secrets);
        free(client->path);
        free(client);
        return NULL;
}
