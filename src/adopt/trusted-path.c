#include "adopt/trusted-path.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "util/fd-util.h"
#include "util/text.h"

enum { LINKS_MAX = 40 }; /* as the kernel has it, path_resolution(7) */

typedef struct Walk {
        int root_fd, fd;
        char *rest; /* what is to be walked from `fd` on */
        unsigned links;
} Walk;

static void walk_clear(Walk *walk) {
        close_fd(walk->fd);
        free(walk->rest);
}

/* With an ACL the group bits are its mask, so they show its write access too; see acl(5). */
static int check_roots_alone(int fd) {
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;

        return st.st_uid == 0 && !(st.st_mode & 0022) ? 0 : -EXDEV;
}

static int go_to(Walk *walk, int fd) {
        if (fd < 0)
                return -errno;

        close_fd(walk->fd);
        walk->fd = fd;
        return 0;
}

static int go_to_root(Walk *walk) {
        return go_to(walk, openat(walk->root_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

static int go_up(Walk *walk) {
        struct stat here, root;

        if (fstat(walk->fd, &here) < 0 || fstat(walk->root_fd, &root) < 0)
                return -errno;
        if (here.st_dev == root.st_dev && here.st_ino == root.st_ino)
                return 0;

        return go_to(walk, openat(walk->fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

/* Puts the target of the link before the rest of the path. */
static int follow(Walk *walk, int link_fd) {
        char target[PATH_MAX];
        ssize_t size;
        char *rest;

        if (++walk->links > LINKS_MAX)
                return -ELOOP;
        size = readlinkat(link_fd, "", target, sizeof target);
        if (size < 0)
                return -errno;
        if (asprintf(&rest, "%.*s/%s", (int) size, target, walk->rest) < 0)
                return -ENOMEM;

        free(walk->rest);
        walk->rest = rest;
        return *rest == '/' ? go_to_root(walk) : 0;
}

static int go_down(Walk *walk, const char *name) {
        _cleanup_close_ int fd = -1;
        struct stat st;
        int r;

        r = check_roots_alone(walk->fd);
        if (r < 0)
                return r;
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

static int step(Walk *walk, const char *name) {
        if (streq(name, "."))
                return 0;
        if (streq(name, ".."))
                return go_up(walk);

        return go_down(walk, name);
}

/* Cuts the first component off the rest. Returns 1, 0 if there is none, or -ENAMETOOLONG. */
static int next_name(Walk *walk, char name[static NAME_MAX + 1]) {
        const char *begin = walk->rest + strspn(walk->rest, "/");
        size_t size = strcspn(begin, "/");

        if (size > NAME_MAX)
                return -ENAMETOOLONG;

        memcpy(name, begin, size);
        name[size] = '\0';
        memmove(walk->rest, begin + size, strlen(begin + size) + 1);
        return size > 0;
}

static int walk_along(Walk *walk) {
        char name[NAME_MAX + 1];
        int r = go_to_root(walk);

        while (r >= 0 && (r = next_name(walk, name)) > 0)
                r = step(walk, name);

        return r;
}

static int open_path(int root_fd, const char *path, size_t size) {
        _cleanup_(walk_clear) Walk walk = { .root_fd = root_fd, .fd = -1, .rest = strndup(path, size) };
        int r;

        if (!walk.rest)
                return -ENOMEM;

        r = walk_along(&walk);
        return r < 0 ? r : TAKE_FD(walk.fd);
}

int trusted_open(int root_fd, const char *path) {
        return open_path(root_fd, path, strlen(path));
}

int trusted_open_parent(int root_fd, const char *path, const char **ret_name) {
        const char *slash = strrchr(path, '/');

        *ret_name = slash ? slash + 1 : path;
        return open_path(root_fd, path, (size_t) (*ret_name - path));
}
