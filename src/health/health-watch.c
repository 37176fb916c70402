/* SPDX-License-Identifier: MIT */
/* Whoever writes into the health directory decides how many events there are. So the first one turns the
 * descriptor off, and the queue is emptied by a timer a moment later: a hundred writes a second wake the
 * agent up four times, and cost it four scans. */
#include "health/health-watch.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>

#include "core/health-file.h"
#include "sys/event-timer.h"
#include "util/fd-util.h"

#define LOOK_USEC (250 * USEC_PER_MSEC)
#define RETRY_USEC (10 * USEC_PER_SEC)
#define ACCURACY_USEC (25 * USEC_PER_MSEC)

enum {
        /* IN_CREATE is for files that appear whole, by link(). */
        EVENTS = IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF |
                 IN_MOVE_SELF | IN_ONLYDIR,
        EVENTS_GONE = IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT,
        BUFFER_SIZE = 16 * 1024,
        READS_MAX = 512, /* at a time, more than the kernel's queue holds */
};

struct HealthWatch {
        sd_event_source *io_source; /* owns the descriptor */
        sd_event_source *timer_source;
        const StateStore *store;
        int fd;
        int directory; /* inotify's number of it; -1: none is watched */
        HealthWatchCallback callback;
        void *userdata;
};

DEFINE_CLEANUP(HealthWatch *, health_watch_free)

static void health_watch_leave(HealthWatch *watch) {
        if (watch->directory >= 0)
                (void) inotify_rm_watch(watch->fd, watch->directory);
        watch->directory = -1;
}

static bool event_is_hint(HealthWatch *watch, const struct inotify_event *event) {
        const char *reason;

        if (event->mask & IN_Q_OVERFLOW)
                return true;
        if (event->wd != watch->directory) /* one that was left */
                return false;
        if (event->mask & EVENTS_GONE) {
                health_watch_leave(watch);
                return true;
        }

        return event->len > 0 && health_name_check(event->name, &reason) != 0;
}

/* Empties the queue. Returns whether there was a hint. */
static bool health_watch_drain(HealthWatch *watch) {
        _Alignas(struct inotify_event) char buffer[BUFFER_SIZE];
        bool is_hint = false;

        for (size_t i = 0; i < READS_MAX; i++) {
                ssize_t size = read(watch->fd, buffer, sizeof buffer);

                if (size < 0 && errno == EINTR)
                        continue;
                if (size <= 0)
                        break;

                for (const char *p = buffer; p < buffer + size;) {
                        const struct inotify_event *event = (const struct inotify_event *) (const void *) p;

                        is_hint = event_is_hint(watch, event) || is_hint;
                        p += sizeof *event + event->len;
                }
        }

        return is_hint;
}

/* Returns inotify's number of the directory, the same for the same one, or a negative errno. */
static int add_directory(HealthWatch *watch) {
        _cleanup_close_ int fd = state_store_open_health(watch->store);
        char path[sizeof "/proc/self/fd/" + 16];
        int directory;

        if (fd < 0)
                return fd;

        /* What was opened, whatever its path leads to by now. */
        (void) snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        directory = inotify_add_watch(watch->fd, path, EVENTS);
        return directory < 0 ? -errno : directory;
}

int health_watch_renew(HealthWatch *watch) {
        int directory = add_directory(watch);

        if (directory == watch->directory && directory >= 0)
                return 0;

        health_watch_leave(watch);
        watch->directory = directory;
        if (directory >= 0)
                return 0;

        event_timer_arm(watch->timer_source, usec_add(now_usec(CLOCK_BOOTTIME), RETRY_USEC));
        return directory;
}

static int on_event(sd_event_source *source, _unused_ int fd, _unused_ uint32_t events, void *userdata) {
        HealthWatch *watch = userdata;

        event_timer_arm(watch->timer_source, usec_add(now_usec(CLOCK_BOOTTIME), LOOK_USEC));
        return sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

static int on_look(_unused_ sd_event_source *source, _unused_ usec_t usec, void *userdata) {
        HealthWatch *watch = userdata;
        bool is_hint = health_watch_drain(watch);
        int r;

        if (watch->directory < 0 && health_watch_renew(watch) >= 0)
                is_hint = true;

        r = sd_event_source_set_enabled(watch->io_source, SD_EVENT_ON);
        if (r < 0)
                return r;

        if (is_hint)
                watch->callback(watch->userdata); /* may free the watch */
        return 0;
}

int health_watch_new(sd_event *event, const StateStore *store, HealthWatchCallback callback, void *userdata,
                HealthWatch **ret) {
        _cleanup_(health_watch_free_pointer) HealthWatch *watch = NULL;
        _cleanup_close_ int fd = -1;
        int r;

        assert(event && store && callback && ret);

        watch = calloc(1, sizeof *watch);
        if (!watch)
                return -ENOMEM;
        watch->directory = -1;
        watch->callback = callback;
        watch->userdata = userdata;
        watch->store = store;

        fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        if (fd < 0)
                return -errno;

        r = sd_event_add_io(event, &watch->io_source, fd, EPOLLIN, on_event, watch);
        if (r < 0)
                return r;
        r = sd_event_source_set_io_fd_own(watch->io_source, true);
        if (r < 0)
                return r;
        watch->fd = TAKE_FD(fd);

        r = event_timer_new(event, CLOCK_BOOTTIME, ACCURACY_USEC, on_look, watch, &watch->timer_source);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(watch);
        return 0;
}

HealthWatch *health_watch_free(HealthWatch *watch) {
        if (!watch)
                return NULL;

        (void) sd_event_source_disable_unref(watch->timer_source);
        (void) sd_event_source_disable_unref(watch->io_source);
        free(watch);
        return NULL;
}
