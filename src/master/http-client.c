/* SPDX-License-Identifier: MIT */
#include "master/http-client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "master/http-failure.h"
#include "sys/event-timer.h"
#include "util/buffer.h"
#include "util/macro.h"
#include "util/text.h"

#define USER_AGENT "argus-agent/" ARGUS_AGENT_VERSION

enum {
        CONNECTIONS_MAX = 4,
        ADDRESSES_MAX = 16, /* of a name, tried one after the other without a wait */
        KEEPALIVE_SECONDS = 60,
        CONNECTION_IDLE_MAX_SECONDS = 24 * 60 * 60, /* libcurl's own 118 s are shorter than many intervals */
};

/* A request, and then its response until it is cancelled or the next is submitted. */
typedef struct Transfer {
        CURL *easy;
        bool is_done;
        const Endpoint *endpoint;
        struct curl_slist *headers;
        Buffer body;
        HttpSights sights;
        char error[CURL_ERROR_SIZE];
} Transfer;

struct HttpClient {
        sd_event *event;
        sd_event_source *timer;
        HttpCallback callback;
        void *userdata;
        /* Connections live in `multi`, TLS sessions beside it; for their one thread they need no locks. Both
         * go and come together, and are NULL before the first request and if memory was out. */
        CURLM *multi;
        CURLSH *tls_sessions;
        unsigned n_sockets;  /* that libcurl waits for */
        bool is_drop_wanted; /* connections go before the next request */
        Transfer *transfer;  /* NULL: none */
};

/* ---- the event loop ---- */

static void http_client_complete(HttpClient *client, CURLcode code);

/* libcurl 7.88 notes that an address of a name does not answer, but opens the socket to the next one only
 * when it is called again, and does not ask for that: the attempt would end with nothing to wait for but its
 * timeout. Newer ones ask. No other function runs a transfer that has no socket. */
static void http_client_go_on(HttpClient *client, int running) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
        for (size_t i = 0; i < ADDRESSES_MAX && running > 0 && client->n_sockets == 0; i++)
                (void) curl_multi_socket_all(client->multi, &running);
#pragma GCC diagnostic pop
}

static void http_client_act(HttpClient *client, curl_socket_t fd, int action) {
        int running = 0, left;
        CURLMsg *message;

        (void) curl_multi_socket_action(client->multi, fd, action, &running);
        http_client_go_on(client, running);

        /* Only here, outside of libcurl, is a request ended: everything may be done in its callback. */
        message = curl_multi_info_read(client->multi, &left);
        if (message && message->msg == CURLMSG_DONE)
                http_client_complete(client, message->data.result);
}

static int on_socket_ready(sd_event_source *source _unused_, int fd, uint32_t revents, void *userdata) {
        http_client_act(userdata, fd,
                        (revents & EPOLLIN ? CURL_CSELECT_IN : 0) |
                                        (revents & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                                        (revents & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0));
        return 0;
}

static int on_timer(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        http_client_act(userdata, CURL_SOCKET_TIMEOUT, 0);
        return 0;
}

/* libcurl says which descriptors it waits for. The event source is kept as its pointer of the socket:
 * descriptor numbers are reused by the kernel within one call of libcurl, so a source must go at the moment
 * of CURL_POLL_REMOVE. */
static int on_curl_socket(
                CURL *easy _unused_, curl_socket_t fd, int what, void *userdata, void *socket_data) {
        HttpClient *client = userdata;
        sd_event_source *source = socket_data;
        uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);

        /* If one of these fails (memory, descriptors), the request ends by its timeout. */
        if (what == CURL_POLL_REMOVE) {
                client->n_sockets -= source ? 1 : 0;
                sd_event_source_disable_unref(source);
        } else if (source)
                (void) sd_event_source_set_io_events(source, events);
        else if (sd_event_add_io(client->event, &source, fd, events, on_socket_ready, client) >= 0) {
                (void) curl_multi_assign(client->multi, fd, source);
                client->n_sockets++;
        }

        return 0;
}

