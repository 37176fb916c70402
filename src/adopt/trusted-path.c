/* SPDX-License-Identifier: MIT */
#include "adopt/trusted-path.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "util/fd-util.h"
#include "util/text.h"

enum { LINKS_MAX = 40 }; /* as the kernel has it, path_resolution(7) */

typedef struct Walk {
        int root_fd, fd;
        unsigned links;
} Walk;

static int go_to(Walk *walk, int fd) {
        if (fd < 0)
                return -errno;

        close_fd(walk->fd);
        walk->fd = fd;
        return 0;
}

static int go_up(Walk *walk) {
        struct stat here, root;

        if (fstat(walk->fd, &here) < 0 || fstat(walk->root_fd, &root) < 0)
                return -errno;
        if (here.st_dev == root.st_dev && here.st_ino == root.st_ino)
                return 0;

        return go_to(walk, openat(walk->fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

static int walk_along(Walk *walk, char *path);

static int follow(Walk *walk, int link_fd) {
        char target[PATH_MAX];
        ssize_t size;

        if (++walk->links > LINKS_MAX)
                return -ELOOP;
        size = readlinkat(link_fd, "", target, sizeof target - 1);
        if (size < 0)
                return -errno;

        target[size] = '\0';
        return walk_along(walk, target);
}

static int go_down(Walk *walk, const char *name) {
        _cleanup_close_ int fd = -1;
        struct stat st;

        if (fstat(walk->fd, &st) < 0)
                return -errno;
        /* With an ACL the group bits are its mask, so they show its write access too; see acl(5). */
        if (st.st_uid != 0 || st.st_mode & 0022)
                return -EXDEV;

        fd = openat(walk->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (S_ISLNK(st.st_mode))
                return follow(walk, fd);
        if (S_ISDIR(st.st_mode))
                return go_to(walk, TAKE_FD(fd));
        if (!S_ISREG(st.st_mode))
                return -ENOTDIR;

        return go_to(walk, openat(walk->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
}

static int walk_along(Walk *walk, char *path) {
        char *state = NULL;
        int r = 0;

        if (*path == '/')
                r = go_to(walk, openat(walk->root_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));

        for (char *name = strtok_r(path, "/", &state); name && r >= 0; name = strtok_r(NULL, "/", &state))
                if (streq(name, ".."))
                        r = go_up(walk);
                else if (!streq(name, "."))
                        r = go_down(walk, name);
        return r;
}

static int open_path(int root_fd, const char *path, size_t size) {
        Walk walk = { .root_fd = root_fd, .fd = -1 };
        _cleanup_free_ char *absolute = NULL;
        int r;

        if (asprintf(&absolute, "/%.*s", (int) size, path) < 0)
                return -ENOMEM;

        r = walk_along(&walk, absolute);
        if (r < 0)
                close_fd(walk.fd);
        return r < 0 ? r : walk.fd;
}

int trusted_open(int root_fd, const char *path) {
        return open_path(root_fd, path, strlen(path));
}

int trusted_open_parent(int root_fd, const char *path, const char **ret_name) {
        const char *slash = strrchr(path, '/');

        *ret_name = slash ? slash + 1 : path;
        return open_path(root_fd, path, (size_t) (*ret_name - path));
}
