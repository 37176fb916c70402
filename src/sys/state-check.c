/* SPDX-License-Identifier: MIT */
/* Whether the state directory could be used, without making or changing anything: for --check, which must
 * find what a start finds, and runs beside a running agent. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>

#include "sys/state-internal.h"
#include "sys/state-store.h"
#include "util/fd-util.h"
#include "util/text.h"

/* For the effective user. A read-only file system counts for root, too. */
static int check_access(int directory_fd, const char *path, int access) {
        return faccessat(directory_fd, path, access, AT_EACCESS) < 0 ? -errno : 0;
}

static bool exists(int directory_fd, const char *path) {
        struct stat st;

        return fstatat(directory_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 ||
               (errno != ENOENT && errno != ENOTDIR);
}

/* Whether what is missing could be made: cuts the path to what exists of it. */
static int check_parent(char *path) {
        struct stat st;

        do {
                char *slash = strrchr(path, '/');

                slash[slash == path] = '\0';
        } while (!exists(AT_FDCWD, path));

        if (stat(path, &st) < 0)
                return -errno;
        return S_ISDIR(st.st_mode) ? check_access(AT_FDCWD, path, W_OK | X_OK) : -ENOTDIR;
}

/* Returns 0, 1 if another process has it, or a negative errno. A shared lock, so that two checks do not see
 * each other, and NFS needs no file open for writing. Released at once: an agent that starts in that instant
 * ends with 75, and is started again. */
static int check_lock(int directory_fd) {
        struct stat st;
        _cleanup_close_ int fd = state_open_regular(directory_fd, LOCK_FILE, O_RDONLY, &st);

        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;
        if (flock(fd, LOCK_SH | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? 1 : -errno;
        return 0;
}

static int check_health(const StateStore *store, int directory_fd) {
        _cleanup_close_ int fd = -1;

        if (!exists(directory_fd, HEALTH_DIRECTORY))
                return 0;

        fd = state_store_open_health(store);
        return fd < 0 ? fd : check_access(fd, ".", X_OK);
}

/* The place of a failure is the end of `path`, which begins as <root>/<hostname>. */
static int check(const StateStore *store, char *path, const char **ret_name) {
        _cleanup_close_ int fd = state_directory_open(store, O_PATH);
        int r, lock_result;

        *ret_name = "";
        if (!exists(AT_FDCWD, path))
                return check_parent(path);
        if (fd < 0)
                return fd;
        r = check_access(fd, ".", R_OK | W_OK | X_OK);
        if (r < 0)
                return r;

        *ret_name = "/" LOCK_FILE;
        lock_result = check_lock(fd);
        if (lock_result < 0)
                return lock_result;

        *ret_name = "/" HEALTH_DIRECTORY;
        r = check_health(store, fd);
        return r < 0 ? r : lock_result;
}

int state_store_check(const StateStore *store, char **ret_place) {
        _cleanup_free_ char *path = strdup(store->path);
        const char *name;
        int r;

        if (!path)
                return -ENOMEM;

        r = check(store, path, &name);
        return r < 0 && asprintf(ret_place, "%s%s", path, name) < 0 ? -ENOMEM : r;
}
