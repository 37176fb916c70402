/* SPDX-License-Identifier: MIT */
/* CLOCK_REALTIME of one program, shifted by what stands in a file of eight bytes (WALL_CLOCK_SHIFT names it,
 * and it may change at any time); to be preloaded. libfaketime cannot do it here: it also rewrites the
 * absolute timers of other clocks, which sd-event sets. A timer of CLOCK_REALTIME is a FIFO here, beside the
 * file: the test writes to it at a step, at which the kernel would end the timer. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *shift;
static int step_fd = -1;

__attribute__((constructor)) static void shift_open(void) {
        int fd = open(getenv("WALL_CLOCK_SHIFT"), O_RDONLY | O_CLOEXEC);
        void *map = mmap(NULL, sizeof *shift, PROT_READ, MAP_SHARED, fd, 0);

        if (map == MAP_FAILED)
                abort();
        (void) close(fd);
        shift = map;
}

int clock_gettime(clockid_t clock, struct timespec *ret) {
        int r = (int) syscall(SYS_clock_gettime, clock, ret);

        if (r == 0 && shift && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
                ret->tv_sec += *shift;
        return r;
}

int gettimeofday(struct timeval *ret, void *timezone) {
        struct timespec now;

        (void) timezone;
        (void) clock_gettime(CLOCK_REALTIME, &now);
        *ret = (struct timeval){ .tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000 };
        return 0;
}

time_t time(time_t *ret) {
        struct timespec now;

        (void) clock_gettime(CLOCK_REALTIME, &now);
        if (ret)
                *ret = now.tv_sec;
        return now.tv_sec;
}

int timerfd_create(clockid_t clock, int flags) {
        char path[4096];

        if (clock != CLOCK_REALTIME || step_fd >= 0)
                return (int) syscall(SYS_timerfd_create, clock, flags);

        (void) snprintf(path, sizeof path, "%s.steps", getenv("WALL_CLOCK_SHIFT"));
        return step_fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
}

int timerfd_settime(int fd, int flags, const struct itimerspec *new, struct itimerspec *old) {
        return fd == step_fd ? 0 : (int) syscall(SYS_timerfd_settime, fd, flags, new, old);
}
