#include "sys/clock-watch.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "util/fd-util.h"
#include "util/macro.h"

struct ClockWatch {
        int fd;
        sd_event_source *source;
        void (*on_set)(void *userdata);
        void *userdata;
};

/* A time that is never reached: only a step of the clock ends it. */
static int clock_watch_arm(const ClockWatch *watch) {
        const struct itimerspec never = { .it_value.tv_sec = sizeof(time_t) > 4 ? INT64_MAX / 1000000000
                                                                                : INT32_MAX };

        return timerfd_settime(watch->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) < 0
                               ? -errno
                               : 0;
}

static int on_readable(sd_event_source *source, int fd, uint32_t events _unused_, void *userdata) {
        ClockWatch *watch = userdata;
        uint64_t count;

        /* ECANCELED means a step. Arm it again for the next one. */
        if (read(fd, &count, sizeof count) < 0 && errno == EAGAIN)
                return 0;
        if (clock_watch_arm(watch) < 0)
                (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
        watch->on_set(watch->userdata);
        return 0;
}

int clock_watch_new(sd_event *event, void (*on_set)(void *userdata), void *userdata, ClockWatch **ret) {
        ClockWatch *watch;
        int r;

        watch = calloc(1, sizeof *watch);
        if (!watch)
                return -ENOMEM;
        watch->on_set = on_set;
        watch->userdata = userdata;

        watch->fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
        r = watch->fd < 0 ? -errno : clock_watch_arm(watch);
        if (r >= 0)
                r = sd_event_add_io(event, &watch->source, watch->fd, EPOLLIN, on_readable, watch);
        if (r < 0) {
                clock_watch_free(watch);
                return r;
        }

        *ret = watch;
        return 0;
}

ClockWatch *clock_watch_free(ClockWatch *watch) {
        if (!watch)
                return NULL;

        sd_event_source_disable_unref(watch->source);
        close_fd(watch->fd);
        free(watch);
        return NULL;
}
