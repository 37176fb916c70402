/* SPDX-License-Identifier: MIT */
/* The system's CA store for a libcurl that has none built in: both libcurl's word and the files are made
 * up here. */
#include <curl/curl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "master/secrets.h"
#include "util/macro.h"

#if LIBCURL_VERSION_NUM >= 0x075400

static curl_version_info_data version = { .age = CURLVERSION_NOW };
static const char *present[2]; /* the files that there are */

/* In libcurl's place. */
curl_version_info_data *curl_version_info(CURLversion wanted) {
        assert_int_equal(wanted, CURLVERSION_NOW);
        return &version;
}

/* In the C library's place. */
int access(const char *path, int mode) {
        assert_int_equal(mode, R_OK);
        for (size_t i = 0; i < ELEMENTSOF(present); i++)
                if (present[i] && strcmp(present[i], path) == 0)
                        return 0;
        return -1;
}

static void test_none(_unused_ void **state) {
        assert_null(ca_store_find());
}

static void test_first_that_is_there(_unused_ void **state) {
        present[0] = "/etc/pki/tls/certs/ca-bundle.crt";
        assert_string_equal(ca_store_find(), "/etc/pki/tls/certs/ca-bundle.crt");
        present[1] = "/etc/ssl/certs/ca-certificates.crt";
        assert_string_equal(ca_store_find(), "/etc/ssl/certs/ca-certificates.crt");
        /* Packages of CA certificates come and go while an agent runs. */
        present[0] = present[1] = NULL;
        assert_null(ca_store_find());
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_none),
                cmocka_unit_test(test_first_that_is_there),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

/* A libcurl that cannot say whether it has one is a distribution's own, which has. */
static void test_none(_unused_ void **state) {
        assert_null(ca_store_find());
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
