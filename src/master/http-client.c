#include "master/http-client.h"

#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "master/http-failure.h"
#include "master/http-loop.h"
#include "util/buffer.h"
#include "util/macro.h"

enum {
        KEEPALIVE_SECONDS = 60,
        CONNECTION_IDLE_MAX_SECONDS = 24 * 60 * 60, /* libcurl's own 118 s are shorter than many intervals */
};

struct HttpClient {
        HttpLoop *loop;
        CURLSH *tls_sessions; /* of all requests; for their one thread it needs no locks */
        char *user_agent;
        size_t body_max;
        unsigned n_requests; /* added to the loop */
        bool is_drop_wanted; /* connections go before the next request */
};

struct HttpRequest {
        HttpClient *client;
        CURL *easy;
        bool is_added;
        struct curl_slist *headers;
        Buffer body;
        HttpSights sights;
        char error[CURL_ERROR_SIZE];
        HttpCallback callback;
        void *userdata;
};

static void on_transfer_done(CURL *easy, CURLcode code);

static int http_client_open_sessions(HttpClient *client) {
        client->tls_sessions = curl_share_init();
        if (!client->tls_sessions)
                return -ENOMEM;

        (void) curl_share_setopt(client->tls_sessions, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
        return 0;
}

static void http_client_close_sessions(HttpClient *client) {
        (void) curl_share_cleanup(client->tls_sessions);
        client->tls_sessions = NULL;
}

/* Connections live in the loop, TLS sessions beside it: both go. */
static int http_client_close_connections(HttpClient *client) {
        int r;

        assert(client->n_requests == 0);

        client->is_drop_wanted = false;
        r = http_loop_reset(client->loop);
        http_client_close_sessions(client);
        return r;
}

int http_client_new(sd_event *event, const char *user_agent, size_t body_max, HttpClient **ret) {
        HttpClient *client;
        int r;

        assert(event);
        assert(user_agent);
        assert(ret);

        client = calloc(1, sizeof *client);
        if (!client)
                return -ENOMEM;

        client->body_max = body_max;
        client->user_agent = strdup(user_agent);
        r = client->user_agent ? http_loop_new(event, on_transfer_done, &client->loop) : -ENOMEM;
        if (r < 0) {
                http_client_free(client);
                return r;
        }

        *ret = client;
        return 0;
}

HttpClient *http_client_free(HttpClient *client) {
        if (!client)
                return NULL;

        assert(client->n_requests == 0);

        http_loop_free(client->loop);
        http_client_close_sessions(client);
        free(client->user_agent);
        free(client);
        return NULL;
}

void http_client_drop_connections(HttpClient *client) {
        assert(client);

        client->is_drop_wanted = true;
}

/* ---- what libcurl hands over during a transfer ---- */

static size_t on_body(char *data, size_t size, size_t count, void *userdata) {
        HttpRequest *request = userdata;
        size_t n = size * count;

        if (!http_sights_body(&request->sights, data, n, request->client->body_max - request->body.size))
                return 0;
        return buffer_append(&request->body, data, n) < 0 ? 0 : n;
}

static size_t on_header(char *data, size_t size, size_t count, void *userdata) {
        HttpRequest *request = userdata;

        return http_sights_header(&request->sights, data, size * count) ? size * count : 0;
}

/* libcurl keeps the first words of a request. Those about a kept connection that had ended say nothing of
 * the new one, on which it goes on. */
static int on_new_socket(void *userdata, curl_socket_t fd _unused_, curlsocktype purpose _unused_) {
        HttpRequest *request = userdata;

        request->error[0] = '\0';
        return CURL_SOCKOPT_OK;
}

/* ---- completion ---- */

static void http_request_remove(HttpRequest *request) {
        if (!request->is_added)
                return;

        http_loop_remove(request->client->loop, request->easy);
        request->is_added = false;
        request->client->n_requests--;
}

static void http_request_complete(HttpRequest *request, CURLcode code) {
        HttpResult result = { .body = request->body.data, .body_size = request->body.size };
        curl_off_t retry_after = 0;
        char *text = NULL;
        long status = 0;

        result.transport = http_failure(
                        request->easy, code, &request->sights, request->error, &result.transport_text);
        /* libcurl reads HTTP/23 as version 2 with a status of 3. */
        if (curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK && status >= 100 &&
                        status <= 999)
                result.http_status = (unsigned) status;
        else if (result.transport == TRANSPORT_ANSWERED) {
                result.transport = TRANSPORT_NOT_HTTP;
                result.transport_text = "its status is not between 100 and 999";
        }
        if (curl_easy_getinfo(request->easy, CURLINFO_REDIRECT_URL, &text) == CURLE_OK)
                result.location = text;
        if (curl_easy_getinfo(request->easy, CURLINFO_RETRY_AFTER, &retry_after) == CURLE_OK &&
                        retry_after > 0)
                result.retry_after_usec = (usec_t) retry_after < USEC_INFINITY / USEC_PER_SEC
                                                          ? (usec_t) retry_after * USEC_PER_SEC
                                                          : USEC_INFINITY;
        else if (request->sights.has_long_retry_after)
                result.retry_after_usec = USEC_INFINITY;
        if (curl_easy_getinfo(request->easy, CURLINFO_LOCAL_IP, &text) == CURLE_OK && text && *text)
                result.local_address = text;
        if (curl_easy_getinfo(request->easy, CURLINFO_PRIMARY_IP, &text) == CURLE_OK && text && *text)
                result.remote_address = text;

        http_request_remove(request);

        /* What timed out may be half-open: the next request must not wait on it again. And libcurl remembers
         * addresses of names for a minute, also those where nobody answers any more. */
        if (result.transport != TRANSPORT_ANSWERED)
                request->client->is_drop_wanted = true;

        request->callback(request, &result, request->userdata);
}

static void on_transfer_done(CURL *easy, CURLcode code) {
        HttpRequest *request = NULL;

        if (curl_easy_getinfo(easy, CURLINFO_PRIVATE, &request) == CURLE_OK && request)
                http_request_complete(request, code);
}

/* ---- requests ---- */

static int http_request_add_header(HttpRequest *request, const char *line) {
        struct curl_slist *longer;

        longer = curl_slist_append(request->headers, line);
        if (!longer)
                return -ENOMEM;

        request->headers = longer;
        return 0;
}

static int http_request_set_headers(HttpRequest *request, const char *bearer_token) {
        _cleanup_(buffer_done) Buffer authorization = {};
        int r;

        r = http_request_add_header(request, "Content-Type: application/json");
        if (r < 0)
                return r;
        r = http_request_add_header(request, "Accept: application/json");
        if (r < 0)
                return r;
        /* Without this libcurl waits a second for "100 Continue" before a large body. */
        r = http_request_add_header(request, "Expect:");
        if (r < 0 || !bearer_token)
                return r;

        /* Not printed: what a buffer that grows leaves behind must not hold a part of the token. */
        r = buffer_append_string(&authorization, "Authorization: Bearer ");
        if (r >= 0)
                r = buffer_append_string(&authorization, bearer_token);
        if (r < 0)
                return r;
        r = http_request_add_header(request, authorization.data);
        explicit_bzero(authorization.data, authorization.size);
        return r;
}

static CURLcode http_request_set_protocols(CURL *easy) {
#if LIBCURL_VERSION_NUM >= 0x075500
        return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
        return curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long) (CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

static int http_request_set_options(HttpRequest *request, const char *method, const char *url,
                const char *body, size_t body_size, const HttpSecurity *security, usec_t timeout_usec) {
        CURL *easy = request->easy;
        CURLcode code = CURLE_OK;

        /* The first failure stays; each is out of memory or an option that this libcurl lacks. */
#define SET(option, value)                                                                                  \
        if (code == CURLE_OK)                                                                               \
        code = curl_easy_setopt(easy, option, value)

        SET(CURLOPT_PRIVATE, request);
        SET(CURLOPT_SHARE, request->client->tls_sessions);
        SET(CURLOPT_ERRORBUFFER, request->error);
        SET(CURLOPT_SOCKOPTFUNCTION, on_new_socket);
        SET(CURLOPT_SOCKOPTDATA, request);
        SET(CURLOPT_NOSIGNAL, 1L);
        SET(CURLOPT_URL, url);
        SET(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
        SET(CURLOPT_USERAGENT, request->client->user_agent);
        SET(CURLOPT_HTTPHEADER, request->headers);
        SET(CURLOPT_POSTFIELDS, body);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) body_size);
        SET(CURLOPT_CUSTOMREQUEST, method);
        SET(CURLOPT_WRITEFUNCTION, on_body);
        SET(CURLOPT_WRITEDATA, request);
        SET(CURLOPT_HEADERFUNCTION, on_header);
        SET(CURLOPT_HEADERDATA, request);
        SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t) request->client->body_max);
        SET(CURLOPT_TIMEOUT_MS, (long) (timeout_usec / USEC_PER_MSEC));
        SET(CURLOPT_MAXAGE_CONN, (long) CONNECTION_IDLE_MAX_SECONDS);
        /* The kernel's probes cost no wake-up of ours, and keep a NAT or load balancer from forgetting
         * the connection. */
        SET(CURLOPT_TCP_KEEPALIVE, 1L);
        SET(CURLOPT_TCP_KEEPIDLE, (long) KEEPALIVE_SECONDS);
        SET(CURLOPT_TCP_KEEPINTVL, (long) KEEPALIVE_SECONDS);
        SET(CURLOPT_FOLLOWLOCATION, 0L);
        SET(CURLOPT_HTTP09_ALLOWED, 1L); /* lets other protocols through, to name and refuse them */
        SET(CURLOPT_PATH_AS_IS, 1L);     /* an id may be made of dots */
