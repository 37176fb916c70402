/* SPDX-License-Identifier: MIT */
#include "util/fd-util.h"

int fd_write_all(int fd, const void *data, size_t size) {
        const char *p = data;

        while (size > 0) {
                ssize_t n = write(fd, p, size);

                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                if (n == 0) /* cannot happen for a file; never loop on it */
                        return -EIO;

                p += n;
                size -= (size_t) n;
        }

        return 0;
}

int fd_read(int fd, void *data, size_t room, size_t *ret_size) {
        size_t size = 0;

        while (size < room) {
                ssize_t n = read(fd, (char *) data + size, room - size);

                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                if (n == 0)
                        break;
                size += (size_t) n;
        }

        *ret_size = size;
        return 0;
}

int fd_read_all(int fd, size_t max, char **ret_data, size_t *ret_size) {
        _cleanup_free_ char *data = NULL;
        size_t size = 0, room = 0;

        do {
                size_t n = 0;
                char *grown;
                int r;

                /* one byte to notice that there is more, one for the NUL */
                room = room == 0 ? 4096 : room * 2;
                if (room > max + 1)
                        room = max + 1;
                grown = realloc(data, room + 1);
                if (!grown)
                        return -ENOMEM;
                data = grown;

                r = fd_read(fd, data + size, room - size, &n);
                if (r < 0)
                        return r;
                size += n;
                if (size > max)
                        return -EFBIG;
        } while (size == room);

        data[size] = '\0';
        *ret_data = TAKE_PTR(data);
        *ret_size = size;
        return 0;
}
