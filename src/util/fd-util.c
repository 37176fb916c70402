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

int fd_read_all(int fd, size_t expected, size_t max, char **ret_data, size_t *ret_size) {
        _cleanup_free_ char *data = NULL;
        size_t size = 0, allocated = 0;

        for (;;) {
                ssize_t n;

                if (allocated - size < 2) {
                        size_t larger = allocated > 0     ? allocated * 2
                                        : expected > 4096 ? expected + 2
                                                          : 4096;
                        char *grown;

                        if (larger > max + 2) /* one byte to notice that there is more, one for the NUL */
                                larger = max + 2;
                        grown = realloc(data, larger);
                        if (!grown)
                                return -ENOMEM;
                        data = grown;
                        allocated = larger;
                }

                n = read(fd, data + size, allocated - size - 1);
                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                if (n == 0)
                        break;

                size += (size_t) n;
                if (size > max)
                        return -EFBIG;
        }

        data[size] = '\0';
        *ret_data = TAKE_PTR(data);
        *ret_size = size;
        return 0;
}