/* libcurl says when it wants to be called next. It must not be called from in here. */
static int on_curl_timer(CURLM *multi _unused_, long timeout_msec, void *userdata) {
        HttpClient *client = userdata;
        usec_t wait = (usec_t) timeout_msec * USEC_PER_MSEC;

        event_timer_arm(client->timer,
                        timeout_msec < 0 ? USEC_INFINITY : usec_add(now_usec(CLOCK_MONOTONIC), wait));
        return 0;
}

/* ---- connections ---- */

static void http_client_close_connections(HttpClient *client) {
        if (client->multi)
                (void) curl_multi_cleanup(client->multi);
        if (client->tls_sessions)
                (void) curl_share_cleanup(client->tls_sessions);
        client->multi = NULL;
        client->tls_sessions = NULL;
        client->n_sockets = 0;
        client->is_drop_wanted = false;
        event_timer_arm(client->timer, USEC_INFINITY);
}

static int http_client_open_connections(HttpClient *client) {
        client->multi = curl_multi_init();
        client->tls_sessions = curl_share_init();
        if (!client->multi || !client->tls_sessions) {
                http_client_close_connections(client);
                return -ENOMEM;
        }

        (void) curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
        (void) curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
        (void) curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
        (void) curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
        (void) curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long) CONNECTIONS_MAX);
        (void) curl_share_setopt(client->tls_sessions, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
        return 0;
}

void http_client_drop_connections(HttpClient *client) {
        assert(client);

        client->is_drop_wanted = true;
}

int http_client_new(sd_event *event, HttpCallback callback, void *userdata, HttpClient **ret) {
        HttpClient *client;
        int r;

        assert(event);
        assert(callback);
        assert(ret);

        client = calloc(1, sizeof *client);
        if (!client)
                return -ENOMEM;
        client->event = sd_event_ref(event);
        client->callback = callback;
        client->userdata = userdata;

        /* Accuracy 1 µs: the default of 250 ms would be added to each of libcurl's steps. */
        r = event_timer_new(event, CLOCK_MONOTONIC, 1, on_timer, client, &client->timer);
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

        http_client_cancel(client);
        http_client_close_connections(client);
        sd_event_source_disable_unref(client->timer);
        sd_event_unref(client->event);
        free(client);
        return NULL;
}

/* ---- the response ---- */

static size_t on_body(char *data, size_t size, size_t count, void *userdata) {
        Transfer *transfer = userdata;
        size_t n = size * count;

        if (!http_sights_body(&transfer->sights, data, n, NODE_SIZE_MAX - transfer->body.size))
                return 0;
        return buffer_append(&transfer->body, data, n) < 0 ? 0 : n;
}

static size_t on_header(char *data, size_t size, size_t count, void *userdata) {
        Transfer *transfer = userdata;

        return http_sights_header(&transfer->sights, data, size * count) ? size * count : 0;
}

/* libcurl keeps the first error message of a request, also when it goes on over a new connection: that of
 * the kept one, which had ended, says nothing any more. */
static int on_new_socket(void *userdata, curl_socket_t fd _unused_, curlsocktype purpose _unused_) {
        Transfer *transfer = userdata;

        transfer->error[0] = '\0';
        return CURL_SOCKOPT_OK;
}

static const char *text_info(CURL *easy, CURLINFO info) {
        char *text = NULL;

        return curl_easy_getinfo(easy, info, &text) == CURLE_OK && !isempty(text) ? text : NULL;
}

static usec_t retry_after(const Transfer *transfer) {
        curl_off_t seconds = 0;

        if (curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &seconds) != CURLE_OK || seconds <= 0)
                return transfer->sights.has_long_retry_after ? USEC_INFINITY : 0;
        return (usec_t) seconds < USEC_INFINITY / USEC_PER_SEC ? (usec_t) seconds * USEC_PER_SEC
                                                               : USEC_INFINITY;
}

