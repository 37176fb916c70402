/* HTTP requests on the event loop: libcurl's multi interface driven by sd-event, one request object
 * a request. */
#pragma once

#include <stddef.h>
#include <systemd/sd-event.h>

#include "core/outcome.h"
#include "master/http-security.h"
#include "util/time-util.h"

typedef struct HttpClient HttpClient;
typedef struct HttpRequest HttpRequest;

/* What came back; valid during the callback only. */
typedef struct HttpResult {
        TransportResult transport;
        const char *transport_text; /* words for TransportResults that failed */
        unsigned http_status;
        const char *body;
        size_t body_size;
        const char *location;
        usec_t retry_after_usec;    /* as it was said, USEC_INFINITY at most; 0: none was given */
        const char *local_address;  /* of the connection; NULL if none was made */
        const char *remote_address; /* the Master's; NULL if none was made */
} HttpResult;

/* Called once, never from within http_client_submit(). The request is freed by its owner, who may do so in
 * the callback. */
typedef void (*HttpCallback)(HttpRequest *request, const HttpResult *result, void *userdata);

/* `body_max` bytes of an answer are taken, more is TRANSPORT_TOO_LARGE. Returns 0 or a negative errno.
 * curl_global_init() is the caller's. */
int http_client_new(sd_event *event, const char *user_agent, size_t body_max, HttpClient **ret);
HttpClient *http_client_free(HttpClient *client);

/* Submits; `url` is copied, `body` must live until the request is freed. `timeout_usec` bounds the whole.
 * Returns 0 and the request, which belongs to the caller: http_request_free() while it is under way
 * cancels it. */
int http_client_submit(HttpClient *client, const char *method, const char *url, const char *body,
                size_t body_size, const HttpSecurity *security, usec_t timeout_usec, HttpCallback callback,
                void *userdata, HttpRequest **ret);
HttpRequest *http_request_free(HttpRequest *request);

/* Existing connections are not used any more (an address changed, a secret was replaced, a time-out). */
void http_client_drop_connections(HttpClient *client);

/* Percent-encodes for one path segment. NULL if memory is out; freed by the caller. */
char *http_escape_segment(const char *text);
