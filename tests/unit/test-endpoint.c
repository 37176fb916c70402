/* SPDX-License-Identifier: MIT */
/* The addresses of the Master: every form that is accepted, and many that are not. */
#include "master/master.h"

#include <errno.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "util/macro.h"
#include "util/text.h"

#include "test-memory.h"

#define LABEL_63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"

static void test_good(void **state _unused_) {
        static const struct {
                const char *text, *url, *host;
                uint16_t port;
                bool is_tls, is_loopback, is_literal;
        } cases[] = {
                { "http://host:3000", "http://host:3000", "host", 3000, false, false, false },
                { "host:3000", "http://host:3000", "host", 3000, false, false, false },
                { "host", "http://host", "host", 80, false, false, false },
                { "host/", "http://host", "host", 80, false, false, false },
                { "https://host", "https://host", "host", 443, true, false, false },
                { "HTTPS://Host.Example/A/b/", "https://host.example/A/b", "host.example", 443, true, false,
                                false },
                { "http://host:3000///", "http://host:3000", "host", 3000, false, false, false },
                { "host:3000/argus/v0", "http://host:3000/argus/v0", "host", 3000, false, false, false },
                { "http://host:80", "http://host:80", "host", 80, false, false, false },
                { "http://host:0080", "http://host:80", "host", 80, false, false, false },
                { "http://host:65535", "http://host:65535", "host", 65535, false, false, false },
                { "host/a%20b/~c;d=1,!$&'()*+:", "http://host/a%20b/~c;d=1,!$&'()*+:", "host", 80, false,
                                false, false },
                { "argus_master:3000", "http://argus_master:3000", "argus_master", 3000, false, false,
                                false },
                { "host.example.", "http://host.example.", "host.example.", 80, false, false, false },
                { "1and1.example", "http://1and1.example", "1and1.example", 80, false, false, false },
                { "10.0.0.5.example", "http://10.0.0.5.example", "10.0.0.5.example", 80, false, false,
                                false },
                { LABEL_63 ".x", "http://" LABEL_63 ".x", LABEL_63 ".x", 80, false, false, false },
                { "0xcafe-bar", "http://0xcafe-bar", "0xcafe-bar", 80, false, false, false },
                { "a.0x1g", "http://a.0x1g", "a.0x1g", 80, false, false, false },
                { "localhost:3000", "http://localhost:3000", "localhost", 3000, false, true, false },
                { "LocalHost", "http://localhost", "localhost", 80, false, true, false },
                { "localhost.example", "http://localhost.example", "localhost.example", 80, false, false,
                                false },
                { "notlocalhost", "http://notlocalhost", "notlocalhost", 80, false, false, false },
                { "http://[fe80::1%25eth0]:3000", "http://[fe80::1%25eth0]:3000", "fe80::1%eth0", 3000,
                                false, false, true },
                { "https://[FE80:0::1%25wlp0s20.100]/a%25b", "https://[fe80::1%25wlp0s20.100]/a%25b",
                                "fe80::1%wlp0s20.100", 443, true, false, true },
                { "[fe80::1%252]", "http://[fe80::1%252]", "fe80::1%2", 80, false, false, true },
                { "[fe80::1]", "http://[fe80::1]", "fe80::1", 80, false, false, true },
                { "10.0.0.5:3000", "http://10.0.0.5:3000", "10.0.0.5", 3000, false, false, true },
                { "127.0.0.1", "http://127.0.0.1", "127.0.0.1", 80, false, true, true },
                { "https://127.255.3.4/x", "https://127.255.3.4/x", "127.255.3.4", 443, true, true, true },
                { "128.0.0.1", "http://128.0.0.1", "128.0.0.1", 80, false, false, true },
                { "0.0.0.0:1", "http://0.0.0.0:1", "0.0.0.0", 1, false, false, true },
                { "127.0.0.1.example", "http://127.0.0.1.example", "127.0.0.1.example", 80, false, false,
                                false },
                { "[::1]:3000", "http://[::1]:3000", "::1", 3000, false, true, true },
                { "[::1]", "http://[::1]", "::1", 80, false, true, true },
                { "[::1]/p", "http://[::1]/p", "::1", 80, false, true, true },
                { "https://[FD00:0:0::0005]:8443/p", "https://[fd00::5]:8443/p", "fd00::5", 8443, true,
                                false, true },
                { "[0:0:0:0:0:0:0:1]:3000", "http://[::1]:3000", "::1", 3000, false, true, true },
                { "[::ffff:127.0.0.1]", "http://[::ffff:127.0.0.1]", "::ffff:127.0.0.1", 80, false, true,
                                true },
                { "[::ffff:10.0.0.1]", "http://[::ffff:10.0.0.1]", "::ffff:10.0.0.1", 80, false, false,
                                true },
                { "[::]", "http://[::]", "::", 80, false, false, true },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const char *reason = NULL;
                Endpoint endpoint;
                int r;

                r = endpoint_parse(cases[i].text, &endpoint, &reason);
                if (r < 0)
                        fail_msg("%s: %s", cases[i].text, reason);

                assert_string_equal(endpoint.url, cases[i].url);
                assert_string_equal(endpoint.host, cases[i].host);
                assert_int_equal(endpoint.port, cases[i].port);
                assert_int_equal(endpoint.is_tls, cases[i].is_tls);
                assert_int_equal(endpoint.is_loopback, cases[i].is_loopback);
                assert_int_equal(endpoint.is_literal, cases[i].is_literal);
                endpoint_done(&endpoint);

                /* What it was made into is read the same. */
                assert_int_equal(endpoint_parse(cases[i].url, &endpoint, &reason), 0);
                assert_string_equal(endpoint.url, cases[i].url);
                endpoint_done(&endpoint);
                assert_null(endpoint.url);
        }
}

