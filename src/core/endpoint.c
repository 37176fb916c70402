/* The base addresses of the Master: how they are written.
 *
 * The reader is strict on purpose. What it lets through is later read once more by the HTTP library, and the
 * two must never differ about which host is meant: on that hangs whether a token may go there. */
#include "core/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "util/ip-address.h"
#include "util/text.h"

enum { HOST_NAME_MAX_SIZE = 253, LABEL_MAX_SIZE = 63 };

#define HEX_DIGITS "0123456789ABCDEFabcdef"

/* Not isalnum() and its like: their answer depends on the locale. */
static const char letters_and_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

static bool is_alphanumeric(char c) {
        return c && strchr(letters_and_digits, c);
}

/* A name's last label of digits only, or of 0x and hexadecimal ones, makes the HTTP library read the whole
 * as a number: 127.1, 2130706433 and 0x7f.1 all mean this machine. */
static bool ends_in_number(const char *host) {
        const char *end = host + strlen(host), *label;
        size_t digits;

        if (end > host && end[-1] == '.')
                end--;
        for (label = end; label > host && label[-1] != '.'; label--)
                ;
        if (label == end)
                return false;

        if (label[0] == '0' && (label[1] == 'x' || label[1] == 'X'))
                digits = 2 + strspn(label + 2, HEX_DIGITS);
        else
                digits = strspn(label, "0123456789");
        return label + digits == end;
}

static const char *check_host_name(const char *host) {
        const char *label = host;

        if (strlen(host) > HOST_NAME_MAX_SIZE)
                return "the host is longer than 253 bytes";

        for (;;) {
                size_t size = strcspn(label, ".");

                if (size == 0)
                        return "the host has an empty part";
                if (size > LABEL_MAX_SIZE)
                        return "a part of the host is longer than 63 bytes";
                if (label[0] == '-')
                        return "a part of the host begins with a dash";
                for (size_t i = 0; i < size; i++) {
                        if (!is_alphanumeric(label[i]) && label[i] != '-' && label[i] != '_')
                                return "the host contains a character not allowed in host names";
                }

                label += size;
                if (*label == '.')
                        label++;
                if (!*label) /* one dot at the very end is allowed: it makes the name absolute */
                        return NULL;
        }
}

/* Only characters that need no escape in a URL. */
static bool is_interface_name(const char *name) {
        size_t size = strlen(name);

        for (size_t i = 0; i < size; i++)
                if (!is_alphanumeric(name[i]) && !strchr("-._~", name[i]))
                        return false;
        return size > 0 && size < IF_NAMESIZE;
}

/* The address as everybody writes it, so that two spellings of one are seen to be the same. Returns 0,
 * -EINVAL or -ENOMEM. */
static int read_literal(Endpoint *endpoint, int family, const char *text) {
        union {
                struct in_addr v4;
                struct in6_addr v6;
        } address;
        char normal[IP_ADDRESS_SIZE];
        IpAddress ip;

        if (inet_pton(family, text, &address) != 1 || !inet_ntop(family, &address, normal, sizeof normal))
                return -EINVAL;

        endpoint->is_loopback = ip_address_parse(normal, &ip) >= 0 && ip_address_is_loopback(&ip);
        endpoint->is_literal = true;
        return text_duplicate(normal, &endpoint->host);
}

/* The text in brackets is an IPv6 address; a link-local one is followed by its interface, as in URLs
 * (RFC 6874): fe80::1%25eth0. The host becomes what getaddrinfo() takes: fe80::1%eth0. */
static int read_bracketed(Endpoint *endpoint, char *text, const char **ret_reason) {
        _cleanup_free_ char *address = NULL;
        char *zone = strstr(text, "%25");
        struct in6_addr link;
        int r;

        *ret_reason = "the text in brackets is not an IPv6 address";
        if (!zone)
                return read_literal(endpoint, AF_INET6, text);

        *zone = '\0';
        zone += strlen("%25");
        if (inet_pton(AF_INET6, text, &link) == 1 && !IN6_IS_ADDR_LINKLOCAL(&link)) {
                *ret_reason = "an interface goes with a link-local address (fe80::/10) only";
                return -EINVAL;
        }
        if (!is_interface_name(zone)) {
                *ret_reason = "behind the %25 is not the name of an interface";
                return -EINVAL;
        }

        r = read_literal(endpoint, AF_INET6, text);
        if (r < 0)
                return r;
        address = TAKE_PTR(endpoint->host);
        if (asprintf(&endpoint->host, "%s%%%s", address, zone) < 0) {
                endpoint->host = NULL;
                return -ENOMEM;
        }
        return 0;
}

/* Reads the host at the beginning of `text` and says where it ends. Returns 0, -EINVAL with a reason,
 * or -ENOMEM. */
static int read_host(const char *text, Endpoint *endpoint, const char **ret_end, const char **ret_reason) {
        _cleanup_free_ char *host = NULL;
        bool is_bracketed = text[0] == '[';
        const char *begin = is_bracketed ? text + 1 : text;
        size_t size = strcspn(begin, is_bracketed ? "]/" : ":/");
        int r;

        if (is_bracketed && begin[size] != ']') {
                *ret_reason = "the bracket is not closed";
                return -EINVAL;
        }
        if (size == 0) {
                *ret_reason = "the host is empty";
                return -EINVAL;
        }
        *ret_end = begin + size + is_bracketed;
        if (!is_bracketed && **ret_end == ':' && memchr(*ret_end + 1, ':', strcspn(*ret_end + 1, "/"))) {
                *ret_reason = "more than one colon (IPv6 needs brackets: [::1]:3000)";
                return -EINVAL;
        }

        host = strndup(begin, size);
        if (!host)
                return -ENOMEM;

        if (is_bracketed)
                return read_bracketed(endpoint, host, ret_reason);
        if (ends_in_number(host)) {
                r = read_literal(endpoint, AF_INET, host);
                if (r == -EINVAL)
                        *ret_reason = "the host is neither a name nor an IPv4 address";
                return r;
        }

        *ret_reason = check_host_name(host);
        if (*ret_reason)
                return -EINVAL;

        for (char *p = host; *p; p++) {
                if (*p >= 'A' && *p <= 'Z')
                        *p = (char) (*p - 'A' + 'a');
        }
        endpoint->is_loopback = streq(host, "localhost");
        endpoint->host = TAKE_PTR(host);
        return 0;
}

