/* SPDX-License-Identifier: MIT */
/* Secret files that are read, replaced, lost and wrong. */
#include "master/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/fd-util.h"
#include "util/macro.h"

static char directory[] = "/tmp/argus-secret-files-XXXXXX";

static const char *path_of(const char *name) {
        static char paths[8][128];
        static unsigned next;
        char *path = paths[next++ % ELEMENTSOF(paths)];

        (void) snprintf(path, sizeof paths[0], "%s/%s", directory, name);
        return path;
}

static void write_file(const char *name, const void *data, size_t size) {
        char temporary[160];
        int fd;

        (void) snprintf(temporary, sizeof temporary, "%s.new", path_of(name));
        fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(fd_write_all(fd, data, size), 0);
        (void) close(fd);
        assert_int_equal(rename(temporary, path_of(name)), 0);
}

static void write_text(const char *name, const char *text) {
        write_file(name, text, strlen(text));
}

static void secrets_of(
                Secrets *secrets, const char *token, const char *cert, const char *key, const char *ca) {
        secrets_init(secrets, &(Config){
                                              .token_file = (char *) token,
                                              .client_cert_file = (char *) cert,
                                              .client_key_file = (char *) key,
                                              .ca_file = (char *) ca,
                              });
}

static char fault[256]; /* of the last refresh() that failed */

static int refresh(Secrets *secrets) {
        _cleanup_free_ char *words = NULL;
        int r;

        r = secrets_refresh(secrets, &words);
        assert_int_equal(!words, r >= 0);
        if (words)
                (void) snprintf(fault, sizeof fault, "%s", words);
        return r;
}

static void test_token(void **state _unused_) {
        Secrets secrets = {};

        write_text("token", " abc.DEF-123_~+/= \r\n");
        secrets_of(&secrets, path_of("token"), NULL, NULL, NULL);
        assert_int_equal(refresh(&secrets), 0);
        assert_string_equal(secrets.token, "abc.DEF-123_~+/=");
        assert_int_equal(refresh(&secrets), 0);

        /* White space is no other token. */
        write_text("token", "abc.DEF-123_~+/=");
        assert_int_equal(refresh(&secrets), 0);
        write_text("token", "other");
        assert_int_equal(refresh(&secrets), 1);
        assert_string_equal(secrets.token, "other");
        assert_int_equal(refresh(&secrets), 0);
        secrets_done(&secrets);
}

static void test_wrong_token(void **state _unused_) {
        static char large[TOKEN_SIZE_MAX + 1];
        static const struct {
                const char *text;
                size_t size;
        } cases[] = {
                { "", 0 },
                { " \n", 2 },
                { "two words", 9 },
                { "a\nX-Injected: 1", 15 },
                { "a\0b", 3 },
                { "caf\xC3\xA9", 5 },
                { "\x7F", 1 },
                { large, sizeof large },
        };

        memset(large, 'x', sizeof large);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Secrets secrets = {};

                write_file("token", cases[i].text, cases[i].size);
                secrets_of(&secrets, path_of("token"), NULL, NULL, NULL);
                assert_int_equal(refresh(&secrets), -EBADMSG);
                assert_non_null(strstr(fault, "the token file"));
                assert_non_null(strstr(fault, path_of("token")));
                assert_null(secrets.token);
                secrets_done(&secrets);
        }
}

static void test_certificates(void **state _unused_) {
        Secrets secrets = {};

        write_text("cert", "1");
        write_text("key", "1");
        write_text("ca", "1");
        secrets_of(&secrets, NULL, path_of("cert"), path_of("key"), path_of("ca"));
        assert_int_equal(refresh(&secrets), 0);
        assert_int_equal(refresh(&secrets), 0);
        assert_null(secrets.token);

        write_text("key", "2"); /* of the same size */
        assert_int_equal(refresh(&secrets), 1);
        assert_int_equal(refresh(&secrets), 0);
        write_text("ca", "22");
        assert_int_equal(refresh(&secrets), 1);

        assert_int_equal(unlink(path_of("cert")), 0);
        assert_int_equal(refresh(&secrets), -ENOENT);
        assert_non_null(strstr(fault, path_of("cert")));
        write_text("cert", "1");
        assert_int_equal(refresh(&secrets), 1);
        secrets_done(&secrets);
}

/* OpenSSL would ask on the terminal, or read stdin. */
static void test_key_with_a_pass_phrase(void **state _unused_) {
        static const char *const keys[] = {
                "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIBvTBXBgkq\n-----END ENCRYPTED PRIVATE KEY-----\n",
                "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nMIIB\n",
        };
        Secrets secrets = {};

        write_text("cert", "1");
        secrets_of(&secrets, NULL, path_of("cert"), path_of("key"), NULL);
        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                write_text("key", keys[i]);
                assert_int_equal(refresh(&secrets), -ENOKEY);
                assert_int_equal(refresh(&secrets), -ENOKEY); /* still */
                assert_non_null(strstr(fault, path_of("key")));
                assert_non_null(strstr(fault, "the client key"));
                assert_non_null(strstr(fault, "pass phrase"));
        }

        write_text("key", "-----BEGIN PRIVATE KEY-----\n");
        assert_int_equal(refresh(&secrets), 0);
        secrets_done(&secrets);
}

static void test_fifo_does_not_block(void **state _unused_) {
        Secrets secrets = {};

        assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
        secrets_of(&secrets, path_of("fifo"), NULL, NULL, NULL);
        assert_int_equal(refresh(&secrets), -EINVAL);
        secrets_done(&secrets);

        /* libcurl would open a certificate in a way that blocks. */
        secrets_of(&secrets, NULL, path_of("fifo"), path_of("fifo"), NULL);
        assert_int_equal(refresh(&secrets), -EINVAL);
        secrets_done(&secrets);
}

static void test_a_change_is_said_after_a_failure(void **state _unused_) {
        Secrets secrets = {};

        write_text("token", "one");
        write_text("key", "1");
        secrets_of(&secrets, path_of("token"), path_of("key"), path_of("key"), NULL);
        assert_int_equal(refresh(&secrets), 0);

        write_text("token", "");
        write_text("key", "2");
        assert_int_equal(refresh(&secrets), -EBADMSG);
        write_text("token", "one");
        assert_int_equal(refresh(&secrets), 1);
        assert_int_equal(refresh(&secrets), 0);
        secrets_done(&secrets);
}

static int make_directory(void **state _unused_) {
        return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state _unused_) {
        static const char *const names[] = { "token", "cert", "key", "ca", "fifo" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                (void) unlink(path_of(names[i]));
        return rmdir(directory);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_token),
                cmocka_unit_test(test_wrong_token),
                cmocka_unit_test(test_certificates),
                cmocka_unit_test(test_key_with_a_pass_phrase),
                cmocka_unit_test(test_fifo_does_not_block),
                cmocka_unit_test(test_a_change_is_said_after_a_failure),
        };

        return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
