/* SPDX-License-Identifier: MIT */
/* Lets hours of an agent pass in a second: an LD_PRELOAD library that skips the time in which the program
 * would only wait. Its clocks run as ever while it works or has a request under way; as soon as it is idle,
 * they jump to its next timer. So nothing is scaled, and no time-out comes early because the machine is
 * slow.
 *
 *      SKIP_TIME_WHEN          a file: nothing is skipped until it exists
 *      SKIP_TIME_REQUESTS      after so many requests in all nothing is skipped any more (default: no end)
 *
 * It knows what sd-event and libcurl do: timers are timerfds with absolute times, one wait is epoll_wait, a
 * request is in the multi handle from curl_multi_add_handle to curl_multi_remove_handle. */
#include <curl/curl.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#undef clock_gettime
#undef timerfd_settime

enum {
        DESCRIPTORS_MAX = 64,
        WAIT_MSEC = 2, /* until it is looked again whether time may be skipped */
};

#define NSEC_PER_SEC UINT64_C(1000000000)

static struct {
        int clock;
        uint64_t deadline_nsec; /* on the skipped clock; 0 is none */
} timers[DESCRIPTORS_MAX];
static uint64_t skipped_nsec;
static unsigned n_added, n_in_flight;

int clock_gettime(clockid_t, struct timespec *);

static uint64_t to_nsec(const struct timespec *time) {
        return (uint64_t) time->tv_sec * NSEC_PER_SEC + (uint64_t) time->tv_nsec;
}

static struct timespec to_timespec(uint64_t nsec) {
        return (struct timespec){ .tv_sec = (time_t) (nsec / NSEC_PER_SEC),
                .tv_nsec = (long) (nsec % NSEC_PER_SEC) };
}

static uint64_t real_nsec(clockid_t clock) {
        struct timespec time = {};

        (void) syscall(SYS_clock_gettime, clock, &time);
        return to_nsec(&time);
}

static void *next_function(const char *name) {
        void *function = dlsym(RTLD_NEXT, name);

        if (!function)
                abort();
        return function;
}

int clock_gettime(clockid_t clock, struct timespec *ret) {
        bool is_cpu_time = clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID;

        *ret = to_timespec(real_nsec(clock) + (is_cpu_time ? 0 : skipped_nsec));
        return 0;
}

int timerfd_create(int clock, int flags) {
        int fd = (int) syscall(SYS_timerfd_create, clock, flags);

        if (fd >= DESCRIPTORS_MAX)
                abort();
        if (fd >= 0)
                timers[fd].clock = clock;
        return fd;
}

static int timer_arm(int fd) {
        struct itimerspec real = {};
        uint64_t deadline = timers[fd].deadline_nsec;

        if (deadline > 0)
                real.it_value = to_timespec(deadline > skipped_nsec ? deadline - skipped_nsec : 1);
        return (int) syscall(SYS_timerfd_settime, fd, TFD_TIMER_ABSTIME, &real, NULL);
}

int timerfd_settime(int fd, int flags, const struct itimerspec *new, struct itimerspec *old) {
        /* sd-event waits for a step of the clock by a timer at the end of time: not one of ours */
        if (!(flags & TFD_TIMER_ABSTIME) || (flags & TFD_TIMER_CANCEL_ON_SET))
                return (int) syscall(SYS_timerfd_settime, fd, flags, new, old);

        timers[fd].deadline_nsec = to_nsec(&new->it_value);
        return timer_arm(fd);
}

/* The time until the first timer, 0 if there is none. A time that has come is no timer any more. */
static uint64_t until_next_timer(void) {
        uint64_t nearest = 0;

        for (int fd = 0; fd < DESCRIPTORS_MAX; fd++) {
                uint64_t now, left;

                if (timers[fd].deadline_nsec == 0)
                        continue;

                now = real_nsec(timers[fd].clock) + skipped_nsec;
                if (timers[fd].deadline_nsec <= now) {
                        timers[fd].deadline_nsec = 0;
                        continue;
                }
                left = timers[fd].deadline_nsec - now;
                if (nearest == 0 || left < nearest)
                        nearest = left;
        }

        return nearest;
}

static bool may_skip(void) {
        static const char *when, *requests;

        if (!when)
                when = getenv("SKIP_TIME_WHEN");
        if (!requests)
                requests = getenv("SKIP_TIME_REQUESTS");
        return n_in_flight == 0 && when && access(when, F_OK) == 0 &&
               (!requests || n_added < (unsigned) atoi(requests));
}

int epoll_wait(int epoll_fd, struct epoll_event *events, int max, int timeout_msec) {
        for (;;) {
                bool is_waiting = timeout_msec < 0, is_skipping = is_waiting && may_skip();
                int msec = is_skipping ? 0 : is_waiting && n_in_flight == 0 ? WAIT_MSEC : timeout_msec;
                int r = (int) syscall(SYS_epoll_pwait, epoll_fd, events, max, msec, NULL, 0);

                if (r != 0 || !is_waiting)
                        return r;
                if (!is_skipping)
                        continue;

                skipped_nsec += until_next_timer();
                for (int fd = 0; fd < DESCRIPTORS_MAX; fd++)
                        if (timers[fd].deadline_nsec > 0)
                                (void) timer_arm(fd);
        }
}

CURLMcode curl_multi_add_handle(CURLM *multi, CURL *easy) {
        static CURLMcode (*next)(CURLM *, CURL *);
        CURLMcode code;

        if (!next)
                next = next_function("curl_multi_add_handle");
        code = next(multi, easy);
        if (code == CURLM_OK) {
                n_added++;
                n_in_flight++;
        }
        return code;
}

CURLMcode curl_multi_remove_handle(CURLM *multi, CURL *easy) {
        static CURLMcode (*next)(CURLM *, CURL *);

        if (!next)
                next = next_function("curl_multi_remove_handle");
        n_in_flight--;
        return next(multi, easy);
}
