/* SPDX-License-Identifier: MIT */
/* The files that prove who the agent is to the Master, and who the Master is: bearer token, client
 * certificate and key, CA bundle. Looked at before each attempt, so that a rotated secret heals without
 * a restart. */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "core/config.h"

enum {
        TOKEN_SIZE_MAX = 16 * 1024,
        KEY_SIZE_MAX = 64 * 1024,
};

typedef enum SecretKind {
        SECRET_TOKEN,
        SECRET_CERT,
        SECRET_KEY,
        SECRET_CA,
        _SECRET_MAX,
} SecretKind;

/* Zero-initialised it holds no files. Release with secrets_done(). */
typedef struct Secrets {
        const char *paths[_SECRET_MAX]; /* NULL: not used (CA: the system's). Owned by the configuration. */
        struct stat stamps[_SECRET_MAX];
        bool was_looked_at;
        bool is_changed; /* until it was returned */
        char *token;     /* white space around it removed; NULL if none is used. As of the last look. */
} Secrets;

static inline void secrets_init(Secrets *secrets, const Config *config) {
        *secrets = (Secrets){ .paths = {
                                              [SECRET_TOKEN] = config->token_file,
                                              [SECRET_CERT] = config->client_cert_file,
                                              [SECRET_KEY] = config->client_key_file,
                                              [SECRET_CA] = config->ca_file,
                              } };
}

/* Looks at the files and reads the token again. Returns 1 if any differs from the last look (connections
 * made with the old ones must go), 0 if not or at the first look; or a negative errno, with words in
 * *ret_fault that name the file and what is wrong (NULL if memory is out), which the caller frees: -EINVAL
 * if it is not a regular file, -EBADMSG if the token is empty, too long or not printable ASCII in one line
 * (RFC 6750), -ENOKEY if the key has a pass phrase (RFC 1421, 7468). */
int secrets_refresh(Secrets *secrets, char **ret_fault);
void secrets_done(Secrets *secrets);

/* Sets an option of a transfer. The first failure stays; each is out of memory, or an option that this
 * libcurl lacks. */
#define SET_OPTION(code, easy, option, value)                                                               \
        ((code) = (code) == CURLE_OK ? curl_easy_setopt(easy, option, value) : (code))

/* Sets TLS 1.2 or newer and the files of a transfer, but not the token. Returns libcurl's code. */
CURLcode secrets_apply(const Secrets *secrets, CURL *easy);

/* The system's CA certificates; NULL: libcurl has its own default, or there are none. Static storage. */
const char *ca_store_find(void);
