/* SPDX-License-Identifier: MIT */
/* File descriptors: closing at the end of a scope, whole reads and writes. */
#pragma once

#include <errno.h>
#include <stddef.h>
#include <sys/types.h>
#include <unistd.h>

#include "util/macro.h"

static inline void close_fd_pointer(int *fd) {
        if (*fd >= 0) {
                int saved = errno;

                (void) close(*fd); /* on Linux the descriptor is gone even on EINTR */
                errno = saved;
        }
}

#define _cleanup_close_ _cleanup_(close_fd_pointer)

static inline int close_fd(int fd) {
        close_fd_pointer(&fd);
        return -1;
}

/* Writes all of it. Returns 0 or a negative errno. */
int fd_write_all(int fd, const void *data, size_t size);

/* Reads until there is no more room or the file ends. Returns 0 or a negative errno. */
int fd_read(int fd, void *data, size_t room, size_t *ret_size);

/* Reads until the end of the file, `max` bytes at most; a byte is kept free behind them for a NUL, which
 * is set. Returns 0 and memory that the caller frees, -EFBIG if there is more than `max`, or another
 * negative errno. */
int fd_read_all(int fd, size_t max, char **ret_data, size_t *ret_size);
