/* SPDX-License-Identifier: MIT */
/* The log's way to an inherited stdout or stderr, which may be anything and may be stuck: a pipe that nobody
 * reads, a terminal that is stopped. Their descriptions are shared with other processes, so that they are
 * never made non-blocking; where it can be, the same file is opened again for that. */
#include "sys/log-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "util/fd-util.h"
#include "util/text.h"

static struct {
        int fd;          /* inherited */
        int own_fd;      /* the same, opened again non-blocking; or -1 */
        mode_t type;     /* S_IFREG and so on; 0: closed, or unknown */
        size_t line_max; /* bytes of a line that goes out whole or not at all */
        bool is_torn;    /* the last line ended in the middle */
} stream = { .fd = STDERR_FILENO, .own_fd = -1, .line_max = PIPE_BUF };

void log_stream_open(int fd) {
        char path[sizeof "/proc/self/fd/" + 3 * sizeof fd];
        struct stat st = {};

        log_stream_close();
        stream.fd = fd;
        if (fstat(fd, &st) == 0)
                stream.type = st.st_mode & S_IFMT;

        /* Not permitted when somebody else made the pipe or owns the terminal: then poll() has to do. */
        if (stream.type == S_IFIFO || isatty(fd)) {
                (void) snprintf(path, sizeof path, "/proc/self/fd/%i", fd);
                stream.own_fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        }

        /* What poll() calls writable takes PIPE_BUF bytes, at least where it is a pipe, whose readers also
         * get that much in one piece however many write. */
        if (stream.type == S_IFREG || stream.type == S_IFSOCK ||
                        (stream.type == S_IFCHR && stream.own_fd >= 0))
                stream.line_max = LOG_LINE_MAX;
}

void log_stream_close(void) {
        close_fd(stream.own_fd);
        stream = (typeof(stream)){ .fd = STDERR_FILENO, .own_fd = -1, .line_max = PIPE_BUF };
}

size_t log_stream_get_line_max(void) {
        return stream.line_max;
}

/* One write, which does not wait. */
static ssize_t stream_write_once(const char *data, size_t size) {
        struct pollfd pollfd = { .fd = stream.fd, .events = POLLOUT };
        int fd = stream.own_fd;

        if (stream.type == S_IFSOCK)
                return send(stream.fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (fd < 0) {
                if (poll(&pollfd, 1, 0) < 0)
                        return -1;
                if (!(pollfd.revents & POLLOUT)) {
                        errno = pollfd.revents == 0 ? EAGAIN : EPIPE;
                        return -1;
                }
                fd = stream.fd;
        }

        return write(fd, data, size);
}

static int stream_write(const char *data, size_t size) {
        ssize_t n;
        int r;

        if (stream.type == S_IFREG) {
                r = fd_write_all(stream.fd, data, size);
                stream.is_torn = r < 0;
                return r;
        }

        do
                n = stream_write_once(data, size);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;

        stream.is_torn = (size_t) n < size;
        return stream.is_torn ? -EAGAIN : 0;
}

int log_stream_write(const char *line, size_t size) {
        int r;

        if (stream.is_torn) {
                r = stream_write("\n", 1);
                if (r < 0)
                        return r;
        }

        return stream_write(line, size);
}

bool log_stream_is_journal(int fd) {
        const char *variable = getenv("JOURNAL_STREAM");
        char expected[64];
        struct stat st;

        if (isempty(variable) || fstat(fd, &st) < 0)
                return false;

        (void) snprintf(expected, sizeof expected, "%" PRIuMAX ":%" PRIuMAX, (uintmax_t) st.st_dev,
                        (uintmax_t) st.st_ino);
        return streq(variable, expected);
}

bool log_stream_wants_color(int fd) {
        return isatty(fd) && isempty(getenv("NO_COLOR")) && !streq(strempty(getenv("TERM")), "dumb");
}
