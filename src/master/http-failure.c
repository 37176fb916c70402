/* SPDX-License-Identifier: MIT */
/* Turns the errors of libcurl and the peer into one of our results, and into words that name what failed:
 * the Master, the proxy before it, or a server that does not speak HTTP. */
#include "master/http-failure.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "master/master.h"
#include "master/proxy.h"
#include "util/macro.h"
#include "util/text.h"

/* ---- what is seen on the way ---- */

static bool begins_with(const char *data, size_t size, const char *start) {
        return size >= strlen(start) && strncasecmp(data, start, strlen(start)) == 0;
}

/* libcurl takes a number of seconds that it cannot hold for no number. */
static bool is_long_retry_after(const char *line, size_t size) {
        char text[128], *end;

        if (!begins_with(line, size, "retry-after:"))
                return false;
        (void) snprintf(text, sizeof text, "%.*s", (int) size, line);
        errno = 0;
        return strtoll(text + strlen("retry-after:"), &end, 10) > 0 && errno == ERANGE &&
               strspn(end, " \t\r\n") == strlen(end);
}

bool http_sights_header(HttpSights *sights, const char *line, size_t size) {
        if (size > HTTP_HEADERS_MAX - sights->headers_size) {
                sights->is_head_too_large = true;
                return false;
        }
        sights->headers_size += size;

        /* Interim responses and those of proxies have their own head before the one that counts; the
         * trailer lines after a chunked body are not a head. */
        if (begins_with(line, size, "HTTP/"))
                sights->is_head_whole = false;
        else if (size > 0 && (line[0] == '\r' || line[0] == '\n'))
                sights->is_head_whole = true;
        else if (size > 0 && (line[0] | 0x20) == 'r' && is_long_retry_after(line, size))
                sights->has_long_retry_after = true;
        return true;
}

bool http_sights_body(HttpSights *sights, const char *data, size_t size, size_t room) {
        if (sights->headers_size == 0) {
                sights->greeting_size = min_size(size, sizeof sights->greeting);
                memcpy(sights->greeting, data, sights->greeting_size);
                return false;
        }

        sights->is_body_too_large = size > room;
        return !sights->is_body_too_large;
}

/* Words for what came in place of HTTP/1.1. */
static const char *greeting_words(const HttpSights *sights, char error[static CURL_ERROR_SIZE]) {
        const char *greeting = sights->greeting;
        size_t size = sights->greeting_size;

        if (begins_with(greeting, size, "SSH-"))
                return "the server speaks SSH; expected the Master's HTTP port";
        /* A frame of SETTINGS or GOAWAY for the whole connection: RFC 9113, section 4.1 */
        if (size >= 9 && !greeting[0] && !greeting[1] && (greeting[3] == 4 || greeting[3] == 7) &&
                        memcmp(greeting + 5, "\0\0\0", 4) == 0)
                return "the server speaks HTTP/2 only; expected HTTP/1.1";
        if (begins_with(greeting, size, "\x15\x03"))
                return "the server speaks TLS; expected an https address in MASTER_ENDPOINT";

        (void) snprintf(error, CURL_ERROR_SIZE, "it begins: %.*s", (int) size, greeting);
        return error;
}

/* ---- the proxy ---- */

/* The status with which a proxy refuses a tunnel to the Master, or 0. */
static long proxy_refusal(CURL *easy) {
        long status = 0;

        return curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &status) == CURLE_OK && status >= 300
                               ? status
                               : 0;
}

static bool has_reached(CURL *easy, CURLINFO phase) {
        curl_off_t usec = 0;

        return curl_easy_getinfo(easy, phase, &usec) == CURLE_OK && usec > 0;
}

/* Whether the first connection of the request failed, which goes to the proxy if there is one. */
static bool is_unconnected(CURL *easy, CURLcode code) {
        return code == CURLE_COULDNT_RESOLVE_PROXY ||
               ((code == CURLE_COULDNT_CONNECT || code == CURLE_OPERATION_TIMEDOUT) &&
                               !has_reached(easy, CURLINFO_CONNECT_TIME_T));
}

/* ---- the result ---- */

