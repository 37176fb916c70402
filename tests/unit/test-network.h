/* SPDX-License-Identifier: MIT */
/* A network namespace of the test's own. */
#pragma once

#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "util/fd-util.h"

static bool network_may_change(void) {
        _cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct ifreq request = { .ifr_name = "lo" };

        return ioctl(fd, SIOCSIFFLAGS, &request) == 0;
}

/* Root may lack CAP_NET_ADMIN, in a container say; as root of a user namespace we have it. */
static bool network_enter(void) {
        return (unshare(CLONE_NEWNET) == 0 && network_may_change()) ||
               (unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 && network_may_change());
}
