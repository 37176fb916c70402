/* SPDX-License-Identifier: MIT */
/* HTTP requests on the event loop, one at a time, over a connection that is kept: libcurl's multi interface
 * (curl_multi_socket_action(3)) driven by sd-event. It must not know what a response means. */
#pragma once

#include <stddef.h>
#include <systemd/sd-event.h>

#include "core/endpoint.h"
#include "core/outcome.h"
#include "master/secrets.h"
#include "util/ip-address.h"
#include "util/time-util.h"

typedef struct HttpClient HttpClient;

typedef struct HttpRequest {
        const char *method;
        const Endpoint *endpoint; /* lives until the result */
        const char *path;
        const char *body; /* lives until the result */
        size_t body_size;
        const Secrets *secrets;
        usec_t timeout_usec; /* of the whole */
} HttpRequest;

/* Valid during the callback only. What is received lives until the next request or http_client_cancel(). */
typedef struct HttpResult {
        Answer answer; /* with what the transport knows of it; its Retry-After is not capped */
        char local_address[IP_ADDRESS_SIZE], remote_address[IP_ADDRESS_SIZE]; /* empty if not connected */
} HttpResult;

/* Called once for each request, never from within http_client_submit(). It may submit the next. */
typedef void (*HttpCallback)(const HttpResult *result, void *userdata);

/* curl_global_init() is the caller's. Returns 0 or a negative errno. */
int http_client_new(sd_event *event, HttpCallback callback, void *userdata, HttpClient **ret);
HttpClient *http_client_free(HttpClient *client);

/* No other request is in flight. Returns 0 or a negative errno. */
int http_client_submit(HttpClient *client, const HttpRequest *request);

/* Drops the request in flight, if any, without a callback, and frees what was received. */
void http_client_cancel(HttpClient *client);

/* Existing connections are not used any more (an address changed, a secret was replaced, a timeout). */
void http_client_drop_connections(HttpClient *client);

/* Percent-encodes for one path segment. NULL if memory is out; freed by the caller. */
char *http_escape_segment(const char *text);