#if LIBCURL_VERSION_NUM >= 0x075700
        /* Cancelling does not wait for a resolver thread that hangs. */
        SET(CURLOPT_QUICK_EXIT, 1L);
#endif
#undef SET

        if (code == CURLE_OK)
                code = http_request_set_protocols(easy);
        if (code == CURLE_OK)
                code = http_security_apply(easy, security ? security : &(HttpSecurity){});
        return code == CURLE_OK ? 0 : code == CURLE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
}

int http_client_submit(HttpClient *client, const char *method, const char *url, const char *body,
                size_t body_size, const HttpSecurity *security, usec_t timeout_usec, HttpCallback callback,
                void *userdata, HttpRequest **ret) {
        HttpRequest *request;
        int r;

        assert(client);
        assert(method);
        assert(url);
        assert(body);
        assert(callback);
        assert(ret);

        if (client->n_requests == 0 && client->is_drop_wanted) {
                r = http_client_close_connections(client);
                if (r < 0)
                        return r;
        }

        if (!client->tls_sessions) {
                r = http_client_open_sessions(client);
                if (r < 0)
                        return r;
        }

        request = calloc(1, sizeof *request);
        if (!request)
                return -ENOMEM;
        request->client = client;
        request->callback = callback;
        request->userdata = userdata;
        request->sights.is_direct = security && security->is_direct;

        /* A new handle for each request: in one that is used again, libcurl 7.83 to 7.88 keep a pointer to
         * the last header of the answer before, and free that once more if this answer begins with a
         * folded one. */
        request->easy = curl_easy_init();
        if (!request->easy) {
                r = -ENOMEM;
                goto fail;
        }

        r = http_request_set_headers(request, security ? security->bearer_token : NULL);
        if (r < 0)
                goto fail;
        r = http_request_set_options(request, method, url, body, body_size, security, timeout_usec);
        if (r < 0)
                goto fail;

        r = http_loop_add(client->loop, request->easy);
        if (r < 0)
                goto fail;
        request->is_added = true;
        client->n_requests++;

        *ret = request;
        return 0;

fail:
        http_request_free(request);
        return r;
}

HttpRequest *http_request_free(HttpRequest *request) {
        if (!request)
                return NULL;

        http_request_remove(request);

        if (request->easy)
                curl_easy_cleanup(request->easy);

        for (struct curl_slist *header = request->headers; header; header = header->next)
                explicit_bzero(header->data, strlen(header->data)); /* one of them may be the token */
        curl_slist_free_all(request->headers);
        buffer_done(&request->body);
        free(request);
        return NULL;
}

char *http_escape_segment(const char *text) {
        _cleanup_free_ char *copy = NULL;
        char *escaped;

        assert(text);

        escaped = curl_easy_escape(NULL, text, (int) strlen(text));
        if (!escaped)
                return NULL;

        /* A segment of dots only would be resolved away as a relative path. */
        if (strcmp(escaped, ".") == 0)
                copy = strdup("%2E");
        else if (strcmp(escaped, "..") == 0)
                copy = strdup("%2E%2E");
        else
                copy = strdup(escaped);
        curl_free(escaped);
        return TAKE_PTR(copy);
}
