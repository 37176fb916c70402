/* SPDX-License-Identifier: MIT */
/* The base addresses of the Master, read by the library that will connect to them: there is no second parser
 * that could understand another host, and send a token there. libcurl accepts more than we want, and what it
 * accepts differs between its releases (127.1, escapes in a host, a colon without a port). So a host must
 * stand in the text as libcurl has read it, and each part must be plain. */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "master/master.h"
#include "util/ip-address.h"
#include "util/text.h"

enum { HOST_NAME_SIZE_MAX = 253, LABEL_SIZE_MAX = 63, SHOWN_SIZE = 320 };

#define DIGITS "0123456789"
#define HEX_DIGITS DIGITS "ABCDEFabcdef"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

#define BAD_SCHEME "the scheme is neither http nor https"
#define NO_HOST "the host is empty"
#define BAD_HOST                                                                                            \
        "the host is neither an IP address nor a name (parts of 1 to 63 letters, digits, \"-\" and \"_\")"
#define BAD_PORT "the port is not a number from 1 to 65535 (IPv6 needs brackets: [::1]:3000)"

DEFINE_CLEANUP(CURLU *, curl_url_cleanup)
DEFINE_CLEANUP(char *, curl_free)

/* Most codes are newer than the oldest libcurl. */
static const char *reason_of(CURLUcode code) {
        switch (code) {
        case CURLUE_USER_NOT_ALLOWED:
                return "user info is not allowed (a token goes into MASTER_TOKEN_FILE)";
        case CURLUE_UNSUPPORTED_SCHEME:
                return BAD_SCHEME;
        case CURLUE_NO_HOST:
                return NO_HOST;
        case CURLUE_BAD_PORT_NUMBER:
                return BAD_PORT;
        default:
                return BAD_HOST;
        }
}

/* A last part of digits only, or of 0x and hexadecimal ones: to a resolver 127.1, 2130706433 and 0x7f.1 all
 * mean this machine. */
static bool ends_in_number(const char *name, size_t size) {
        const char *dot = memrchr(name, '.', size), *part = dot ? dot + 1 : name;

        if (strncasecmp(part, "0x", 2) == 0)
                part += 2 + strspn(part + 2, HEX_DIGITS);
        else
                part += strspn(part, DIGITS);
        return part == name + size;
}

static bool is_host_name(const char *name) {
        size_t size = strlen(name);
        const char *end = name + size - (name[size - 1] == '.'); /* which makes the name absolute */

        if (size > HOST_NAME_SIZE_MAX || ends_in_number(name, (size_t) (end - name)))
                return false;

        for (const char *part = name;; part++) {
                size_t part_size = strspn(part, LETTERS DIGITS "-_");

                if (part_size == 0 || part_size > LABEL_SIZE_MAX || *part == '-')
                        return false;
                part += part_size;
                if (part == end)
                        return true;
                if (*part != '.')
                        return false;
        }
}

static bool is_interface(const char *zone) { /* which needs no escape in a URL */
        return strlen(zone) < IF_NAMESIZE && !zone[strspn(zone, LETTERS DIGITS "-._~")];
}

/* Also sets what the host is in a URL. Returns 0, -EINVAL or -ENOMEM. */
static int set_host(
                Endpoint *endpoint, const char *host, const char *zone, char ret_shown[static SHOWN_SIZE]) {
        char normal[HOST_NAME_SIZE_MAX + 1] = ""; /* so that two spellings of one are seen to be the same */
        IpAddress ip;

        endpoint->is_literal = ip_address_parse(host, &ip) >= 0;
        if (endpoint->is_literal ? zone && !(IN6_IS_ADDR_LINKLOCAL(&ip) && is_interface(zone))
                                 : !is_host_name(host))
                return -EINVAL;

        for (size_t i = 0; host[i]; i++)
                normal[i] = (char) (host[i] >= 'A' && host[i] <= 'Z' ? host[i] | 0x20 : host[i]);
        if (strchr(host, ':'))
                (void) inet_ntop(AF_INET6, &ip, normal, sizeof normal);
        endpoint->is_loopback =
                        endpoint->is_literal ? ip_address_is_loopback(&ip) : streq(normal, "localhost");
        (void) snprintf(ret_shown, SHOWN_SIZE,
                        zone                ? "[%s%%25%s]"
                        : strchr(host, ':') ? "[%s]"
                                            : "%s",
                        normal, zone);
        if (asprintf(&endpoint->host, "%s%s%s", normal, zone ? "%" : "", strempty(zone)) < 0) {
                endpoint->host = NULL;
                return -ENOMEM;
        }
        return 0;
}