static TransportResult result_of(CURL *easy, CURLcode code, const HttpSights *sights, const char *error) {
        if (sights->is_head_too_large || sights->is_body_too_large)
                return TRANSPORT_TOO_LARGE;
        if (sights->greeting_size > 0)
                return TRANSPORT_NOT_HTTP;

        /* With TLS 1.3 the server's refusal of our certificate comes with the first read. */
        if ((code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR) && strstr(error, "SSL"))
                return TRANSPORT_TLS;

        if (code != CURLE_OK && proxy_refusal(easy) > 0)
                return TRANSPORT_CONNECT;

        switch (code) {
        case CURLE_OK:
                return sights->is_head_whole ? TRANSPORT_ANSWERED : TRANSPORT_BROKEN;
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_RESOLVE_PROXY:
                return TRANSPORT_RESOLVE;
        case CURLE_COULDNT_CONNECT:
        case CURLE_INTERFACE_FAILED:
                return TRANSPORT_CONNECT;
        case CURLE_OPERATION_TIMEDOUT:
                return TRANSPORT_TIMEOUT;
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_SSL_CIPHER:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_CRL_BADFILE:
        case CURLE_SSL_ISSUER_ERROR:
        case CURLE_SSL_INVALIDCERTSTATUS:
        case CURLE_USE_SSL_FAILED:
                return TRANSPORT_TLS;
        case CURLE_FILESIZE_EXCEEDED:
                return TRANSPORT_TOO_LARGE;
        case CURLE_OUT_OF_MEMORY:
                return has_reached(easy, CURLINFO_PRETRANSFER_TIME_T) ? TRANSPORT_BROKEN : TRANSPORT_LOCAL;
        case CURLE_FAILED_INIT:
        case CURLE_SSL_ENGINE_INITFAILED:
                return TRANSPORT_LOCAL;
        default:
                return TRANSPORT_BROKEN;
        }
}

/* Words of our own where libcurl's are missing, or hide what matters; else libcurl's. */
static const char *words_of(CURL *easy, CURLcode code, const char *error) {
        long os_error = 0;

        if (code == CURLE_OK)
                return "within its headers";
        /* "Failed to connect to … port … after … ms" hides the one word that matters. */
        if (code == CURLE_COULDNT_CONNECT &&
                        curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_error) == CURLE_OK && os_error > 0)
                return strerror((int) os_error);
        if (code == CURLE_OUT_OF_MEMORY) /* libcurl's code for both */
                return "out of memory, or a header line is longer than 100 KB";
        if (code == CURLE_GOT_NOTHING)
                return "nothing was received";
        if (strstr(error, "no application protocol"))
                return "the server offers no HTTP/1.1; it may speak HTTP/2 only";
        if (strstr(error, "wrong version number"))
                return "the server does not speak TLS; expected an http address in MASTER_ENDPOINT";
        if (error[0])
                return error;
        return code == CURLE_PEER_FAILED_VERIFICATION ? "the Master's certificate is not trusted"
                                                      : curl_easy_strerror(code);
}

/* The words, with the proxy's name before them if it is the proxy that failed. */
static const char *words_with_proxy(
                CURL *easy, CURLcode code, const Endpoint *endpoint, char error[static CURL_ERROR_SIZE]) {
        const char *words = words_of(easy, code, error);
        long refusal = proxy_refusal(easy);
        _cleanup_free_ char *proxy = NULL;
        char copy[CURL_ERROR_SIZE];

        if (refusal > 0)
                (void) snprintf(error, CURL_ERROR_SIZE, "the proxy answered %ld%s", refusal,
                                refusal == 401 || refusal == 407 ? " (check the proxy's user and password)"
                                                                 : "");
        else if (is_unconnected(easy, code) && master_find_proxy(endpoint, &proxy, NULL) > 0) {
                (void) snprintf(copy, sizeof copy, "%s", words);
                (void) snprintf(error, CURL_ERROR_SIZE, "the proxy %.128s: %.100s", proxy, copy);
        } else
                return words;
        return error;
}

TransportResult http_failure(CURL *easy, CURLcode code, const Endpoint *endpoint, const HttpSights *sights,
                char error[static CURL_ERROR_SIZE], const char **ret_text) {
        TransportResult result = result_of(easy, code, sights, error);
        /* libcurl repeats the whole value of a variable that it cannot use, with its password. */
        const char *variable = code != CURLE_OK ? proxy_quoted(error) : NULL;

        if (variable) {
                (void) snprintf(error, CURL_ERROR_SIZE, "the proxy address in %s cannot be used", variable);
                *ret_text = error;
                return TRANSPORT_LOCAL;
        }
        if (result == TRANSPORT_ANSWERED)
                *ret_text = NULL;
        else if (result == TRANSPORT_TOO_LARGE)
                *ret_text = sights->is_head_too_large ? "headers larger than 64 KiB"
                                                      : "a body larger than 1 MiB";
        else if (result == TRANSPORT_NOT_HTTP)
                *ret_text = greeting_words(sights, error);
        else
                *ret_text = words_with_proxy(easy, code, endpoint, error);
        return result;
}
