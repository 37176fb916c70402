/* SPDX-License-Identifier: MIT */
/* What the service manager gets, and that one who does not read cannot make the agent wait. */
#include "sys/service-notify.h"

#include <stdarg.h>
#include <setjmp.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/fd-util.h"
#include "util/text.h"
#include "util/time-util.h"

static char directory[] = "/tmp/test-service-notify-XXXXXX";
static char socket_path[sizeof directory + sizeof "/notify"];

/* `name` as in NOTIFY_SOCKET. */
static int manager_start(const char *name) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        socklen_t size = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + strlen(name));
        int fd;

        memcpy(address.sun_path, name, strlen(name));
        if (name[0] == '@')
                address.sun_path[0] = '\0';
        else
                (void) unlink(name);

        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (const struct sockaddr *) &address, size), 0);
        assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
        return fd;
}

/* Returns "" if nothing is there. */
static const char *manager_receive(int fd) {
        static char text[8192];
        ssize_t n;

        n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);
        text[n > 0 ? n : 0] = '\0';
        return text;
}

static void test_states(_unused_ void **state) {
        const char *const names[] = { socket_path, "@test-service-notify" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                _cleanup_close_ int fd = manager_start(names[i]);
                uint64_t before = now_usec(CLOCK_MONOTONIC), usec = 0;

                service_notify_ready();
                assert_string_equal(manager_receive(fd), "READY=1");

                service_notify_reloading();
                assert_int_equal(sscanf(manager_receive(fd), "RELOADING=1\nMONOTONIC_USEC=%" SCNu64, &usec),
                                1);
                assert_true(usec >= before && usec <= now_usec(CLOCK_MONOTONIC));
                service_notify_ready();
                assert_string_equal(manager_receive(fd), "READY=1");

                service_notify_stopping();
                assert_string_equal(manager_receive(fd), "STOPPING=1");
                assert_string_equal(manager_receive(fd), "");
        }
}

static void test_status(_unused_ void **state) {
        _cleanup_close_ int fd = manager_start(socket_path);
        char text[5001];
        const char *got;

        service_notify_status("Online as %s", "A7");
        assert_string_equal(manager_receive(fd), "STATUS=Online as A7");
        service_notify_status("Online as %s", "A7");
        assert_string_equal(manager_receive(fd), "");
        service_notify_status("Online as %s", "A8");
        assert_string_equal(manager_receive(fd), "STATUS=Online as A8");

        /* No other assignment, no escape sequence, nothing that is not UTF-8. */
        service_notify_status("The Master says: %s", "no\nMAINPID=1\r\x1B[2J\xFF");
        assert_string_equal(manager_receive(fd), "STATUS=The Master says: noMAINPID=1[2J\xEF\xBF\xBD");

        memset(text, 'x', sizeof text - 1);
        text[sizeof text - 1] = '\0';
        service_notify_status("%s", text);
        got = manager_receive(fd);
        assert_true(strlen(got) > 500 && strlen(got) < 2000);
        assert_string_equal(got + strlen(got) - 4, "x…");
}

static void test_no_manager(_unused_ void **state) {
        static const char *const names[] = { "", "/nonexistent/notify", "vsock:2:1234", "relative" };
        char long_name[200];

        assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
        service_notify_ready();
        service_notify_status("to nobody");
        service_notify_reloading();
        service_notify_stopping();

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                assert_int_equal(setenv("NOTIFY_SOCKET", names[i], 1), 0);
                service_notify_ready();
                service_notify_status("to nobody");
        }

        memset(long_name, '/', sizeof long_name - 1);
        long_name[sizeof long_name - 1] = '\0';
        assert_int_equal(setenv("NOTIFY_SOCKET", long_name, 1), 0);
        service_notify_ready();
}

static void test_stuck(_unused_ void **state) {
        _cleanup_close_ int fd = manager_start(socket_path);
        usec_t begin, spent;
        const char *text;
        size_t taken = 0;

        (void) alarm(20); /* what would block here would block for ever */
        service_notify_ready();
        assert_string_equal(manager_receive(fd), "READY=1");
        assert_string_equal(manager_receive(fd), "STATUS=to nobody"); /* of the test before */

        begin = now_usec(CLOCK_MONOTONIC);
        for (size_t i = 0; i < 1000; i++)
                service_notify_status("status %zu", i);
        spent = now_usec(CLOCK_MONOTONIC) - begin;
        assert_true(spent < USEC_PER_SEC);

        /* A state is worth a short wait, and is not lost. */
        begin = now_usec(CLOCK_MONOTONIC);
        service_notify_stopping();
        spent = now_usec(CLOCK_MONOTONIC) - begin;
        assert_true(spent > 100 * USEC_PER_MSEC && spent < USEC_PER_SEC);

        while (*(text = manager_receive(fd))) {
                assert_int_equal(strncmp(text, "STATUS=status ", strlen("STATUS=status ")), 0);
                taken++;
        }
        assert_true(taken > 0 && taken < 1000);

        /* The one that was not sent counts as not sent. */
        service_notify_status("status 999");
        assert_string_equal(manager_receive(fd), "STOPPING=1");
        assert_string_equal(manager_receive(fd), "STATUS=status 999");
        assert_string_equal(manager_receive(fd), "");
        (void) alarm(0);
}

/* Until nothing is left to be sent. */
static void run_until_taken(sd_event *event, int fd, const char *expected) {
        usec_t deadline = usec_add(now_usec(CLOCK_MONOTONIC), 10 * USEC_PER_SEC);
        const char *text;

        do {
                assert_true(sd_event_run(event, 100 * USEC_PER_MSEC) >= 0);
                text = manager_receive(fd);
        } while (!*text && now_usec(CLOCK_MONOTONIC) < deadline);
        assert_string_equal(text, expected);
}

/* Nobody sends anything else for as long as a start may take. */
static void test_what_was_not_taken_comes_later(_unused_ void **state) {
        _cleanup_close_ int fd = manager_start(socket_path);
        sd_event *event = NULL;

        (void) alarm(30);
        assert_true(sd_event_new(&event) >= 0);
        assert_int_equal(unsetenv("WATCHDOG_USEC"), 0);
        assert_int_equal(service_notify_attach(event), 0);

        for (size_t i = 0; i < 1000; i++)
                service_notify_status("status %zu", i);
        service_notify_ready();
        service_notify_status("the last one");

        while (*manager_receive(fd))
                continue;
        run_until_taken(event, fd, "READY=1");
        assert_string_equal(manager_receive(fd), "STATUS=the last one");

        /* Then the loop has nothing to do any more. */
        assert_int_equal(sd_event_run(event, 1500 * USEC_PER_MSEC), 0);
        assert_string_equal(manager_receive(fd), "");

        service_notify_detach();
        sd_event_unref(event);
        (void) alarm(0);
}

static int setup(_unused_ void **state) {
        if (!mkdtemp(directory))
                return -1;

        (void) snprintf(socket_path, sizeof socket_path, "%s/notify", directory);
        return 0;
}

static int teardown(_unused_ void **state) {
        (void) unlink(socket_path);
        return rmdir(directory);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_states),
                cmocka_unit_test(test_status),
                cmocka_unit_test(test_no_manager),
                cmocka_unit_test(test_stuck),
                cmocka_unit_test(test_what_was_not_taken_comes_later),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