/* `authority` is the text behind the scheme. Returns as set_host(). */
static int read_host(
                CURLU *url, const char *authority, Endpoint *endpoint, char ret_shown[static SHOWN_SIZE]) {
        _cleanup_(curl_free_pointer) char *host = NULL, *zone = NULL;
        const char *zone_text = strchrnul(authority, '%');
        size_t size;

        if (curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
                        curl_url_get(url, CURLUPART_ZONEID, &zone, 0) == CURLUE_OUT_OF_MEMORY)
                return -ENOMEM;

        size = strlen(host);
        if (host[0] == '[') {
                host[size - 1] = '\0';
                if (zone && (strncmp(zone_text, "%25", 3) != 0 || zone_text[3] == ']')) /* RFC 6874 */
                        return -EINVAL;
                return set_host(endpoint, host + 1, zone, ret_shown);
        }
        if (strncasecmp(authority, host, size) != 0 || !strchr(":/", authority[size]))
                return -EINVAL;
        return set_host(endpoint, host, NULL, ret_shown);
}

static bool is_path(const char *path) {
        while (*(path += strspn(path, LETTERS DIGITS "/-._~!$&'()*+,;=:")) == '%') {
                if (strspn(path + 1, HEX_DIGITS) < 2)
                        return false;
                path += 3;
        }
        return !*path;
}

/* Takes the parts out of what libcurl has read; `authority` is the text behind the scheme. */
static int read_parts(CURLU *url, const char *authority, Endpoint *endpoint, const char **ret_reason) {
        _cleanup_(curl_free_pointer) char *scheme = NULL, *port = NULL, *path = NULL;
        size_t size = strcspn(authority, "/");
        char host[SHOWN_SIZE];
        int r;

        if (curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
                        curl_url_get(url, CURLUPART_PORT, &port, 0) == CURLUE_OUT_OF_MEMORY ||
                        curl_url_get(url, CURLUPART_PATH, &path, 0) != CURLUE_OK)
                return -ENOMEM;

        endpoint->is_tls = streq(scheme, "https");
        endpoint->port = port ? (uint16_t) strtoul(port, NULL, 10) : endpoint->is_tls ? 443 : 80;
        *ret_reason = !endpoint->is_tls && !streq(scheme, "http")     ? BAD_SCHEME
                      : size == 0                                     ? NO_HOST
                      : authority[size - 1] == ':' || !endpoint->port ? BAD_PORT
                      : !is_path(path) ? "the path contains a character not allowed in paths"
                                       : NULL;
        if (*ret_reason)
                return -EINVAL;

        *ret_reason = BAD_HOST;
        r = read_host(url, authority, endpoint, host);
        if (r < 0)
                return r;

        for (size = strlen(path); size > 0 && path[size - 1] == '/'; size--)
                ;
        if (asprintf(&endpoint->url, "%s://%s%s%s%.*s", scheme, host, port ? ":" : "", strempty(port),
                            (int) size, path) < 0) {
                endpoint->url = NULL;
                return -ENOMEM;
        }
        *ret_reason = "longer than 2048 bytes";
        return strlen(endpoint->url) > ENDPOINT_SIZE_MAX ? -EINVAL : 0;
}

static int read_text(const char *text, Endpoint *endpoint, const char **ret_reason) {
        _cleanup_(curl_url_cleanup_pointer) CURLU *url = curl_url();
        bool has_scheme = strncmp(text + strcspn(text, ":/"), "://", 3) == 0;
        _cleanup_free_ char *whole = NULL;
        CURLUcode code;

        if (!url || asprintf(&whole, "%s%s", has_scheme ? "" : "http://", text) < 0) {
                whole = NULL;
                return -ENOMEM;
        }

        code = curl_url_set(url, CURLUPART_URL, whole,
                        CURLU_NON_SUPPORT_SCHEME | CURLU_DISALLOW_USER | CURLU_PATH_AS_IS);
        if (code == CURLUE_OK)
                return read_parts(url, strstr(whole, "://") + 3, endpoint, ret_reason);
        *ret_reason = reason_of(code);
        return code == CURLUE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
}

static const char *check_text(const char *text) {
        if (isempty(text))
                return "empty";
        for (const unsigned char *p = (const unsigned char *) text; *p; p++)
                if (*p <= ' ' || *p >= 0x7F)
                        return "contains white space, a control character, or one that is not ASCII";
        return strpbrk(text, "?#") ? "a query or fragment is not allowed" : NULL;
}

int endpoint_parse(const char *text, Endpoint *ret, const char **ret_reason) {
        Endpoint endpoint = {};
        const char *reason;
        int r;

        assert(ret);
        assert(ret_reason);

        reason = check_text(text);
        r = reason ? -EINVAL : read_text(text, &endpoint, &reason);
        if (r < 0) {
                endpoint_done(&endpoint);
                if (r == -EINVAL)
                        *ret_reason = reason;
                return r;
        }

        *ret = endpoint;
        return 0;
}
