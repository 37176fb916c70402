/* SPDX-License-Identifier: MIT */
/* Why a transfer of libcurl failed, in our terms. */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/endpoint.h"
#include "core/outcome.h"

enum {
        HTTP_HEADERS_MAX = 64 * 1024, /* all header lines of one response, interim ones too */
        HTTP_GREETING_SIZE = 64,
};

/* What was seen of a response while it came. */
typedef struct HttpSights {
        size_t headers_size;
        bool is_head_whole; /* the empty line behind the headers came */
        bool is_head_too_large, is_body_too_large;
        bool has_long_retry_after;         /* a number of seconds that libcurl cannot hold */
        char greeting[HTTP_GREETING_SIZE]; /* what came in place of a status line */
        size_t greeting_size;
} HttpSights;

/* Note a header line, or bytes of the body, for which there is `room`. Both return false if that is too
 * much, or not HTTP. */
bool http_sights_header(HttpSights *sights, const char *line, size_t size);
bool http_sights_body(HttpSights *sights, const char *data, size_t size, size_t room);

/* `error` is CURLOPT_ERRORBUFFER's. *ret_text is static or lives in `error`; NULL without a failure. */
TransportResult http_failure(CURL *easy, CURLcode code, const Endpoint *endpoint, const HttpSights *sights,
                char error[static CURL_ERROR_SIZE], const char **ret_text);