static bool path_is_valid(const char *path) {
        for (const char *p = path; *p; p++) {
                if (*p == '%') {
                        if (strspn(p + 1, HEX_DIGITS) < 2)
                                return false;
                } else if (!is_alphanumeric(*p) && !strchr("/-._~!$&'()*+,;=:", *p))
                        return false;
        }

        return true;
}

/* What is wrong with the text as a whole, before anything is read out of it. */
static const char *check_text(const char *text) {
        if (isempty(text))
                return "empty";
        /* Not only where user info may stand: a password may itself hold a slash. */
        if (strchr(text, '@'))
                return "user info is not allowed (a token goes into MASTER_TOKEN_FILE)";
        if (strlen(text) > ENDPOINT_SIZE_MAX)
                return "longer than 2048 bytes";

        for (const char *p = text; *p; p++) {
                if (*p == ' ' || *p == '\t')
                        return "contains white space";
                if ((unsigned char) *p < 0x20 || (unsigned char) *p == 0x7F)
                        return "contains a control character";
                if ((unsigned char) *p >= 0x80)
                        return "contains a character that is not ASCII";
        }

        if (strpbrk(text, "?#"))
                return "a query or fragment is not allowed";
        return NULL;
}

/* Takes the scheme off. NULL if it is another than http and https. */
static const char *skip_scheme(const char *text, bool *ret_is_tls) {
        size_t size = strcspn(text, ":/");

        *ret_is_tls = false;
        if (strncmp(text + size, "://", 3) != 0)
                return text;
        if (size == 4 && strncasecmp(text, "http", size) == 0)
                return text + size + 3;
        if (size == 5 && strncasecmp(text, "https", size) == 0) {
                *ret_is_tls = true;
                return text + size + 3;
        }

        return NULL;
}

/* Reads `:port`. Returns 0, or -EINVAL. */
static int read_port(const char *text, uint16_t *ret_port) {
        size_t size = strcspn(text + 1, "/");
        char digits[16] = {};
        uint64_t value;

        if (size >= sizeof digits)
                return -EINVAL;
        memcpy(digits, text + 1, size);
        if (text_parse_unsigned(digits, UINT16_MAX, &value) < 0 || value == 0)
                return -EINVAL;

        *ret_port = (uint16_t) value;
        return 0;
}

static int endpoint_read(const char *text, Endpoint *endpoint, const char **ret_reason) {
        const char *rest, *path, *zone;
        size_t path_size, address_size;
        bool is_bracketed;
        char port[8] = "";
        int r;

        *ret_reason = check_text(text);
        if (*ret_reason)
                return -EINVAL;

        rest = skip_scheme(text, &endpoint->is_tls);
        if (!rest) {
                *ret_reason = "the scheme is neither http nor https";
                return -EINVAL;
        }
        is_bracketed = *rest == '[';

        r = read_host(rest, endpoint, &path, ret_reason);
        if (r < 0)
                return r;

        endpoint->port = endpoint->is_tls ? 443 : 80;
        if (*path == ':') {
                if (read_port(path, &endpoint->port) < 0) {
                        *ret_reason = "the port is not a number from 1 to 65535";
                        return -EINVAL;
                }
                (void) snprintf(port, sizeof port, ":%u", (unsigned) endpoint->port);
                path += strcspn(path, "/");
        }

        if (*path && *path != '/') {
                *ret_reason = "the bracket is followed by neither a port nor a path";
                return -EINVAL;
        }
        if (!path_is_valid(path)) {
                *ret_reason = "the path contains a character not allowed in paths";
                return -EINVAL;
        }
        for (path_size = strlen(path); path_size > 0 && path[path_size - 1] == '/'; path_size--)
                ;

        address_size = strcspn(endpoint->host, "%");
        zone = endpoint->host + address_size;
        if (asprintf(&endpoint->url, "%s://%s%.*s%s%s%s%s%.*s", endpoint->is_tls ? "https" : "http",
                            is_bracketed ? "[" : "", (int) address_size, endpoint->host, *zone ? "%25" : "",
                            *zone ? zone + 1 : "", is_bracketed ? "]" : "", port, (int) path_size,
                            path) < 0) {
                endpoint->url = NULL;
                return -ENOMEM;
        }
        if (strlen(endpoint->url) > ENDPOINT_SIZE_MAX) { /* the scheme was added */
                *ret_reason = "longer than 2048 bytes";
                return -EINVAL;
        }

        return 0;
}

int endpoint_parse(const char *text, Endpoint *ret, const char **ret_reason) {
        Endpoint endpoint = {};
        const char *reason = NULL;
        int r;

        assert(ret);
        assert(ret_reason);

        r = endpoint_read(text, &endpoint, &reason);
        if (r < 0) {
                endpoint_done(&endpoint);
                if (r == -EINVAL)
                        *ret_reason = reason;
                return r;
        }

        *ret = endpoint;
        return 0;
}

void endpoint_done(Endpoint *endpoint) {
        free(endpoint->url);
        free(endpoint->host);
        *endpoint = (Endpoint){};
}
