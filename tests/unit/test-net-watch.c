/* SPDX-License-Identifier: MIT */
/* Hints from the kernel, in a network namespace of the test's own. */
#include "sys/net-watch.h"

#include <stdarg.h>
#include <setjmp.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/fd-util.h"
#include "util/time-util.h"

#include "test-network.h"

static bool has_namespace;
static int control_fd = -1;

typedef struct Fixture {
        sd_event *event;
        NetWatch *watch;
        size_t calls;
        usec_t called_usec; /* the first of them */
} Fixture;

static void on_change(void *userdata) {
        Fixture *fixture = userdata;

        if (fixture->calls++ == 0)
                fixture->called_usec = now_usec(CLOCK_MONOTONIC);
}

static void change_address(unsigned number) {
        struct ifreq request = {};
        struct sockaddr_in address = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(0x0A000000U + number),
        };

        (void) snprintf(request.ifr_name, sizeof request.ifr_name, "lo:%u", number % 1000);
        memcpy(&request.ifr_addr, &address, sizeof address);
        assert_int_equal(ioctl(control_fd, SIOCSIFADDR, &request), 0);
}

static void set_link(bool up) {
        struct ifreq request = { .ifr_name = "lo", .ifr_flags = up ? IFF_UP : 0 };

        assert_int_equal(ioctl(control_fd, SIOCSIFFLAGS, &request), 0);
}

static void run_for(Fixture *fixture, usec_t span_usec) {
        usec_t end = now_usec(CLOCK_MONOTONIC) + span_usec, now;

        while ((now = now_usec(CLOCK_MONOTONIC)) < end)
                assert_true(sd_event_run(fixture->event, end - now) >= 0);
}

/* Runs until that many calls came, and a little longer to see that there is no other. A loaded machine is
 * given time, an idle one does not wait for it. */
static void run_until_called(Fixture *fixture, size_t calls) {
        usec_t end = now_usec(CLOCK_MONOTONIC) + 10 * USEC_PER_SEC;

        while (fixture->calls < calls && now_usec(CLOCK_MONOTONIC) < end)
                run_for(fixture, 50 * USEC_PER_MSEC);
        run_for(fixture, 300 * USEC_PER_MSEC);
        assert_int_equal(fixture->calls, calls);
}

static int fixture_setup(void **state) {
        Fixture *fixture;

        *state = NULL;
        if (!has_namespace)
                return 0;

        fixture = calloc(1, sizeof *fixture);
        if (!fixture || sd_event_new(&fixture->event) < 0)
                return -1;

        set_link(true);
        if (net_watch_new(fixture->event, on_change, fixture, &fixture->watch) < 0)
                return -1;

        *state = fixture;
        return 0;
}

static int fixture_teardown(void **state) {
        Fixture *fixture = *state;

        if (!fixture)
                return 0;

        (void) net_watch_free(fixture->watch);
        (void) sd_event_unref(fixture->event);
        free(fixture);
        return 0;
}

static Fixture *fixture_get(void **state) {
        if (!has_namespace)
                skip(); /* not permitted here */
        return *state;
}

static void test_nothing(void **state) {
        Fixture *fixture = fixture_get(state);

        run_for(fixture, 1400 * USEC_PER_MSEC);
        assert_int_equal(fixture->calls, 0);
}

static void test_one_change(void **state) {
        Fixture *fixture = fixture_get(state);
        usec_t begin = now_usec(CLOCK_MONOTONIC);

        change_address(1);
        run_until_called(fixture, 1);
        assert_true(fixture->called_usec >= begin + USEC_PER_SEC);
        assert_true(fixture->called_usec < begin + 3 * USEC_PER_SEC);

        /* And it goes on. */
        set_link(false);
        run_until_called(fixture, 2);
        run_for(fixture, USEC_PER_SEC);
        assert_int_equal(fixture->calls, 2);
}

static void test_series_is_one(void **state) {
        Fixture *fixture = fixture_get(state);
        usec_t last = 0;

        for (unsigned i = 0; i < 40; i++) {
                change_address(100 + i);
                last = now_usec(CLOCK_MONOTONIC);
                run_for(fixture, 40 * USEC_PER_MSEC);
        }
        assert_int_equal(fixture->calls, 0);

        run_until_called(fixture, 1);
        assert_true(fixture->called_usec >= last + USEC_PER_SEC);
}

static void test_endless_storm(void **state) {
        Fixture *fixture = fixture_get(state);
        usec_t begin = now_usec(CLOCK_MONOTONIC);

        while (fixture->calls == 0 && now_usec(CLOCK_MONOTONIC) < begin + 15 * USEC_PER_SEC) {
                change_address((unsigned) (now_usec(CLOCK_MONOTONIC) & 0xFFFFF));
                run_for(fixture, 20 * USEC_PER_MSEC);
        }

        assert_int_equal(fixture->calls, 1);
        assert_true(fixture->called_usec >= begin + 5 * USEC_PER_SEC);
        assert_true(fixture->called_usec < begin + 8 * USEC_PER_SEC);
}

static void test_overflow(void **state) {
        Fixture *fixture = fixture_get(state);

        for (unsigned i = 0; i < 3000; i++)
                change_address(100000 + i);

        run_until_called(fixture, 1);
}

/* A process with the right to may send to any netlink socket; only the kernel is believed. */
static void test_not_the_kernel(void **state) {
        const struct nlmsghdr message = { .nlmsg_len = sizeof message, .nlmsg_type = NLMSG_NOOP };
        struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_pid = (uint32_t) getpid() };
        _cleanup_close_ int fd = -1;
        Fixture *fixture = fixture_get(state);

        /* The first netlink socket of a process has its id as its address: that is the watch's. */
        fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
        assert_true(fd >= 0);
        if (sendto(fd, &message, sizeof message, 0, (const struct sockaddr *) &address, sizeof address) < 0)
                skip();

        run_for(fixture, 1400 * USEC_PER_MSEC);
        assert_int_equal(fixture->calls, 0);
}

static void on_change_free(void *userdata) {
        Fixture *fixture = userdata;

        fixture->watch = net_watch_free(fixture->watch);
        fixture->calls++;
}

static void test_free_in_callback(void **state) {
        Fixture *fixture = fixture_get(state);

        fixture->watch = net_watch_free(fixture->watch);
        assert_int_equal(net_watch_new(fixture->event, on_change_free, fixture, &fixture->watch), 0);

        change_address(1);
        change_address(2);
        run_until_called(fixture, 1);
        assert_null(fixture->watch);
}

static void test_free_while_unsettled(void **state) {
        Fixture *fixture = fixture_get(state);

        change_address(1);
        run_for(fixture, 300 * USEC_PER_MSEC);
        fixture->watch = net_watch_free(fixture->watch);
        run_for(fixture, 1400 * USEC_PER_MSEC);
        assert_int_equal(fixture->calls, 0);
}

static int setup(_unused_ void **state) {
        has_namespace = network_enter();
        control_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        return control_fd < 0 ? -1 : 0;
}

static int teardown(_unused_ void **state) {
        control_fd = close_fd(control_fd);
        return 0;
}

#define NET_TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                NET_TEST(test_nothing),
                NET_TEST(test_one_change),
                NET_TEST(test_series_is_one),
                NET_TEST(test_endless_storm),
                NET_TEST(test_overflow),
                NET_TEST(test_not_the_kernel),
                NET_TEST(test_free_in_callback),
                NET_TEST(test_free_while_unsettled),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
