/* SPDX-License-Identifier: MIT */
/* Proxies of the environment, shown without their credentials. */
#include "master/proxy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "master/master.h"
#include "util/macro.h"

static const char *const variables[] = { "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
        "ALL_PROXY", "HTTP_PROXY", "no_proxy", "NO_PROXY" };

static void clear_environment(void) {
        for (size_t v = 0; v < ELEMENTSOF(variables); v++)
                (void) unsetenv(variables[v]);
}

static Endpoint read_endpoint(const char *url) {
        Endpoint endpoint;
        const char *reason;

        assert_int_equal(endpoint_parse(url, &endpoint, &reason), 0);
        return endpoint;
}

static void test_proxies(void **state _unused_) {
        static const struct {
                const char *variable, *value;
                bool is_tls;
                const char *shown; /* NULL: none is used */
        } cases[] = {
                { "http_proxy", "http://proxy.example:3128", false, "http://proxy.example:3128/" },
                { "http_proxy", "proxy.example:3128", false, "http://proxy.example:3128/" },
                { "http_proxy", "http://user:s3cret@proxy.example:3128/", false,
                                "http://proxy.example:3128/" },
                { "http_proxy", "user:s3cret@proxy.example", false, "http://proxy.example/" },
                { "http_proxy", "http://proxy.example:3128", true, NULL },
                { "HTTP_PROXY", "http://proxy.example:3128", false, NULL },
                { "https_proxy", "socks5h://u:s3cret@[::1]:1080", true, "socks5h://[::1]:1080/" },
                { "HTTPS_PROXY", "http://proxy.example", true, "http://proxy.example/" },
                { "all_proxy", "http://proxy.example", true, "http://proxy.example/" },
                { "ALL_PROXY", "http://proxy.example", false, "http://proxy.example/" },
                { "http_proxy", "", false, NULL },
                { "http_proxy", "http://user:1/s3cret@proxy.example", false, "http://user:1/" },
                { "http_proxy", "http://proxy.example:1/?token=s3cret#s3cret", false,
                                "http://proxy.example:1/" },
                { "http_proxy", "http://s3cret@\x1b[31m", false, "(not a valid address)" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Endpoint endpoint = read_endpoint(
                                cases[i].is_tls ? "https://master.example" : "http://master.example");
                _cleanup_free_ char *words = NULL;
                const char *unmatched = "";
                char expected[128];

                clear_environment();
                (void) setenv(cases[i].variable, cases[i].value, 1);

                assert_int_equal(master_find_proxy(&endpoint, &words, &unmatched), cases[i].shown ? 1 : 0);
                if (cases[i].shown) {
                        (void) snprintf(expected, sizeof expected, "%s (from %s)", cases[i].shown,
                                        cases[i].variable);
                        assert_string_equal(words, expected);
                        assert_null(unmatched);
                }
                endpoint_done(&endpoint);
        }
}

/* What this libcurl makes of them. The proxy cannot even be resolved: nobody asks it. */
static void test_exceptions(void **state _unused_) {
        static const struct {
                const char *host, *no_proxy;
                bool is_excepted;
                unsigned since; /* of libcurl */
        } cases[] = {
                { "10.77.0.1", "10.77.0.1", true, 0 },
                { "10.77.0.1", "a,10.77.0.1", true, 0 },
                { "10.77.0.1", "*", true, 0 },
                { "10.77.0.1", "10.77.*", false, 0 },
                { "10.77.0.1", "10.77.", false, 0 },
                { "10.77.0.1", "10.77.0.1:3000", false, 0 },
                { "10.77.0.1", "\"10.77.0.1\"", false, 0 },
                { "10.77.0.1", "10.77.0.0/16", true, 0x075600 },
                { "master.example", "example", true, 0 },
                { "master.example", ".example", true, 0 },
                { "master.example", "*.example", false, 0 },
                { "master.example", "master.example:3000", false, 0 },
                { "master.example", "other.example", false, 0 },
                { "master.example.", "other.example", false, 0 },
                { "[fd00::1]", "fd00::1", true, 0 },
                { "[fd00::1]", "[fd00::1]:3000", false, 0 },
        };
        unsigned version = curl_version_info(CURLVERSION_NOW)->version_num;

        for (size_t i = 0; i < 2 * ELEMENTSOF(cases); i++) {
                const char *no_proxy = cases[i / 2].no_proxy, *name = i % 2 ? "NO_PROXY" : "no_proxy";
                bool is_excepted = cases[i / 2].is_excepted && version >= cases[i / 2].since;
                _cleanup_free_ char *words = NULL;
                const char *unmatched;
                char url[64];
                Endpoint endpoint;

                (void) snprintf(url, sizeof url, "http://%s:3000", cases[i / 2].host);
                endpoint = read_endpoint(url);
                clear_environment();
                (void) setenv("http_proxy", "http://proxy.invalid:3128", 1);
                (void) setenv(name, no_proxy, 1);

                if (master_find_proxy(&endpoint, &words, &unmatched) != !is_excepted)
                        fail_msg("%s: %s=%s", url, name, no_proxy);
                if (!is_excepted)
                        assert_string_equal(unmatched, name);
                endpoint_done(&endpoint);
        }
}

static void test_capitals(void **state _unused_) {
        Endpoint plain = read_endpoint("http://a"), tls = read_endpoint("https://a");

        clear_environment();
        assert_false(master_ignores_proxy(&plain));
        (void) setenv("HTTP_PROXY", "http://proxy:3128", 1);
        assert_true(master_ignores_proxy(&plain));
        assert_false(master_ignores_proxy(&tls));
        (void) setenv("http_proxy", "http://proxy:3128", 1);
        assert_false(master_ignores_proxy(&plain));
        endpoint_done(&plain);
        endpoint_done(&tls);
}

static void test_quoted(void **state _unused_) {
        clear_environment();
        assert_null(proxy_quoted("Unsupported proxy syntax in 'http://user:s3cret@pw@h'"));

        (void) setenv("https_proxy", "http://user:s3cret@pw@h", 1);
        assert_string_equal(proxy_quoted("Unsupported proxy syntax in 'http://user:s3cret@pw@h'"),
                        "https_proxy");
        assert_string_equal(proxy_quoted("Unsupported proxy syntax in 'http://user:s3cr"), "https_proxy");
        assert_null(proxy_quoted("Connection refused"));
        assert_null(proxy_quoted(""));

        /* Without an @ there may be a password as well. */
        (void) setenv("http_proxy", "alice:s3cretpassword:proxy:3128", 1);
        assert_string_equal(proxy_quoted("Unsupported proxy syntax in 'alice:s3cretpassword:proxy:3128': x"),
                        "http_proxy");
        (void) setenv("http_proxy", "foo://alice:s3cret%40proxy", 1);
        assert_string_equal(proxy_quoted("Unsupported proxy scheme for 'foo://alice:s3cret%40proxy'"),
                        "http_proxy");

        /* Words that happen to be in the address are not the address. */
        (void) setenv("http_proxy", "http://argus-proxy:pw@argus-proxy.corp:3128", 1);
        assert_null(proxy_quoted("Could not resolve proxy: argus-proxy.corp"));
        (void) setenv("http_proxy", "proxy", 1);
        assert_null(proxy_quoted("Could not resolve proxy: proxy"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_proxies),
                cmocka_unit_test(test_exceptions),
                cmocka_unit_test(test_capitals),
                cmocka_unit_test(test_quoted),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
