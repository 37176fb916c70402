/* Which proxy libcurl will take from the environment (libcurl-env(3)), for showing: never with
 * its credentials. */
#pragma once

#include <stdbool.h>

#include "core/endpoint.h"

typedef struct ProxyInfo {
        const char *variable;   /* static: the variable that names it */
        char *url;              /* its address without user and password */
        const char *exceptions; /* static: no_proxy or NO_PROXY, which is set and does not match; or NULL */
        char *exceptions_value; /* safe to show */
} ProxyInfo;

/* Returns 1 and the proxy of connections to the endpoint, to be released with proxy_info_done(); 0 if there
 * is none, or no_proxy excepts the host (libcurl itself decides); or -ENOMEM. Sends and resolves nothing. */
int proxy_info_find(const Endpoint *endpoint, ProxyInfo *ret);
void proxy_info_done(ProxyInfo *info);

/* Whether HTTP_PROXY is set in vain: libcurl reads http_proxy only, because a client of a CGI program can
 * set the other. */
bool proxy_info_is_in_capitals(const Endpoint *endpoint);

/* libcurl repeats the whole value of a proxy variable, password and all, in some of its errors. Returns the
 * variable whose value the text holds, or NULL. */
const char *proxy_info_quoted(const char *text);
