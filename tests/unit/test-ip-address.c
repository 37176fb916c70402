/* SPDX-License-Identifier: MIT */
/* IP addresses: both families in one form. */
#include "util/ip-address.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <errno.h>

#include <cmocka.h>

#include "util/macro.h"

static void test_addresses(void **state _unused_) {
        static const struct {
                const char *text, *formatted;
                bool is_loopback;
        } cases[] = {
                { "127.0.0.1", "127.0.0.1", true },
                { "127.255.255.255", "127.255.255.255", true },
                { "128.0.0.1", "128.0.0.1", false },
                { "10.127.0.0", "10.127.0.0", false },
                { "::ffff:127.0.0.1", "127.0.0.1", true },
                { "::FFFF:7f00:2", "127.0.0.2", true },
                { "::ffff:10.0.0.1", "10.0.0.1", false },
                { "::1", "::1", true },
                { "::", "::", false },
                { "::127.0.0.1", "::127.0.0.1", false },
                { "fe80::1", "fe80::1", false },
                { "2001:DB8:0:0::7f00:1", "2001:db8::7f00:1", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char text[IP_ADDRESS_SIZE];
                IpAddress address;

                assert_int_equal(ip_address_parse(cases[i].text, &address), 0);
                assert_int_equal(ip_address_is_loopback(&address), cases[i].is_loopback);
                ip_address_format(&address, text);
                assert_string_equal(text, cases[i].formatted);
        }
}

static void test_global(void **state _unused_) {
        static const char *const global[] = { "10.0.0.1", "192.168.3.4", "8.8.8.8", "169.253.0.1",
                "223.255.255.255", "2001:db8::1", "fd00::1" };
        static const char *const local[] = { "127.0.0.1", "::1", "0.0.0.0", "0.1.2.3", "::", "169.254.7.7",
                "fe80::1", "224.0.0.1", "239.1.2.3", "ff02::1" };
        IpAddress address;

        for (size_t i = 0; i < ELEMENTSOF(global); i++) {
                assert_int_equal(ip_address_parse(global[i], &address), 0);
                assert_true(ip_address_is_global(&address));
        }
        for (size_t i = 0; i < ELEMENTSOF(local); i++) {
                assert_int_equal(ip_address_parse(local[i], &address), 0);
                assert_false(ip_address_is_global(&address));
        }
}

static void test_no_addresses(void **state _unused_) {
        static const char *const cases[] = { "", "localhost", "127.1", "127.0.0.1 ", "[::1]", "::1%lo",
                "1.2.3.4:80" };
        IpAddress address;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_int_equal(ip_address_parse(cases[i], &address), -EINVAL);
}

static void test_of_sockets(void **state _unused_) {
        struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
        char text[IP_ADDRESS_SIZE];
        IpAddress address;

        address = ip_address_of_socket((const struct sockaddr *) &v4);
        ip_address_format(&address, text);
        assert_string_equal(text, "127.0.0.1");

        address = ip_address_of_socket((const struct sockaddr *) &v6);
        ip_address_format(&address, text);
        assert_string_equal(text, "::1");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_addresses),
                cmocka_unit_test(test_global),
                cmocka_unit_test(test_no_addresses),
                cmocka_unit_test(test_of_sockets),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