static void read_answer(Transfer *transfer, CURLcode code, Answer *ret) {
        long status = 0;

        ret->body = transfer->body.data;
        ret->body_size = transfer->body.size;
        ret->location = text_info(transfer->easy, CURLINFO_REDIRECT_URL);
        ret->retry_after_usec = retry_after(transfer);
        ret->transport = http_failure(transfer->easy, code, transfer->endpoint, &transfer->sights,
                        transfer->error, &ret->transport_text);

        /* libcurl reads HTTP/23 as version 2 with a status of 3. */
        (void) curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
        if (status >= 100 && status <= 999)
                ret->http_status = (unsigned) status;
        else if (ret->transport == TRANSPORT_ANSWERED) {
                ret->transport = TRANSPORT_NOT_HTTP;
                ret->transport_text = "its status is not between 100 and 999";
        }
}

static void http_client_complete(HttpClient *client, CURLcode code) {
        Transfer *transfer = client->transfer;
        HttpResult result = {};

        read_answer(transfer, code, &result.answer);
        (void) snprintf(result.local_address, sizeof result.local_address, "%s",
                        strempty(text_info(transfer->easy, CURLINFO_LOCAL_IP)));
        (void) snprintf(result.remote_address, sizeof result.remote_address, "%s",
                        strempty(text_info(transfer->easy, CURLINFO_PRIMARY_IP)));
        (void) curl_multi_remove_handle(client->multi, transfer->easy);
        transfer->is_done = true;

        /* What timed out may be half-open: the next request must not wait on it again. And libcurl remembers
         * addresses of names for a minute, also those where nobody answers any more. */
        if (result.answer.transport != TRANSPORT_ANSWERED)
                client->is_drop_wanted = true;

        client->callback(&result, client->userdata);
        if (client->transfer && client->transfer->is_done)
                http_client_cancel(client);
}

/* ---- the request ---- */

static int add_header(Transfer *transfer, const char *line) {
        struct curl_slist *longer = curl_slist_append(transfer->headers, line);

        if (!longer)
                return -ENOMEM;
        transfer->headers = longer;
        return 0;
}

static int set_headers(Transfer *transfer, const char *token) {
        _cleanup_(buffer_done) Buffer authorization = {};
        int r;

        r = add_header(transfer, "Content-Type: application/json");
        if (r >= 0)
                r = add_header(transfer, "Accept: application/json");
        if (r >= 0) /* else libcurl waits a second for "100 Continue" before a large body */
                r = add_header(transfer, "Expect:");
        if (r < 0 || !token)
                return r;

        /* Not printed: what a buffer that grows leaves behind must not hold a part of the token. */
        r = buffer_append_string(&authorization, "Authorization: Bearer ");
        if (r >= 0)
                r = buffer_append_string(&authorization, token);
        if (r < 0)
                return r;
        r = add_header(transfer, authorization.data);
        explicit_bzero(authorization.data, authorization.size);
        return r;
}

static CURLcode set_url(CURL *easy, const HttpRequest *request) {
        _cleanup_free_ char *url = NULL;

        if (asprintf(&url, "%s%s", request->endpoint->url, request->path) < 0) {
                url = NULL;
                return CURLE_OUT_OF_MEMORY;
        }
        return curl_easy_setopt(easy, CURLOPT_URL, url);
}

