/* SPDX-License-Identifier: MIT */
/* Steps of the wall clock. The clock of the machine is not a test's to set, and no name space has one of its
 * own: the timer is this file's, an eventfd that the test makes readable as the kernel does at a step. */
#include "sys/clock-watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/macro.h"

static int timer_fd = -1, timer_flags;
static unsigned n_armed;
static struct itimerspec armed_for;

int timerfd_create(clockid_t clock, int flags) {
        /* sd-event has timers of its own, on other clocks. */
        assert_int_equal(clock, CLOCK_REALTIME);
        assert_true(flags & TFD_NONBLOCK && flags & TFD_CLOEXEC);
        return timer_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

int timerfd_settime(int fd, int flags, const struct itimerspec *new, struct itimerspec *old _unused_) {
        assert_int_equal(fd, timer_fd);
        timer_flags = flags;
        armed_for = *new;
        n_armed++;
        return 0;
}

static void on_set(void *userdata) {
        ++*(unsigned *) userdata;
}

static void test_each_step_is_seen(_unused_ void **state) {
        sd_event *event = NULL;
        ClockWatch *watch = NULL;
        unsigned n_set = 0;

        assert_return_code(sd_event_new(&event), 0);
        assert_int_equal(clock_watch_new(event, on_set, &n_set, &watch), 0);
        assert_int_equal(timer_flags, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET);
        assert_true(armed_for.it_value.tv_sec > (time_t) 4000000000); /* not in our days */
        assert_int_equal(sd_event_run(event, 0), 0);

        for (unsigned step = 1; step <= 3; step++) {
                assert_return_code(eventfd_write(timer_fd, 1), 0);
                assert_true(sd_event_run(event, 0) > 0);
                assert_int_equal(n_set, step);
                assert_int_equal(n_armed, step + 1);
                assert_int_equal(sd_event_run(event, 0), 0); /* and it does not spin */
        }

        assert_null(clock_watch_free(watch));
        sd_event_unref(event);
}

int main(void) {
        static const struct CMUnitTest tests[] = { cmocka_unit_test(test_each_step_is_seen) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
