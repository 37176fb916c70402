/* SPDX-License-Identifier: MIT */
/* Which proxy libcurl will take from the environment (libcurl-env(3)), for showing: never with
 * its credentials. */
#include "master/proxy.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "master/master.h"
#include "master/secrets.h"
#include "util/macro.h"
#include "util/text.h"

enum {
        PROXY_SHOWN_MAX = 100,
        PROBE_PORT = 1,
        PROBE_TIMEOUT_MSEC = 1000,
};

/* In libcurl's order. */
static const char *const for_http[] = { "http_proxy", "all_proxy", "ALL_PROXY", NULL };
static const char *const for_https[] = { "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", NULL };
static const char *const exceptions[] = { "no_proxy", "NO_PROXY", NULL };

/* The first that is set and not empty, as for libcurl; NULL if none is. */
static const char *find_variable(const char *const *names) {
        while (*names && isempty(getenv(*names)))
                names++;

        return *names;
}

/* libcurl writes the value behind a quote, and cuts its errors: then only a part of the value is there. */
static bool quotes_value(const char *text, const char *value) {
        while ((text = strchr(text, '\''))) {
                size_t n = min_size(strlen(++text), strlen(value));

                if (n > 0 && strncmp(text, value, n) == 0)
                        return true;
        }
        return false;
}

const char *proxy_quoted(const char *text) {
        static const char *const all[] = { "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                "ALL_PROXY" };

        for (size_t i = 0; i < ELEMENTSOF(all); i++)
                if (quotes_value(text, strempty(getenv(all[i]))))
                        return all[i];
        return NULL;
}

/* The address without what must not be shown, or words if it is not an address. NULL if out of memory. */
static char *shown_address(const char *text) {
        static const CURLUPart hidden[] = { CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_PATH,
                CURLUPART_QUERY, CURLUPART_FRAGMENT };
        CURLU *url = curl_url();
        char *printed = NULL, *shown = NULL;
        CURLUcode code;

        if (!url)
                return NULL;

        code = curl_url_set(url, CURLUPART_URL, text, CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME);
        for (size_t i = 0; code == CURLUE_OK && i < ELEMENTSOF(hidden); i++)
                code = curl_url_set(url, hidden[i], NULL, 0);
        if (code == CURLUE_OK)
                code = curl_url_get(url, CURLUPART_URL, &printed, 0);
        if (code != CURLUE_OUT_OF_MEMORY)
                shown = printed ? text_sanitize(printed, strlen(printed), PROXY_SHOWN_MAX)
                                : strdup("(not a valid address)");

        curl_free(printed);
        curl_url_cleanup(url);
        return shown;
}

static curl_socket_t on_open_socket(
                void *userdata, curlsocktype purpose _unused_, struct curl_sockaddr *address) {
        bool *is_direct = userdata;
        struct sockaddr_in peer;

        memcpy(&peer, &address->addr, sizeof peer);
        *is_direct = address->family != AF_INET || peer.sin_port != htons(PROBE_PORT);
        return CURL_SOCKET_BAD; /* no connection is made */
}

/* libcurl's matching differs from release to release (networks came with 7.86, and failed for IPv6 for some
 * time), so ask libcurl itself: given a proxy of ours and a made-up address for the host, where would it
 * connect to? Returns whether past the proxy, or -ENOMEM. */
static int is_excepted(const Endpoint *endpoint) {
        CURL *easy = curl_easy_init();
        struct curl_slist *addresses;
        CURLcode code = CURLE_OK;
        bool is_direct = false;
        char entry[32];

        (void) snprintf(entry, sizeof entry, "*:%u:192.0.2.1", (unsigned) endpoint->port);
        addresses = curl_slist_append(NULL, entry);
        if (!easy || !addresses)
                code = CURLE_OUT_OF_MEMORY;

        SET_OPTION(code, easy, CURLOPT_URL, endpoint->url);
        SET_OPTION(code, easy, CURLOPT_PROXY, "http://127.0.0.1:1");
        SET_OPTION(code, easy, CURLOPT_RESOLVE, addresses);
        SET_OPTION(code, easy, CURLOPT_NOSIGNAL, 1L);
        SET_OPTION(code, easy, CURLOPT_TIMEOUT_MS, (long) PROBE_TIMEOUT_MSEC);
        SET_OPTION(code, easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
        SET_OPTION(code, easy, CURLOPT_OPENSOCKETDATA, &is_direct);
        if (code == CURLE_OK)
                (void) curl_easy_perform(easy);

        curl_easy_cleanup(easy);
        curl_slist_free_all(addresses);
        return code == CURLE_OUT_OF_MEMORY ? -ENOMEM : is_direct;
}

int master_find_proxy(const Endpoint *endpoint, char **ret_words, const char **ret_unmatched) {
        const char *variable = find_variable(endpoint->is_tls ? for_https : for_http);
        const char *unmatched = find_variable(exceptions);
        _cleanup_free_ char *address = NULL;
        int r;

        if (!variable || endpoint->is_loopback)
                return 0;

        r = unmatched ? is_excepted(endpoint) : 0;
        if (r != 0)
                return r < 0 ? r : 0;

        address = shown_address(getenv(variable));
        if (!address || asprintf(ret_words, "%s (from %s)", address, variable) < 0)
                return -ENOMEM;
        if (ret_unmatched)
                *ret_unmatched = unmatched;
        return 1;
}

bool master_ignores_proxy(const Endpoint *endpoint) {
        return !endpoint->is_tls && !endpoint->is_loopback && !isempty(getenv("HTTP_PROXY")) &&
               isempty(getenv("http_proxy"));
}
