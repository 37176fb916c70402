/* SPDX-License-Identifier: MIT */
#include "master/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "util/fd-util.h"
#include "util/macro.h"
#include "util/text.h"

#define WHITE_SPACE " \t\r\n"

static void wipe(char **text) {
        if (*text)
                explicit_bzero(*text, strlen(*text));
        free(*text);
        *text = NULL;
}

/* ---- the look ---- */

/* The characters of a bearer token are printable ASCII without space: anything else would break the
 * header line. */
static int read_token(Secrets *secrets, int fd) {
        _cleanup_(wipe) char *text = NULL;
        char *begin, *end;
        size_t size;
        int r;

        r = fd_read_all(fd, TOKEN_SIZE_MAX, &text, &size);
        if (r < 0)
                return r == -EFBIG ? -EBADMSG : r;

        begin = text + strspn(text, WHITE_SPACE);
        for (end = begin; *end > ' ' && *end < 0x7F; end++)
                ;
        if (end == begin || end + strspn(end, WHITE_SPACE) != text + size)
                return -EBADMSG;

        *end = '\0';
        if (streq_or_null(secrets->token, begin))
                return 0;
        memmove(text, begin, (size_t) (end - begin) + 1);
        memset(text + (end - begin), 0, (size_t) (begin - text)); /* what is left of it behind its new end */
        wipe(&secrets->token);
        secrets->token = TAKE_PTR(text);
        secrets->is_changed = true;
        return 0;
}

/* Both forms of a PEM key that has a pass phrase have this word in their head. libcurl would only say that
 * the key cannot be set. */
static int check_key(int fd) {
        _cleanup_(wipe) char *text = NULL;
        size_t size;
        int r;

        r = fd_read_all(fd, KEY_SIZE_MAX, &text, &size);
        if (r < 0)
                return r;
        return memmem(text, size, "ENCRYPTED", strlen("ENCRYPTED")) ? -ENOKEY : 0;
}

static bool is_same_content(const struct stat *a, const struct stat *b) {
        return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
               memcmp(&a->st_mtim, &b->st_mtim, sizeof a->st_mtim) == 0 &&
               memcmp(&a->st_ctim, &b->st_ctim, sizeof a->st_ctim) == 0;
}

/* Each is opened, since libcurl would wait for the other end of a FIFO. A path that the administrator wrote
 * may well be a link (Kubernetes mounts secrets so). */
static int look_at(Secrets *secrets, SecretKind kind) {
        _cleanup_close_ int fd = open(secrets->paths[kind], O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        struct stat now;
        int r;

        if (fd < 0 || fstat(fd, &now) < 0)
                return -errno;
        if (!S_ISREG(now.st_mode))
                return -EINVAL;
        if (kind == SECRET_TOKEN) /* compared by content */
                return read_token(secrets, fd);

        r = kind == SECRET_KEY ? check_key(fd) : 0;
        if (r >= 0 && !is_same_content(&now, &secrets->stamps[kind])) {
                secrets->stamps[kind] = now;
                secrets->is_changed = true;
        }
        return r;
}

static const char *reason_of(int error) {
        switch (error) {
        case -EBADMSG:
                return "contains no token; expected one line of printable ASCII, at most 16 KiB";
        case -EINVAL:
                return "not a regular file";
        case -ENOKEY:
                return "has a pass phrase, and there is nobody to ask for it; expected a key without one";
        case -EACCES:
                return "Permission denied; the agent's user must be able to read it";
        default:
                return strerror(-error);
        }
}

int secrets_refresh(Secrets *secrets, char **ret_fault) {
        static const char *const names[_SECRET_MAX] = {
                [SECRET_TOKEN] = "the token file",
                [SECRET_CERT] = "the client certificate",
                [SECRET_KEY] = "the client key",
                [SECRET_CA] = "the CA bundle",
        };
        int r;

        assert(secrets);
        assert(ret_fault);

        for (SecretKind kind = 0; kind < _SECRET_MAX; kind++) {
                r = secrets->paths[kind] ? look_at(secrets, kind) : 0;
                if (r >= 0)
                        continue;
                if (asprintf(ret_fault, "%s %.512s: %s", names[kind], secrets->paths[kind], reason_of(r)) <
                                0)
                        *ret_fault = NULL;
                return r;
        }

        r = secrets->was_looked_at && secrets->is_changed;
        secrets->was_looked_at = true;
        secrets->is_changed = false;
        return r;
}

void secrets_done(Secrets *secrets) {
        wipe(&secrets->token);
}

/* ---- what libcurl is given ---- */

/* A libcurl that was built for any distribution has no CA certificates built in. */
static bool libcurl_has_store(void) {
#if LIBCURL_VERSION_NUM >= 0x075400
        const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);

        return info->age < CURLVERSION_TENTH || info->cainfo || info->capath;
#else
        return true;
#endif
}

const char *ca_store_find(void) {
        /* What the distributions' own libcurl have built in. */
        static const char *const stores[] = {
                "/etc/ssl/certs/ca-certificates.crt",                /* Debian, Ubuntu, Arch */
                "/etc/pki/tls/certs/ca-bundle.crt",                  /* RHEL, Fedora */
                "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* Fedora from 43 on */
                "/etc/ssl/ca-bundle.pem",                            /* SUSE */
                "/etc/ssl/cert.pem",                                 /* Alpine */
        };
        static int has_store = -1; /* curl_version_info() composes texts at each call */

        if (has_store < 0)
                has_store = libcurl_has_store();
        for (size_t i = 0; !has_store && i < ELEMENTSOF(stores); i++)
                if (access(stores[i], R_OK) == 0)
                        return stores[i];
        return NULL;
}

CURLcode secrets_apply(const Secrets *secrets, CURL *easy) {
        const char *ca = secrets->paths[SECRET_CA] ? secrets->paths[SECRET_CA] : ca_store_find();
        const char *cert = secrets->paths[SECRET_CERT];
        CURLcode code = CURLE_OK;

        SET_OPTION(code, easy, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
        if (ca) {
                SET_OPTION(code, easy, CURLOPT_CAINFO, ca);
                SET_OPTION(code, easy, CURLOPT_CAPATH, NULL);
        }
        if (cert) {
                SET_OPTION(code, easy, CURLOPT_SSLCERT, cert);
                SET_OPTION(code, easy, CURLOPT_SSLKEY, secrets->paths[SECRET_KEY]);
                SET_OPTION(code, easy, CURLOPT_KEYPASSWD,
                                ""); /* else OpenSSL asks on the terminal, and waits */
        }
        return code;
}
