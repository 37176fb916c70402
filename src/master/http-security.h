/* The files and rules of the transport's security: applies them to a transfer, and checks that the TLS
 * library accepts them. */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>

/* Files of the transport's security; NULL: not used (for the CA: the system's store). */
typedef struct HttpSecurity {
        const char *ca_file;
        const char *client_cert_file, *client_key_file;
        const char *bearer_token; /* the token itself; copied into the request */
        bool is_direct;           /* never through a proxy of the environment */
} HttpSecurity;

/* Sets TLS 1.2 or newer and the files, but not the token. Returns libcurl's code. */
CURLcode http_security_apply(CURL *easy, const HttpSecurity *security);

/* Loads CA, certificate and key as a connection would, and sends nothing to anyone. Returns 0 if they can be
 * used together; -EBADMSG with *ret_words, which the caller frees, if not; or another negative errno if it
 * could not be tried. */
int http_security_check(const HttpSecurity *security, char **ret_words);
