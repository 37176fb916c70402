/* The base addresses of the Master: how they are written. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ENDPOINTS_MAX = 16, ENDPOINT_SIZE_MAX = 2048 };

typedef struct Endpoint {
        char *url;  /* normalised: scheme://host[:port][/prefix], no trailing slash */
        char *host; /* a name or an IP literal, without brackets; of a link-local one fe80::1%eth0 */
        uint16_t port;
        bool is_tls;
        bool is_loopback; /* 127.0.0.0/8, ::1 or localhost: nothing of it leaves the machine */
        bool is_literal;  /* the host is an IP literal: nothing to resolve */
} Endpoint;

/* Reads `http://host:3000`, `https://…`, `host:3000` (then http), `[::1]:3000`, `[fe80::1%25eth0]:3000`,
 * with a path prefix if wanted. Refuses user info, other schemes, queries, fragments, control characters and
 * white space, port 0. Without a port: 80, 443. Returns 0 and an endpoint to be released with
 * endpoint_done(); -EINVAL with *ret_reason set to static words that never hold any part of the text (it may
 * hold a secret); or -ENOMEM. */
int endpoint_parse(const char *text, Endpoint *ret, const char **ret_reason);

void endpoint_done(Endpoint *endpoint);
