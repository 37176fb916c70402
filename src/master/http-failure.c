/* Turns the errors of libcurl and the peer into one of our results, and into words that name what failed:
 * the Master, the proxy before it, or a server that does not speak HTTP. */
#include "master/http-failure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "master/master.h"
#include "master/proxy-info.h"
#include "util/macro.h"
#include "util/text.h"

enum { SECONDS_DIGITS_MAX = 18 }; /* so many are in the range of a curl_off_t */

/* ---- what is seen on the way ---- */

static bool is_long_retry_after(const char *line, size_t size) {
        static const char name[] = "retry-after:";
        const char *p = line + strlen(name), *end = line + size, *digits;

        if (size <= strlen(name) || strncasecmp(line, name, strlen(name)) != 0)
                return false;
        while (p < end && (*p == ' ' || *p == '\t' || *p == '0'))
                p++;
        for (digits = p; p < end && *p >= '0' && *p <= '9'; p++)
                ;
        return p - digits > SECONDS_DIGITS_MAX && p < end && strchr(" \t\r\n", *p);
}

bool http_sights_header(HttpSights *sights, const char *line, size_t size) {
        if (size > HTTP_HEADERS_MAX - sights->headers_size) {
                sights->is_head_too_large = true;
                return false;
        }
        sights->headers_size += size;

        /* Interim responses and those of proxies have their own head before the one that counts; the
         * trailer lines after a chunked body are not a head. */
        if (size >= strlen("HTTP/") && memcmp(line, "HTTP/", strlen("HTTP/")) == 0)
                sights->is_head_whole = false;
        else if (size > 0 && (line[0] == '\r' || line[0] == '\n'))
                sights->is_head_whole = true;
        if (size > 0 && (line[0] | 0x20) == 'r' && is_long_retry_after(line, size))
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

        if (size >= 4 && memcmp(greeting, "SSH-", 4) == 0)
                return "the server speaks SSH; expected the Master's HTTP port";
        /* A frame of SETTINGS or GOAWAY for the whole connection: RFC 9113, section 4.1 */
        if (size >= 9 && !greeting[0] && !greeting[1] && (greeting[3] == 4 || greeting[3] == 7) &&
                        memcmp(greeting + 5, "\0\0\0", 4) == 0)
                return "the server speaks HTTP/2 only; expected HTTP/1.1";
        if (size >= 2 && greeting[0] == 0x15 && greeting[1] == 3)
                return "the server speaks TLS; expected an https address in MASTER_ENDPOINT";

        (void) snprintf(error, CURL_ERROR_SIZE, "it begins: %.*s", (int) size, greeting);
        return error;
}

/* ---- the proxy ---- */

/* The status with which a proxy refuses a tunnel to the Master, or 0. */
static long proxy_refusal(CURL *easy) {
        long status = 0;

        if (curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &status) != CURLE_OK || status < 300)
                return 0;
        return status;
}

static const char *effective_url(CURL *easy) {
        char *url = NULL;

        return curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url) == CURLE_OK ? strempty(url) : "";
}

/* Whether the first connection of the request failed, which goes to the proxy if there is one. */
static bool is_unconnected(CURL *easy, CURLcode code) {
        curl_off_t connected_usec = 0;

        if (code == CURLE_COULDNT_RESOLVE_PROXY)
                return true;

        return (code == CURLE_COULDNT_CONNECT || code == CURLE_OPERATION_TIMEDOUT) &&
               curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &connected_usec) == CURLE_OK &&
               connected_usec == 0;
}

/* Puts the proxy's name before the words. */
static const char *add_proxy(CURL *easy, CURLcode code, const HttpSights *sights, const char *words,
                char error[static CURL_ERROR_SIZE]) {
        _cleanup_(endpoint_done) Endpoint master = {};
        _cleanup_(proxy_info_done) ProxyInfo proxy = {};
        char copy[CURL_ERROR_SIZE];
        const char *reason;

        if (sights->is_direct || !is_unconnected(easy, code) ||
                        endpoint_parse(effective_url(easy), &master, &reason) < 0 ||
                        proxy_info_find(&master, &proxy) <= 0)
                return words;

        (void) snprintf(copy, sizeof copy, "%s", words);
        (void) snprintf(error, CURL_ERROR_SIZE, "the proxy %.*s (from %s): %.100s",
                        CURL_ERROR_SIZE - 128 - (int) strlen(proxy.variable), proxy.url, proxy.variable,
                        copy);
        return error;
}

/* ---- the result ---- */

static bool was_asked(CURL *easy) {
        curl_off_t usec = 0;

        return curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &usec) == CURLE_OK && usec > 0;
}

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
                return was_asked(easy) ? TRANSPORT_BROKEN : TRANSPORT_LOCAL;
        case CURLE_FAILED_INIT:
        case CURLE_SSL_ENGINE_INITFAILED:
                return TRANSPORT_LOCAL;
        default:
                return TRANSPORT_BROKEN;
        }
}

static const char *tls_words(const char *error) {
        if (strstr(error, "no application protocol"))
                return "the server offers no HTTP/1.1; it may speak HTTP/2 only";
        if (strstr(error, "wrong version number"))
                return "the server does not speak TLS; expected an http address in MASTER_ENDPOINT";
        return NULL;
}

static const char *words_of(
                CURL *easy, CURLcode code, const HttpSights *sights, char error[static CURL_ERROR_SIZE]) {
        long os_error = 0, refusal = proxy_refusal(easy);

        if (refusal > 0) {
                (void) snprintf(error, CURL_ERROR_SIZE, "the proxy answered %ld%s", refusal,
                                refusal == 401 || refusal == 407 ? " (check the proxy's user and password)"
                                                                 : "");
                return error;
        }

        switch (code) {
        case CURLE_OK:
                return "within its headers";
        case CURLE_COULDNT_CONNECT:
                /* "Failed to connect to … port … after … ms" hides the one word that matters. */
                if (curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_error) == CURLE_OK && os_error > 0)
                        return add_proxy(easy, code, sights, strerror((int) os_error), error);
                break;
        case CURLE_OUT_OF_MEMORY: /* libcurl's code for both */
                return "out of memory, or a header line is longer than 100 KB";
        case CURLE_PEER_FAILED_VERIFICATION:
                if (!error[0])
                        return "the Master's certificate is not trusted";
                break;
        case CURLE_GOT_NOTHING:
                return "nothing was received";
        default:
                if (tls_words(error))
                        return tls_words(error);
                break;
        }

        return add_proxy(easy, code, sights, error[0] ? error : curl_easy_strerror(code), error);
}

TransportResult http_failure(CURL *easy, CURLcode code, const HttpSights *sights,
                char error[static CURL_ERROR_SIZE], const char **ret_text) {
        /* libcurl repeats the whole value of a variable that it cannot use, with its password. */
        const char *variable = code != CURLE_OK ? proxy_info_quoted(error) : NULL;
        TransportResult result = variable ? TRANSPORT_LOCAL : result_of(easy, code, sights, error);

        if (variable) {
                (void) snprintf(error, CURL_ERROR_SIZE, "the proxy address in %s cannot be used", variable);
                *ret_text = error;
                return result;
        }
        if (result == TRANSPORT_ANSWERED)
                *ret_text = NULL;
        else if (result == TRANSPORT_TOO_LARGE)
                *ret_text = sights->is_head_too_large ? "headers larger than 64 KiB"
                                                      : "a body larger than 1 MiB";
        else if (result == TRANSPORT_NOT_HTTP)
                *ret_text = greeting_words(sights, error);
        else
                *ret_text = words_of(easy, code, sights, error);
        return result;
}
