/* SPDX-License-Identifier: MIT */
/* The messages are not read: only the kernel's routing knows which address is the right one, and the
 * receiver of the hint asks it. On a machine whose containers come and go, changes come by the hundred. So
 * the first one turns the socket off, and a slow timer looks into it until it stays empty. */
#include "sys/net-watch.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "sys/event-timer.h"
#include "util/fd-util.h"
#include "util/time-util.h"

#define LOOK_USEC (250 * USEC_PER_MSEC)
#define SETTLE_USEC USEC_PER_SEC
#define UNSETTLED_MAX_USEC (5 * USEC_PER_SEC) /* reported by then even if it never stops */
#define ACCURACY_USEC (50 * USEC_PER_MSEC)

enum { READS_MAX = 1024 }; /* at a time, more than the kernel's default buffer holds */

struct NetWatch {
        sd_event_source *io_source; /* owns the socket */
        sd_event_source *timer_source;
        int fd;
        usec_t first_usec, last_usec; /* of the present series of changes, on the boot-time clock */
        NetWatchCallback callback;
        void *userdata;
};

DEFINE_CLEANUP(NetWatch *, net_watch_free)

/* Empties the socket. Returns 1 if there was a change, 0 if not, or a negative errno. */
static int net_watch_drain(NetWatch *watch) {
        int changed = 0;

        for (size_t i = 0; i < READS_MAX; i++) {
                struct sockaddr_nl sender = {};
                socklen_t sender_size = sizeof sender;
                char nothing; /* the kernel cuts off the rest */
                ssize_t n = recvfrom(watch->fd, &nothing, sizeof nothing, MSG_DONTWAIT,
                                (struct sockaddr *) &sender, &sender_size);

                if (n >= 0 ? sender.nl_pid == 0 /* the kernel */ : errno == ENOBUFS /* more than it holds */)
                        changed = 1;
                else if (n < 0 && errno != EINTR)
                        return errno == EAGAIN ? changed : -errno;
        }

        return changed;
}

/* A negative return value ends the watch: the event loop turns the source off, instead of calling it again
 * and again for an error that stays. */
static int on_socket(sd_event_source *source, _unused_ int fd, _unused_ uint32_t events, void *userdata) {
        NetWatch *watch = userdata;
        usec_t now = now_usec(CLOCK_BOOTTIME);
        int r;

        r = net_watch_drain(watch);
        if (r <= 0)
                return r;

        watch->first_usec = watch->last_usec = now;
        event_timer_arm(watch->timer_source, now + LOOK_USEC);
        return sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

static int on_look(_unused_ sd_event_source *source, _unused_ usec_t usec, void *userdata) {
        NetWatch *watch = userdata;
        usec_t now = now_usec(CLOCK_BOOTTIME);
        int r;

        r = net_watch_drain(watch);
        if (r < 0)
                return r;
        if (r > 0)
                watch->last_usec = now;

        if (now < watch->last_usec + SETTLE_USEC && now < watch->first_usec + UNSETTLED_MAX_USEC) {
                event_timer_arm(watch->timer_source, now + LOOK_USEC);
                return 0;
        }

        (void) sd_event_source_set_enabled(watch->io_source, SD_EVENT_ON);
        watch->callback(watch->userdata); /* may free the watch */
        return 0;
}

int net_watch_new(sd_event *event, NetWatchCallback callback, void *userdata, NetWatch **ret) {
        const struct sockaddr_nl address = {
                .nl_family = AF_NETLINK,
                .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
                             RTMGRP_IPV6_ROUTE,
        };
        _cleanup_(net_watch_free_pointer) NetWatch *watch = calloc(1, sizeof *watch);
        _cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
        int r;

        if (!watch)
                return -ENOMEM;
        if (fd < 0 || bind(fd, (const struct sockaddr *) &address, sizeof address) < 0)
                return -errno;

        *watch = (NetWatch){ .fd = fd, .callback = callback, .userdata = userdata };
        r = sd_event_add_io(event, &watch->io_source, fd, EPOLLIN, on_socket, watch);
        if (r < 0)
                return r;
        (void) sd_event_source_set_io_fd_own(watch->io_source, true);
        (void) TAKE_FD(fd);

        r = event_timer_new(event, CLOCK_BOOTTIME, ACCURACY_USEC, on_look, watch, &watch->timer_source);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(watch);
        return 0;
}

NetWatch *net_watch_free(NetWatch *watch) {
        if (!watch)
                return NULL;

        (void) sd_event_source_disable_unref(watch->timer_source);
        (void) sd_event_source_disable_unref(watch->io_source);
        free(watch);
        return NULL;
}
