/* The files that prove who the agent is to the Master: bearer token, client certificate and key, and the CA
 * bundle. Looked at before each try, so that a rotated secret heals without a restart. */
#pragma once

#include <stddef.h>

enum {
        TOKEN_SIZE_MAX = 16 * 1024,
        KEY_SIZE_MAX = 64 * 1024,
};

typedef struct SecretFiles SecretFiles;

/* For people. The path is the files' own. */
typedef struct SecretFault {
        const char *what; /* the token file … */
        const char *path;
        const char *reason; /* static memory, or strerror()'s */
} SecretFault;

/* The paths may be NULL: not used. They are copied. Returns 0 or -ENOMEM. */
int secret_files_new(const char *token_file, const char *client_cert_file, const char *client_key_file,
                const char *ca_file, SecretFiles **ret);
SecretFiles *secret_files_free(SecretFiles *secrets);

/* Looks at the files and reads the token again. Returns 1 if any differs from the last look (connections
 * made with the old ones must go), 0 if not or at the first look; or a negative errno with *ret_fault saying
 * what cannot be used: -EINVAL if it is no regular file, -EBADMSG if the token is empty, too long or not
 * printable ASCII in one line (RFC 6750), -ENOKEY if the client's key has a pass phrase (RFC 1421, 7468). */
int secret_files_refresh(SecretFiles *secrets, SecretFault *ret_fault);

/* The token, white space around it removed; NULL if none is used. Valid until the next refresh. */
const char *secret_files_get_token(const SecretFiles *secrets);
