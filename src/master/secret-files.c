#include "master/secret-files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "util/fd-util.h"
#include "util/macro.h"
#include "util/text.h"

typedef enum SecretFileKind {
        SECRET_TOKEN,
        SECRET_CLIENT_CERT,
        SECRET_CLIENT_KEY,
        SECRET_CA,
        _SECRET_FILE_MAX,
} SecretFileKind;

struct SecretFiles {
        char *paths[_SECRET_FILE_MAX];
        struct stat stamps[_SECRET_FILE_MAX];
        bool was_looked_at;
        bool is_changed; /* until it was said */
        char *token;
};

static const char *const what_it_is[_SECRET_FILE_MAX] = {
        [SECRET_TOKEN] = "the token file",
        [SECRET_CLIENT_CERT] = "the client certificate",
        [SECRET_CLIENT_KEY] = "the client key",
        [SECRET_CA] = "the CA bundle",
};

static char *token_free(char *token) {
        if (token)
                explicit_bzero(token, strlen(token));
        free(token);
        return NULL;
}

DEFINE_CLEANUP(char *, token_free)

int secret_files_new(const char *token_file, const char *client_cert_file, const char *client_key_file,
                const char *ca_file, SecretFiles **ret) {
        const char *paths[_SECRET_FILE_MAX] = {
                [SECRET_TOKEN] = token_file,
                [SECRET_CLIENT_CERT] = client_cert_file,
                [SECRET_CLIENT_KEY] = client_key_file,
                [SECRET_CA] = ca_file,
        };
        SecretFiles *secrets;

        assert(ret);

        secrets = calloc(1, sizeof *secrets);
        if (!secrets)
                return -ENOMEM;

        for (SecretFileKind kind = 0; kind < _SECRET_FILE_MAX; kind++)
                if (text_duplicate(paths[kind], &secrets->paths[kind]) < 0) {
                        secret_files_free(secrets);
                        return -ENOMEM;
                }

        *ret = secrets;
        return 0;
}

SecretFiles *secret_files_free(SecretFiles *secrets) {
        if (!secrets)
                return NULL;

        for (SecretFileKind kind = 0; kind < _SECRET_FILE_MAX; kind++)
                free(secrets->paths[kind]);
        token_free(secrets->token);
        free(secrets);
        return NULL;
}

static bool is_same_content(const struct stat *a, const struct stat *b) {
        return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
               a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
               a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* The characters of a bearer token are printable ASCII without space: anything else would break the
 * header line. */
static int token_trim(char *token, size_t size) {
        static const char white_space[] = " \t\r\n";
        size_t start = strspn(token, white_space), length;

        length = strlen(token + start);
        while (length > 0 && strchr(white_space, token[start + length - 1]))
                length--;
        if (length == 0 || strlen(token) != size)
                return -EBADMSG;

        for (size_t i = start; i < start + length; i++)
                if (token[i] <= 0x20 || token[i] >= 0x7F)
                        return -EBADMSG;

        memmove(token, token + start, length);
        memset(token + length, 0, size - length);
        return 0;
}

/* A path that the administrator wrote may well be a link (Kubernetes mounts secrets so). */
static int secret_open(const char *path) {
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

        return fd < 0 ? -errno : fd;
}

/* libcurl opens the certificates itself, and would wait for the other end of a FIFO. */
static int secret_stat(const char *path, struct stat *ret) {
        _cleanup_close_ int fd = secret_open(path);

        if (fd < 0)
                return fd;
        if (fstat(fd, ret) < 0)
                return -errno;
        return S_ISREG(ret->st_mode) ? 0 : -EINVAL;
}

static int secret_read(const char *path, size_t max, char **ret, size_t *ret_size) {
        _cleanup_close_ int fd = secret_open(path);

        return fd < 0 ? fd : fd_read_all(fd, max, ret, ret_size);
}

/* Both forms of a PEM key that has a pass phrase have this word in their head. libcurl would only say that
 * the key cannot be set. */
static int key_check(const char *path) {
        char *text;
        size_t size;
        int r;

        r = secret_read(path, KEY_SIZE_MAX, &text, &size);
        if (r < 0)
                return r;

        r = memmem(text, size, "ENCRYPTED", strlen("ENCRYPTED")) ? -ENOKEY : 0;
        explicit_bzero(text, size);
        free(text);
        return r;
}

static int token_read(const char *path, char **ret) {
        _cleanup_(token_free_pointer) char *token = NULL;
        size_t size;
        int r;

        r = secret_read(path, TOKEN_SIZE_MAX, &token, &size);
        if (r < 0)
                return r == -EFBIG ? -EBADMSG : r;
        r = token_trim(token, size);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(token);
        return 0;
}

static const char *fault_reason(int error) {
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

/* Also the key is read each time: what has been found wrong of it is said again. */
static int secret_files_look(SecretFiles *secrets, SecretFileKind *ret_kind) {
        int r;

        for (SecretFileKind kind = 0; kind < _SECRET_FILE_MAX; kind++) {
                struct stat now;

                if (!secrets->paths[kind])
                        continue;

                *ret_kind = kind;
                r = secret_stat(secrets->paths[kind], &now);
                if (r >= 0 && kind == SECRET_CLIENT_KEY)
                        r = key_check(secrets->paths[kind]);
                if (r < 0)
                        return r;

                /* The token is compared by content: it is read each time. */
                if (kind != SECRET_TOKEN && !is_same_content(&now, &secrets->stamps[kind]))
                        secrets->is_changed = true;
                secrets->stamps[kind] = now;
        }

        if (secrets->paths[SECRET_TOKEN]) {
                _cleanup_(token_free_pointer) char *token = NULL;

                *ret_kind = SECRET_TOKEN;
                r = token_read(secrets->paths[SECRET_TOKEN], &token);
                if (r < 0)
                        return r;
                if (!streq_or_null(token, secrets->token)) {
                        secrets->is_changed = true;
                        token_free(secrets->token);
                        secrets->token = TAKE_PTR(token);
                }
        }

        return 0;
}

int secret_files_refresh(SecretFiles *secrets, SecretFault *ret_fault) {
        SecretFileKind kind = SECRET_TOKEN;
        int r;

        assert(secrets);
        assert(ret_fault);

        r = secret_files_look(secrets, &kind);
        if (r < 0) {
                *ret_fault = (SecretFault){ what_it_is[kind], secrets->paths[kind], fault_reason(r) };
                return r;
        }

        r = secrets->was_looked_at && secrets->is_changed;
        secrets->was_looked_at = true;
        secrets->is_changed = false;
        return r;
}

const char *secret_files_get_token(const SecretFiles *secrets) {
        assert(secrets);

        return secrets->token;
}
