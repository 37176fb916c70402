/* SPDX-License-Identifier: MIT */
/* Not by sd_notify(), which sd_event_set_watchdog() uses too and whose send waits for as long as the manager
 * does not read (with a queue of 10 it blocks at the 12th message): a busy manager must not stop us. */
#include "sys/service-notify.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include "sys/event-timer.h"
#include "util/fd-util.h"
#include "util/text.h"
#include "util/time-util.h"

enum {
        STATUS_MAX = 1024, /* well below what systemd takes in one message */
        READY_TIMEOUT_MSEC = 250,
};

#define RETRY_USEC (1 * USEC_PER_SEC)
#define RETRY_ACCURACY_USEC (250 * USEC_PER_MSEC)

/* What a full queue did not take is sent again: a start whose READY=1 is lost would be ended as failed. */
static char state_unsent[64];
static char status_wanted[STATUS_MAX], status_sent[STATUS_MAX];

static sd_event_source *watchdog_timer, *retry_timer;
static usec_t watchdog_interval;

static int notify_connect(void) {
        const char *path = strempty(getenv("NOTIFY_SOCKET"));
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        size_t size = offsetof(struct sockaddr_un, sun_path) + strlen(path);
        _cleanup_close_ int fd = -1;

        if (!*path)
                return -ENOTCONN;
        /* No other address families: those of sd_notify() are for a system in a virtual machine. */
        if ((*path != '/' && *path != '@') || size >= sizeof address)
                return -EAFNOSUPPORT;

        (void) stpcpy(address.sun_path, path);
        if (*path == '@') /* an abstract name: it begins with a NUL, and none ends it */
                address.sun_path[0] = '\0';

        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 || connect(fd, (const struct sockaddr *) &address, (socklen_t) size) < 0)
                return -errno;
        return TAKE_FD(fd);
}

/* Waits at most `timeout_msec` for room in the queue. */
static int notify_send(const char *text, int timeout_msec) {
        _cleanup_close_ int fd = notify_connect();
        struct pollfd pollfd = { .fd = fd, .events = POLLOUT };

        if (fd < 0)
                return fd;
        if (timeout_msec > 0)
                (void) poll(&pollfd, 1, timeout_msec); /* send() has the result */
        return send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

static int flush(int timeout_msec) {
        char message[sizeof "STATUS=" + STATUS_MAX];
        int r;

        if (state_unsent[0]) {
                r = notify_send(state_unsent, timeout_msec);
                if (r < 0)
                        return r;
                state_unsent[0] = '\0';
        }

        if (streq(status_wanted, status_sent))
                return 0;

        (void) stpcpy(stpcpy(message, "STATUS="), status_wanted);
        r = notify_send(message, 0);
        if (r >= 0)
                (void) stpcpy(status_sent, status_wanted);
        return r;
}

static void flush_now_or_later(int timeout_msec) {
        if (flush(timeout_msec) == -EAGAIN && retry_timer)
                event_timer_arm(retry_timer, usec_add(now_usec(CLOCK_MONOTONIC), RETRY_USEC));
}

static int on_retry_timer(
                _unused_ sd_event_source *source, _unused_ uint64_t usec, _unused_ void *userdata) {
        flush_now_or_later(0);
        return 0;
}

static void state_set(const char *state) {
        (void) snprintf(state_unsent, sizeof state_unsent, "%s", state);
        flush_now_or_later(READY_TIMEOUT_MSEC);
}

void service_notify_status(const char *format, ...) {
        char raw[2 * STATUS_MAX];
        va_list arguments;

        va_start(arguments, format);
        (void) vsnprintf(raw, sizeof raw, format, arguments);
        va_end(arguments);

        /* A line break would begin another assignment; the Master's words may be part of this. */
        text_sanitize_into(status_wanted, sizeof status_wanted, raw, strlen(raw));
        flush_now_or_later(0);
}

void service_notify_ready(void) {
        state_set("READY=1");
}

void service_notify_reloading(void) {
        char state[sizeof state_unsent];

        (void) snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
                        now_usec(CLOCK_MONOTONIC));
        state_set(state);
}

void service_notify_stopping(void) {
        state_set("STOPPING=1");
}

static int on_watchdog_timer(sd_event_source *source, _unused_ uint64_t usec, _unused_ void *userdata) {
        /* Dropped when the queue is full: a manager that does not read does not count the time either. */
        (void) notify_send("WATCHDOG=1", 0);

        /* From now on, not from when it was due: a process that was stopped does not make up for it. */
        event_timer_arm(source, usec_add(now_usec(CLOCK_MONOTONIC), watchdog_interval));
        return 0;
}

int service_notify_attach(sd_event *event) {
        uint64_t usec;
        int r;

        r = event_timer_new(event, CLOCK_MONOTONIC, RETRY_ACCURACY_USEC, on_retry_timer, NULL, &retry_timer);
        if (r < 0)
                return r;

        r = sd_watchdog_enabled(0, &usec);
        if (r <= 0)
                return 0; /* none, or one that was meant for another process */

        /* A quarter of the time to coalesce with other wake-ups, and a quarter to spare. */
        watchdog_interval = usec / 2;
        r = event_timer_new(event, CLOCK_MONOTONIC, usec / 4, on_watchdog_timer, NULL, &watchdog_timer);
        if (r < 0)
                return r;

        return on_watchdog_timer(watchdog_timer, 0, NULL);
}

void service_notify_detach(void) {
        retry_timer = sd_event_source_disable_unref(retry_timer);
        watchdog_timer = sd_event_source_disable_unref(watchdog_timer);
}