static CURLcode set_options(HttpClient *client, Transfer *transfer, const HttpRequest *request) {
        CURL *easy = transfer->easy;
        CURLcode code = set_url(easy, request);

#define SET(option, value) SET_OPTION(code, easy, option, value)
        SET(CURLOPT_SHARE, client->tls_sessions);
        SET(CURLOPT_ERRORBUFFER, transfer->error);
        SET(CURLOPT_SOCKOPTFUNCTION, on_new_socket);
        SET(CURLOPT_SOCKOPTDATA, transfer);
        SET(CURLOPT_NOSIGNAL, 1L);
        SET(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
        SET(CURLOPT_USERAGENT, USER_AGENT);
        SET(CURLOPT_HTTPHEADER, transfer->headers);
        SET(CURLOPT_POSTFIELDS, request->body);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) request->body_size);
        SET(CURLOPT_CUSTOMREQUEST, request->method);
        SET(CURLOPT_WRITEFUNCTION, on_body);
        SET(CURLOPT_WRITEDATA, transfer);
        SET(CURLOPT_HEADERFUNCTION, on_header);
        SET(CURLOPT_HEADERDATA, transfer);
        SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t) NODE_SIZE_MAX);
        SET(CURLOPT_TIMEOUT_MS, (long) (request->timeout_usec / USEC_PER_MSEC));
        SET(CURLOPT_MAXAGE_CONN, (long) CONNECTION_IDLE_MAX_SECONDS);
        /* The kernel's probes cost no wake-up of ours, and keep a NAT or load balancer from forgetting
         * the connection. */
        SET(CURLOPT_TCP_KEEPALIVE, 1L);
        SET(CURLOPT_TCP_KEEPIDLE, (long) KEEPALIVE_SECONDS);
        SET(CURLOPT_TCP_KEEPINTVL, (long) KEEPALIVE_SECONDS);
        SET(CURLOPT_FOLLOWLOCATION, 0L);
        SET(CURLOPT_HTTP09_ALLOWED, 1L); /* lets other protocols through, to name and refuse them */
        SET(CURLOPT_PATH_AS_IS, 1L);     /* an id may be made of dots */
        /* A proxy would take what is allowed in the clear, as it stays on this machine, off it. */
        if (request->endpoint->is_loopback)
                SET(CURLOPT_PROXY, "");
#if LIBCURL_VERSION_NUM >= 0x075500
        SET(CURLOPT_PROTOCOLS_STR, "http,https");
#else
        SET(CURLOPT_PROTOCOLS, (long) (CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
        SET(CURLOPT_QUICK_EXIT, 1L); /* cancelling does not wait for a resolver thread that hangs */
#endif
#undef SET

        return code == CURLE_OK ? secrets_apply(request->secrets, easy) : code;
}

static int http_client_start(HttpClient *client, Transfer *transfer, const HttpRequest *request) {
        CURLcode code;
        int r;

        /* A new handle for each request: in one that is used again, libcurl 7.83 to 7.88 keep a pointer to
         * the last header of the response before, and free that once more if this response begins with a
         * folded one. */
        transfer->easy = curl_easy_init();
        if (!transfer->easy)
                return -ENOMEM;

        r = set_headers(transfer, request->secrets->token);
        if (r < 0)
                return r;
        code = set_options(client, transfer, request);
        if (code != CURLE_OK)
                return code == CURLE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
        return curl_multi_add_handle(client->multi, transfer->easy) == CURLM_OK ? 0 : -ENOMEM;
}

int http_client_submit(HttpClient *client, const HttpRequest *request) {
        int r = 0;

        assert(client);
        assert(request->body && request->secrets);
        assert(!client->transfer || client->transfer->is_done);

        http_client_cancel(client);
        if (client->is_drop_wanted)
                http_client_close_connections(client);
        if (!client->multi)
                r = http_client_open_connections(client);
        if (r < 0)
                return r;

        client->transfer = calloc(1, sizeof *client->transfer);
        if (!client->transfer)
                return -ENOMEM;
        client->transfer->endpoint = request->endpoint;

        r = http_client_start(client, client->transfer, request);
        if (r < 0) {
                client->transfer->is_done = true; /* it was not added */
                http_client_cancel(client);
        }
        return r;
}

void http_client_cancel(HttpClient *client) {
        Transfer *transfer = TAKE_PTR(client->transfer);

        if (!transfer)
                return;

        if (!transfer->is_done)
                (void) curl_multi_remove_handle(client->multi, transfer->easy);
        curl_easy_cleanup(transfer->easy);
        for (struct curl_slist *header = transfer->headers; header; header = header->next)
                explicit_bzero(header->data, strlen(header->data)); /* one of them may be the token */
        curl_slist_free_all(transfer->headers);
        buffer_done(&transfer->body);
        free(transfer);
}

char *http_escape_segment(const char *text) {
        char *escaped, *copy;

        assert(text);

        /* A segment of dots only would be resolved away as a relative path. */
        if (streq(text, ".") || streq(text, ".."))
                return strdup(text[1] ? "%2E%2E" : "%2E");

        escaped = curl_easy_escape(NULL, text, 0);
        copy = escaped ? strdup(escaped) : NULL;
        curl_free(escaped);
        return copy;
}
