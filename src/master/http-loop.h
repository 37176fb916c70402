/* libcurl's multi interface on an event loop: curl_multi_socket_action(3). A part of http-client. */
#pragma once

#include <curl/curl.h>
#include <systemd/sd-event.h>

typedef struct HttpLoop HttpLoop;

/* A transfer is over. Called from the event loop, never from within a call of libcurl, so that everything
 * may be done in it, http_loop_remove() among it. */
typedef void (*HttpLoopCallback)(CURL *easy, CURLcode code);

/* Returns 0 or a negative errno. */
int http_loop_new(sd_event *event, HttpLoopCallback callback, HttpLoop **ret);

/* Closes the connections. All transfers have been removed before. */
HttpLoop *http_loop_free(HttpLoop *loop);

/* Closes all connections; there is no transfer. May be called by the callback. Returns 0 or -ENOMEM; then
 * the next http_loop_add() tries again. */
int http_loop_reset(HttpLoop *loop);

/* Starts the transfer; the handle stays the caller's. Returns 0 or -ENOMEM. */
int http_loop_add(HttpLoop *loop, CURL *easy);

/* Ends the transfer or takes a finished one out. */
void http_loop_remove(HttpLoop *loop, CURL *easy);
