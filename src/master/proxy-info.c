#include "master/proxy-info.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/macro.h"
#include "util/text.h"

enum {
        PROXY_SHOWN_MAX = 256,
        PROBE_PORT = 1,
        PROBE_TIMEOUT_MSEC = 1000,
        QUOTED_LEAST = 8, /* fewer bytes of an address are its scheme */
};

/* The address without what must not be shown; words in its place where it is no address. */
static int describe_url(const char *text, char **ret) {
        CURLU *url;
        char *printed = NULL;
        int r = 0;

        url = curl_url();
        if (!url)
                return -ENOMEM;

        if (curl_url_set(url, CURLUPART_URL, text, CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME) ==
                                        CURLUE_OK &&
                        curl_url_set(url, CURLUPART_USER, NULL, 0) == CURLUE_OK &&
                        curl_url_set(url, CURLUPART_PASSWORD, NULL, 0) == CURLUE_OK &&
                        curl_url_set(url, CURLUPART_PATH, NULL, 0) == CURLUE_OK &&
                        curl_url_set(url, CURLUPART_QUERY, NULL, 0) == CURLUE_OK &&
                        curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK &&
                        curl_url_get(url, CURLUPART_URL, &printed, 0) == CURLUE_OK)
                *ret = text_sanitize(printed, strlen(printed), PROXY_SHOWN_MAX);
        else
                *ret = strdup("(not a valid address)");
        if (!*ret)
                r = -ENOMEM;

        curl_free(printed);
        curl_url_cleanup(url);
        return r;
}

/* In libcurl's order. */
static const char *const for_http[] = { "http_proxy", "all_proxy", "ALL_PROXY", NULL };
static const char *const for_https[] = { "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", NULL };

/* libcurl cuts its errors: what is left of the value then stands at the end. */
static bool holds_value(const char *text, const char *value) {
        size_t length = strlen(text), n = min_size(strlen(value), length);

        if (strstr(text, value))
                return true;
        for (; n >= QUOTED_LEAST; n--)
                if (strncmp(text + length - n, value, n) == 0)
                        return true;

        return false;
}

const char *proxy_info_quoted(const char *text) {
        assert(text);

        for (size_t i = 0; i < 2; i++)
                for (const char *const *variable = i == 0 ? for_http : for_https; *variable; variable++) {
                        const char *value = getenv(*variable);

                        if (!isempty(value) && holds_value(text, value))
                                return *variable;
                }

        return NULL;
}

/* The first of them that is set and not empty, as for curl_getenv(); NULL if none is. */
static const char *find_variable(const char *const *names) {
        while (*names && isempty(getenv(*names)))
                names++;

        return *names;
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
 * connect to? */
static int is_excepted(const Endpoint *endpoint, bool *ret) {
        CURL *easy = curl_easy_init();
        struct curl_slist *addresses = NULL;
        bool is_direct = false;
        char entry[32];

        (void) snprintf(entry, sizeof entry, "*:%u:192.0.2.1", (unsigned) endpoint->port);
        addresses = curl_slist_append(NULL, entry);
        if (easy && addresses && curl_easy_setopt(easy, CURLOPT_URL, endpoint->url) == CURLE_OK &&
                        curl_easy_setopt(easy, CURLOPT_PROXY, "http://127.0.0.1:1") == CURLE_OK &&
                        curl_easy_setopt(easy, CURLOPT_RESOLVE, addresses) == CURLE_OK &&
                        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
                        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long) PROBE_TIMEOUT_MSEC) == CURLE_OK &&
                        curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket) == CURLE_OK &&
                        curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, &is_direct) == CURLE_OK)
                (void) curl_easy_perform(easy);

        curl_easy_cleanup(easy);
        curl_slist_free_all(addresses);
        if (!easy || !addresses)
                return -ENOMEM;

        *ret = is_direct;
        return 0;
}

/* Returns 1 if the proxy is used, with the variable that fails to except the host; 0 if not; or -ENOMEM. */
static int find_exceptions(const Endpoint *endpoint, ProxyInfo *info) {
        static const char *const names[] = { "no_proxy", "NO_PROXY", NULL };
        const char *value;
        bool excepted;
        int r;

        info->exceptions = find_variable(names);
        if (!info->exceptions)
                return 1;

        r = is_excepted(endpoint, &excepted);
        if (r < 0 || excepted)
                return r;

        value = strempty(getenv(info->exceptions));
        info->exceptions_value = text_sanitize(value, strlen(value), PROXY_SHOWN_MAX);
        return info->exceptions_value ? 1 : -ENOMEM;
}

int proxy_info_find(const Endpoint *endpoint, ProxyInfo *ret) {
        ProxyInfo info = {};
        int r;

        assert(endpoint);
        assert(ret);

        info.variable = find_variable(endpoint->is_tls ? for_https : for_http);
        if (!info.variable)
                return 0;

        r = find_exceptions(endpoint, &info);
        if (r <= 0)
                return r;

        r = describe_url(getenv(info.variable), &info.url);
        if (r < 0) {
                proxy_info_done(&info);
                return r;
        }

        *ret = info;
        return 1;
}

void proxy_info_done(ProxyInfo *info) {
        free(info->url);
        free(info->exceptions_value);
        *info = (ProxyInfo){};
}

bool proxy_info_is_in_capitals(const Endpoint *endpoint) {
        return !endpoint->is_tls && !isempty(getenv("HTTP_PROXY")) && isempty(getenv("http_proxy"));
}
