#include "sys/state-check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "util/fd-util.h"
#include "util/macro.h"
#include "util/text.h"

static int check_directory(const char *path, int access) {
        struct stat st;

        if (stat(path, &st) < 0)
                return -errno;
        if (!S_ISDIR(st.st_mode))
                return -ENOTDIR;

        /* For the effective user. A read-only file system counts for root, too. */
        return faccessat(AT_FDCWD, path, access, AT_EACCESS) < 0 ? -errno : 0;
}

/* Follows no link here: in a root that another user may write to, it could lead anywhere. */
static int check_own_directory(const char *path, int access) {
        struct stat st;

        if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
                return -ENOTDIR;
        return check_directory(path, access);
}

/* As state_directory_open_health() has it. */
static int check_health(const char *parent, const char *path) {
        struct stat st;

        return stat(parent, &st) == 0 && st.st_uid == geteuid() ? check_directory(path, R_OK | X_OK)
                                                                : check_own_directory(path, R_OK | X_OK);
}

static bool exists(const char *path) {
        struct stat st;

        return lstat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

/* Cuts an absolute path to what exists of it. Returns whether something was cut off. */
static bool cut_to_existing(char *path) {
        bool is_cut = false;

        while (!exists(path)) {
                char *slash = strrchr(path, '/');

                slash[slash == path] = '\0';
                is_cut = true;
        }

        return is_cut;
}

/* Returns 0, 1 if another process has it, or a negative errno. A shared lock, so that two checks do not see
 * each other, and NFS needs no file open for writing. Released at once: an agent that starts in that instant
 * ends with 75, and is started again. */
static int check_lock(const char *path) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        struct stat st;

        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EINVAL;
        if (flock(fd, LOCK_SH | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? 1 : -errno;

        return 0;
}

static char *path_join(const char *folder, const char *name) {
        char *path;

        return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

/* Names the place of a failure. */
static int done(int r, char **place, char **ret_place) {
        if (r < 0)
                *ret_place = TAKE_PTR(*place);
        return r;
}

int state_check(const char *root, const char *hostname, char **ret_place) {
        _cleanup_free_ char *path = path_join(root, hostname), *lock = NULL, *health = NULL;
        int r, lock_result;

        if (!path)
                return -ENOMEM;
        if (cut_to_existing(path))
                return done(check_directory(path, W_OK | X_OK), &path, ret_place);

        lock = path_join(path, ".lock");
        health = path_join(path, "health");
        if (!lock || !health)
                return -ENOMEM;

        r = check_own_directory(path, R_OK | W_OK | X_OK);
        if (r < 0)
                return done(r, &path, ret_place);
        lock_result = check_lock(lock);
        if (lock_result < 0)
                return done(lock_result, &lock, ret_place);
        r = exists(health) ? check_health(path, health) : 0;
        if (r < 0)
                return done(r, &health, ret_place);

        return lock_result;
}