static void test_bad(void **state _unused_) {
        static const struct {
                const char *text, *reason;
        } cases[] = {
                { NULL, "empty" },
                { "", "empty" },
                { "http://", "host is empty" },
                { "https:///path", "host is empty" },
                { "/path", "host is empty" },
                { ":3000", "host is empty" },
                { "http://:3000", "host is empty" },
                { "[]:3000", "host" },
                { "ftp://host", "scheme" },
                { "unix:///run/argus.sock", "scheme" },
                { "httpss://host", "scheme" },
                { "htt://host", "scheme" },
                { "://host", "" },
                { "http:host", "port" },
                { "http:/host", "port" },
                { "http://http://host", "port" },
                { "host/http://other", NULL }, /* a path may hold colons and slashes */
                { "host:", "port" },
                { "host:/", "port" },
                { "host:0", "port" },
                { "host:00000", "port" },
                { "host:65536", "port" },
                { "host:99999999999999999999999999", "port" },
                { "host:-1", "port" },
                { "host:+1", "port" },
                { "host:0x50", "port" },
                { "host:3000x", "port" },
                { "user:secret", "port" },
                { "[::1]:", "port" },
                { "[::1]:x", "port" },
                { "[::1]3000", "port" },
                { "[::1]]", "port" },
                { "[::1", "neither an IP address nor a name" },
                { "[::1/x]", "neither an IP address nor a name" },
                { "[127.0.0.1]", "neither an IP address nor a name" },
                { "[host]", "neither an IP address nor a name" },
                { "[fe80::1%eth0]", "neither an IP address nor a name" },
                { "[fe80::1%25]", "neither an IP address nor a name" },
                { "[fe80::1%25eth0/x]", "neither an IP address nor a name" },
                { "[fe80::1%25eth%30]", "neither an IP address nor a name" },
                { "[fe80::1%25eth0123456789abc]", "neither an IP address nor a name" },
                { "[fe80::1%25a%25b]", "neither an IP address nor a name" },
                { "[2001:db8::1%25eth0]", "neither an IP address nor a name" },
                { "[::1%25lo]", "neither an IP address nor a name" },
                { "[fe80%25eth0]", "neither an IP address nor a name" },
                { "[%25eth0]", "neither an IP address nor a name" },
                { "[::1::]", "neither an IP address nor a name" },
                { "::1", "" },
                { "fd00::5", "brackets" },
                { "fd00::5:3000", "brackets" },
                { "host:1:2", "brackets" },
                { "10.0.0.256", "neither an IP address nor a name" },
                { "10.0.0", "neither an IP address nor a name" },
                { "127.1", "neither an IP address nor a name" },
                { "2130706433", "neither an IP address nor a name" },
                { "0x7f000001", "neither an IP address nor a name" },
                { "0x7f.1", "neither an IP address nor a name" },
                { "a.0x1", "neither an IP address nor a name" },
                { "0x", "neither an IP address nor a name" },
                { "1.0XaF.", "neither an IP address nor a name" },
                { "127.0.0.1.", "neither an IP address nor a name" },
                { "010.0.0.1", "neither an IP address nor a name" },
                { "host..example", "neither an IP address nor a name" },
                { ".host", "neither an IP address nor a name" },
                { ".", "neither an IP address nor a name" },
                { "host..", "neither an IP address nor a name" },
                { "-host", "neither an IP address nor a name" },
                { "a.-host", "neither an IP address nor a name" },
                { "a" LABEL_63 ".x", "neither an IP address nor a name" },
                { LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63, "neither an IP address nor a name" },
                { "ho!st", "neither an IP address nor a name" },
                { "ho[st", "neither an IP address nor a name" },
                { "host\\path", "neither an IP address nor a name" },
                { "ho%73t", "neither an IP address nor a name" },
                { "host,other", "neither an IP address nor a name" },
                { "host?x=1", "query" },
                { "host/p?", "query" },
                { "host/p#f", "query" },
                { "host#", "query" },
                { "host/p|", "path" },
                { "host/p\"", "path" },
                { "host/p\\", "path" },
                { "host/p%", "path" },
                { "host/p%2", "path" },
                { "host/p%zz", "path" },
                { " host", "white space" },
                { "host ", "white space" },
                { "ho st", "white space" },
                { "host\t", "white space" },
                { "host\n", "white space, a control" },
                { "host\r", "white space, a control" },
                { "host\x1b[31m", "white space, a control" },
                { "host\x7f", "white space, a control" },
                { "host/\x01", "white space, a control" },
                { "h\xc3\xb6st", "ASCII" },
                { "host/\xff", "ASCII" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const char *reason = NULL;
                Endpoint endpoint = { .port = 4711 };
                int r;

                r = endpoint_parse(cases[i].text, &endpoint, &reason);
                if (!cases[i].reason) {
                        assert_int_equal(r, 0);
                        endpoint_done(&endpoint);
                        continue;
                }

                if (r != -EINVAL || !strstr(reason, cases[i].reason))
                        fail_msg("%s: %d %s", strempty(cases[i].text), r, strempty(reason));
                assert_int_equal(endpoint.port, 4711);
                assert_null(endpoint.url);
        }
}

/* The configuration says so of each "@" in the whole list, before it takes the list apart. */
static void test_user_info(void **state _unused_) {
        static const char *const cases[] = {
                "http://user@host",
                "http://user:secret@host",
                "http://user:s@cret@host",
                "user:secret@host:3000",
                "http://sec ret@",
                "http://user:se/cret@host",
                "http://12:34/secret@host",
                "http://@host",
                "@",
                "http://user:sec\x1bret@host",
                "ftp://user:secret@host",
                "http://host/secret@path",
                "http://host?secret@",
                "http://user:secret@host\n",
                "http://user:\xff@host",
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const char *reason = NULL;
                Endpoint endpoint;

                assert_int_equal(endpoint_parse(cases[i], &endpoint, &reason), -EINVAL);
                assert_null(strstr(reason, "secret"));
        }
}

static void test_size(void **state _unused_) {
        char text[ENDPOINT_SIZE_MAX + 2] = "host/";
        const char *reason = NULL;
        Endpoint endpoint;

        memset(text + 5, 'a', sizeof text - 6);
        assert_int_equal(endpoint_parse(text, &endpoint, &reason), -EINVAL);
        assert_non_null(strstr(reason, "longer than 2048"));

        /* With the scheme that is added it is still too long. */
        text[ENDPOINT_SIZE_MAX] = '\0';
        assert_int_equal(endpoint_parse(text, &endpoint, &reason), -EINVAL);
        assert_non_null(strstr(reason, "longer than 2048"));

        text[ENDPOINT_SIZE_MAX - strlen("http://")] = '\0';
        assert_int_equal(endpoint_parse(text, &endpoint, &reason), 0);
        assert_int_equal(strlen(endpoint.url), ENDPOINT_SIZE_MAX);
        endpoint_done(&endpoint);
}

static int parse_name(void) {
        const char *reason;
        Endpoint endpoint;
        int r;

        r = endpoint_parse("https://Host.example:3000/a", &endpoint, &reason);
        if (r >= 0)
                endpoint_done(&endpoint);
        return r;
}

static int parse_literal(void) {
        const char *reason;
        Endpoint endpoint;
        int r;

        r = endpoint_parse("[::1]", &endpoint, &reason);
        if (r >= 0)
                endpoint_done(&endpoint);
        return r;
}

static int parse_link_local(void) {
        const char *reason;
        Endpoint endpoint;
        int r;

        r = endpoint_parse("[fe80::1%25eth0]", &endpoint, &reason);
        if (r >= 0)
                endpoint_done(&endpoint);
        return r;
}

static void test_no_memory(void **state _unused_) {
        memory_check(parse_name);
        memory_check(parse_literal);
        memory_check(parse_link_local);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good),
                cmocka_unit_test(test_bad),
                cmocka_unit_test(test_user_info),
                cmocka_unit_test(test_size),
                cmocka_unit_test(test_no_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
