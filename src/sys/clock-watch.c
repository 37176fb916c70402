/* SPDX-License-Identifier: MIT */
#include "sys/clock-watch.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include "util/fd-util.h"

struct ClockWatch {
        sd_event_source *source; /* owns the timer */
        void (*on_set)(void *userdata);
        void *userdata;
};

/* A time that is never reached: only a step of the clock ends it. */
static int clock_watch_arm(int fd) {
        const time_t never = sizeof(time_t) > 4 ? INT64_MAX / 1000000000 : INT32_MAX;
        const struct itimerspec at = { .it_value.tv_sec = never };

        return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at, NULL) < 0 ? -errno : 0;
}

static int on_readable(sd_event_source *source, int fd, uint32_t events _unused_, void *userdata) {
        ClockWatch *watch = userdata;
        uint64_t count;

        /* ECANCELED means a step. Arm it again for the next one. */
        if (read(fd, &count, sizeof count) < 0 && errno == EAGAIN)
                return 0;
        if (clock_watch_arm(fd) < 0)
                (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
        watch->on_set(watch->userdata);
        return 0;
}

int clock_watch_new(sd_event *event, void (*on_set)(void *userdata), void *userdata, ClockWatch **ret) {
        _cleanup_close_ int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
        _cleanup_free_ ClockWatch *watch = calloc(1, sizeof *watch);
        int r;

        if (!watch)
                return -ENOMEM;
        *watch = (ClockWatch){ .on_set = on_set, .userdata = userdata };

        r = fd < 0 ? -errno : clock_watch_arm(fd);
        if (r >= 0)
                r = sd_event_add_io(event, &watch->source, fd, EPOLLIN, on_readable, watch);
        if (r < 0)
                return r;

        (void) sd_event_source_set_io_fd_own(watch->source, true);
        (void) TAKE_FD(fd);
        *ret = TAKE_PTR(watch);
        return 0;
}

ClockWatch *clock_watch_free(ClockWatch *watch) {
        if (watch)
                (void) sd_event_source_disable_unref(watch->source);
        free(watch);
        return NULL;
}
