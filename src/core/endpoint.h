/* SPDX-License-Identifier: MIT */
/* One base address of the Master. It is read by the wing that connects to it: see master/endpoint.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

enum { ENDPOINTS_MAX = 16, ENDPOINT_SIZE_MAX = 2048 };

typedef struct Endpoint {
        char *url;  /* normalised: scheme://host[:port][/prefix], no trailing slash */
        char *host; /* a name or an IP literal, without brackets; of a link-local one fe80::1%eth0 */
        uint16_t port;
        bool is_tls;
        bool is_loopback; /* 127.0.0.0/8, ::1 or localhost: nothing of it leaves the machine */
        bool is_literal;  /* the host is an IP literal: nothing to resolve */
} Endpoint;

/* Returns 0 and an endpoint to be released with endpoint_done(); -EINVAL with *ret_reason set to static
 * words that never hold any part of the text (it may hold a secret); or -ENOMEM. */
typedef int EndpointParser(const char *text, Endpoint *ret, const char **ret_reason);

static inline void endpoint_done(Endpoint *endpoint) {
        free(endpoint->url);
        free(endpoint->host);
        *endpoint = (Endpoint){};
}
