#include "sys/proxy-info.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/macro.h"
#include "util/text.h"

enum {
        PROXY_SHOWN_MAX = 256,
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

/* In libcurl's order. HTTP_PROXY in capitals is not read: a CGI program gets it from its client. */
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

int proxy_info_find(bool is_tls, const char **ret_variable, char **ret_url) {
        int r;

        assert(ret_variable);
        assert(ret_url);

        for (const char *const *variable = is_tls ? for_https : for_http; *variable; variable++) {
                const char *value = getenv(*variable);

                if (isempty(value))
                        continue;

                r = describe_url(value, ret_url);
                if (r < 0)
                        return r;
                *ret_variable = *variable;
                return 1;
        }

        return 0;
}
