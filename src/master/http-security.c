#include "master/http-security.h"

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

#include "util/fd-util.h"
#include "util/macro.h"
#include "util/text.h"

enum {
        CHECK_TIMEOUT_MSEC = 5000,
};

/* The first failure stays; each is out of memory or an option that this libcurl lacks. */
#define SET(option, value)                                                                                  \
        if (code == CURLE_OK)                                                                               \
        code = curl_easy_setopt(easy, option, value)

CURLcode http_security_apply(CURL *easy, const HttpSecurity *security) {
        CURLcode code = CURLE_OK;

        SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
        if (security->is_direct)
                SET(CURLOPT_PROXY, "");
        if (security->ca_file) {
                SET(CURLOPT_CAINFO, security->ca_file);
                SET(CURLOPT_CAPATH, NULL);
        }
        if (security->client_cert_file) {
                SET(CURLOPT_SSLCERT, security->client_cert_file);
                SET(CURLOPT_SSLKEY, security->client_key_file);
                SET(CURLOPT_KEYPASSWD, ""); /* else OpenSSL asks for it on the terminal, and waits */
        }

        return code;
}

/* ---- the check ---- */

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

static CURLcode probe_connect(Probe *probe, CURL *easy, const char *url, const HttpSecurity *security) {
        CURLcode code = http_security_apply(easy, security);

        SET(CURLOPT_URL, url);
        SET(CURLOPT_PROXY, "");
        SET(CURLOPT_CONNECT_ONLY, 1L);
        SET(CURLOPT_NOSIGNAL, 1L);
        SET(CURLOPT_TIMEOUT_MS, (long) CHECK_TIMEOUT_MSEC);
        SET(CURLOPT_ERRORBUFFER, probe->error);
        SET(CURLOPT_SSL_CTX_FUNCTION, on_context);
        SET(CURLOPT_SSL_CTX_DATA, probe);
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

/* Returns as http_security_check(). */
static int probe_judge(const Probe *probe, CURLcode code, const HttpSecurity *security, char **ret_words) {
        const char *cert = security->client_cert_file, *key = security->client_key_file;
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
                r = security->ca_file
                                    ? asprintf(ret_words,
                                                      "the CA bundle %s: no certificates in PEM form in it",
                                                      security->ca_file)
                                    : asprintf(ret_words,
                                                      "the system's CA certificates: none found; install ca-certificates");
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

int http_security_check(const HttpSecurity *security, char **ret_words) {
        Probe probe = { .listen_fd = -1 };
        char url[64];
        CURL *easy;
        int r;

        r = probe_listen(&probe, url, sizeof url);
        if (r >= 0) {
                easy = curl_easy_init();
                r = easy ? probe_judge(&probe, probe_connect(&probe, easy, url, security), security,
                                           ret_words)
                         : -ENOMEM;
                curl_easy_cleanup(easy);
        }

        close_fd(probe.listen_fd);
        return r;
}
