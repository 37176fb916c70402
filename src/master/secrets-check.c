/* SPDX-License-Identifier: MIT */
/* Whether the secrets could be used: each file is looked at, and TLS is given them as for a connection. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#ifdef HAVE_MBEDTLS
#        include <mbedtls/pk.h>
#        include <mbedtls/x509_crt.h>
#endif

#include "master/master.h"
#include "master/secrets.h"
#include "util/fd-util.h"
#include "util/text.h"

enum { CHECK_TIMEOUT_MSEC = 5000 };

typedef struct Probe {
        int listen_fd;
        bool is_loaded; /* certificate and key */
        char error[CURL_ERROR_SIZE];
} Probe;

/* Our own socket on loopback, which the kernel connects without our help: libcurl loads these files only for
 * a connection. */
static int probe_listen(Probe *probe, char *url, size_t url_size) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof address;

        probe->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (probe->listen_fd < 0 || bind(probe->listen_fd, (struct sockaddr *) &address, size) < 0 ||
                        listen(probe->listen_fd, 1) < 0 ||
                        getsockname(probe->listen_fd, (struct sockaddr *) &address, &size) < 0)
                return -errno;

        (void) snprintf(url, url_size, "https://127.0.0.1:%u/", (unsigned) ntohs(address.sin_port));
        return 0;
}

/* The certificate and the key are loaded, the CA before or just after this (7.88). The peer is reset, so
 * that the handshake ends at once. */
static CURLcode on_context(CURL *easy _unused_, void *context _unused_, void *userdata) {
        Probe *probe = userdata;

        probe->is_loaded = true;
        probe->listen_fd = close_fd(probe->listen_fd);
        return CURLE_OK;
}

static CURLcode probe_connect(Probe *probe, CURL *easy, const char *url, const Secrets *secrets) {
        CURLcode code = secrets_apply(secrets, easy);

        SET_OPTION(code, easy, CURLOPT_URL, url);
        SET_OPTION(code, easy, CURLOPT_PROXY, "");
        SET_OPTION(code, easy, CURLOPT_CONNECT_ONLY, 1L);
        SET_OPTION(code, easy, CURLOPT_NOSIGNAL, 1L);
        SET_OPTION(code, easy, CURLOPT_TIMEOUT_MS, (long) CHECK_TIMEOUT_MSEC);
        SET_OPTION(code, easy, CURLOPT_ERRORBUFFER, probe->error);
        SET_OPTION(code, easy, CURLOPT_SSL_CTX_FUNCTION, on_context);
        SET_OPTION(code, easy, CURLOPT_SSL_CTX_DATA, probe);
        if (code != CURLE_OK)
                return code == CURLE_OUT_OF_MEMORY ? code : CURLE_NOT_BUILT_IN;

        return curl_easy_perform(easy);
}

#ifdef HAVE_MBEDTLS
static int random_bytes(void *userdata _unused_, unsigned char *data, size_t size) {
        return getrandom(data, size, 0) == (ssize_t) size ? 0 : -1;
}

/* Only mbedTLS loads a key that does not match the certificate. */
static bool is_pair(const char *cert_file, const char *key_file) {
        mbedtls_x509_crt cert;
        mbedtls_pk_context key;
        bool fits;

        mbedtls_x509_crt_init(&cert);
        mbedtls_pk_init(&key);
        fits = mbedtls_x509_crt_parse_file(&cert, cert_file) == 0 &&
               mbedtls_pk_parse_keyfile(&key, key_file, "", random_bytes, NULL) == 0 &&
               mbedtls_pk_check_pair(&cert.pk, &key, random_bytes, NULL) == 0;
        mbedtls_pk_free(&key);
        mbedtls_x509_crt_free(&cert);
        return fits;
}
#else
static bool is_pair(const char *cert_file _unused_, const char *key_file _unused_) {
        return true; /* OpenSSL has looked */
}
#endif

/* Returns 0 if TLS takes the files; -EBADMSG with words, which the caller frees, if not; or another negative
 * errno if it could not be tried. */
static int probe_judge(const Probe *probe, CURLcode code, const Secrets *secrets, char **ret_words) {
        const char *cert = secrets->paths[SECRET_CERT], *key = secrets->paths[SECRET_KEY];
        const char *ca = secrets->paths[SECRET_CA];
        const char *words = probe->error[0] ? probe->error : curl_easy_strerror(code);
        int r;

        switch (code) {
        case CURLE_OUT_OF_MEMORY:
                return -ENOMEM;
        case CURLE_NOT_BUILT_IN:
                return -EOPNOTSUPP;
        case CURLE_COULDNT_CONNECT:
                return -ENETUNREACH;
        case CURLE_SSL_CACERT_BADFILE: /* libcurl's words, if any, are about the connection */
                if (ca)
                        r = asprintf(ret_words, "the CA bundle %s: no certificates in PEM form in it", ca);
                else
                        r = text_duplicate(
                                        "the system's CA certificates: none found; install ca-certificates",
                                        ret_words);
                break;
        default:
                if (probe->is_loaded && (!cert || is_pair(cert, key)))
                        return 0;
                if (probe->is_loaded)
                        words = "the key does not match the certificate";
                r = asprintf(ret_words,
                                "the client certificate %s with the key %s: %s; expected a pair in PEM form",
                                strempty(cert), strempty(key), words);
        }

        return r < 0 ? -ENOMEM : -EBADMSG;
}

/* Sends nothing to anyone. Returns as probe_judge(). */
static int check_tls(const Secrets *secrets, char **ret_words) {
        Probe probe = { .listen_fd = -1 };
        char url[64];
        CURL *easy;
        int r;

        r = probe_listen(&probe, url, sizeof url);
        if (r >= 0) {
                easy = curl_easy_init();
                r = easy ? probe_judge(&probe, probe_connect(&probe, easy, url, secrets), secrets, ret_words)
                         : -ENOMEM;
                curl_easy_cleanup(easy);
        }

        close_fd(probe.listen_fd);
        return r;
}

/* One file at a time, so that each unusable one is named; if all can be read, TLS is given them together. */
int master_check_secrets(const Config *config, MasterFaultCallback *tell) {
        bool has_tls = false, is_wrong = false;
        Secrets all;

        secrets_init(&all, config);
        for (size_t i = 0; i < config->n_endpoints; i++)
                has_tls = has_tls || config->endpoints[i].is_tls;

        for (SecretKind kind = 0; kind <= _SECRET_MAX; kind++) {
                bool is_file = kind < _SECRET_MAX;
                _cleanup_(secrets_done) Secrets one = {};
                _cleanup_free_ char *words = NULL;
                int r;

                if (!is_file && (is_wrong || !has_tls))
                        break;
                if (is_file)
                        one.paths[kind] = all.paths[kind];
                r = is_file ? secrets_refresh(&one, &words) : check_tls(&all, &words);
                if (r == -ENOMEM || (is_file && r < 0 && !words))
                        return -ENOMEM;
                if (r < 0)
                        tell(is_file || !words ? -r : 0, words);
                is_wrong = is_wrong || words;
        }
        return is_wrong ? -EINVAL : 0;
}
