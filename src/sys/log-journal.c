/* SPDX-License-Identifier: MIT */
/* The log's way to journald: its native protocol, https://systemd.io/JOURNAL_NATIVE_PROTOCOL. Not by
 * sd_journal_send(), whose send waits for as long as journald does not read. */
#include "sys/log-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "util/fd-util.h"

static struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket" };
static int journal_fd = -1;

void log_journal_set_path(const char *path) {
        (void) snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
}

int log_journal_open(void) {
        const struct sockaddr nowhere = { .sa_family = AF_UNSPEC };
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

        if (fd < 0)
                return -errno;

        /* Connected for a moment, to learn whether journald listens. Each entry is addressed by itself: a
         * journald that goes away and comes back needs no reconnection. */
        if (connect(fd, (const struct sockaddr *) &address, sizeof address) < 0)
                return -errno;
        if (connect(fd, &nowhere, sizeof nowhere) < 0)
                return -errno;

        log_journal_close();
        journal_fd = TAKE_FD(fd);
        return 0;
}

void log_journal_close(void) {
        journal_fd = close_fd(journal_fd);
}

/* One datagram: the entry, or else (NULL) a descriptor of a file that holds it. */
static int journal_send(const char *entry, size_t size, int fd) {
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(int))];
        } control = { .header = { .cmsg_len = CMSG_LEN(sizeof fd),
                                      .cmsg_level = SOL_SOCKET,
                                      .cmsg_type = SCM_RIGHTS } };
        struct iovec iovec = { .iov_base = (char *) entry, .iov_len = size };
        struct msghdr message = {
                .msg_name = &address,
                .msg_namelen = sizeof address,
                .msg_iov = &iovec,
                .msg_iovlen = 1,
        };

        if (!entry) {
                memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
                message.msg_control = &control;
                message.msg_controllen = sizeof control;
        }
        return sendmsg(journal_fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* For what is larger than a datagram may be; journald reads a file that nobody can change any more. */
static int journal_send_memfd(const char *entry, size_t size) {
        _cleanup_close_ int fd = -1;
        int r;

        fd = memfd_create(LOG_IDENTIFIER "-log", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd < 0)
                return -errno;

        r = fd_write_all(fd, entry, size);
        if (r < 0)
                return r;

        if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
                return -errno;

        return journal_send(NULL, 0, fd);
}

int log_journal_write(const char *entry, size_t size) {
        int r;

        if (journal_fd < 0)
                return -ENOTCONN;

        r = journal_send(entry, size, -1);
        return r == -EMSGSIZE || r == -ENOBUFS ? journal_send_memfd(entry, size) : r;
}
