/* Proxies of the environment, shown without their credentials. */
#include "sys/proxy-info.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/macro.h"

static const char *const variables[] = { "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
        "ALL_PROXY", "HTTP_PROXY" };

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
                _cleanup_free_ char *url = NULL;
                const char *variable = NULL;

                for (size_t v = 0; v < ELEMENTSOF(variables); v++)
                        (void) unsetenv(variables[v]);
                (void) setenv(cases[i].variable, cases[i].value, 1);

                assert_int_equal(proxy_info_find(cases[i].is_tls, &variable, &url), cases[i].shown ? 1 : 0);
                if (!cases[i].shown)
                        continue;
                assert_string_equal(variable, cases[i].variable);
                assert_string_equal(url, cases[i].shown);
                assert_null(strstr(url, "s3cret"));
        }
}

static void test_quoted(void **state _unused_) {
        for (size_t v = 0; v < ELEMENTSOF(variables); v++)
                (void) unsetenv(variables[v]);
        assert_null(proxy_info_quoted("Unsupported proxy syntax in 'http://user:s3cret@pw@h'"));

        (void) setenv("https_proxy", "http://user:s3cret@pw@h", 1);
        assert_string_equal(proxy_info_quoted("Unsupported proxy syntax in 'http://user:s3cret@pw@h'"),
                        "https_proxy");
        assert_string_equal(
                        proxy_info_quoted("Unsupported proxy syntax in 'http://user:s3cr"), "https_proxy");
        assert_null(proxy_info_quoted("Connection refused"));
        assert_null(proxy_info_quoted(""));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_proxies),
                cmocka_unit_test(test_quoted),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
