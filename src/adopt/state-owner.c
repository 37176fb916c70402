/* SPDX-License-Identifier: MIT */
#include "adopt/state-owner.h"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "adopt/trusted-path.h"
#include "util/fd-util.h"
#include "util/text.h"

#define NODE_FILE "node.json"
#define LOCK_FILE ".lock"
#define HEALTH_DIRECTORY "health"

enum {
        OPEN_SAFELY = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY,
        OPEN_DIRECTORY = OPEN_SAFELY | O_DIRECTORY,
        STATE_MODE = 02750,
        HEALTH_MODE = 03770,
        NODE_MODE = 0640,
        LOCK_MODE = 0600,
};

/* A file of root's agent has one name; a second one could be anywhere, /etc/shadow for example. */
static bool is_roots(int fd, mode_t type) {
        struct stat st;

        return fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == 0 && (st.st_mode & S_IFMT) == type &&
               (type == S_IFDIR || st.st_nlink == 1);
}

static int give(int fd, mode_t mode, const Owner *owner) {
        return fchown(fd, owner->user, owner->group) < 0 || fchmod(fd, mode) < 0 ? -errno : 0;
}

static int give_if_roots(int directory_fd, const char *name, mode_t type, mode_t mode, const Owner *owner) {
        _cleanup_close_ int fd = openat(directory_fd, name, OPEN_SAFELY);

        return is_roots(fd, type) ? give(fd, mode, owner) : 0;
}

static int give_directory(int fd, const Owner *owner) {
        _cleanup_close_ int node_fd = openat(fd, NODE_FILE, OPEN_SAFELY);
        int r;

        if (!is_roots(fd, S_IFDIR) || !is_roots(node_fd, S_IFREG))
                return 0;

        r = give(node_fd, NODE_MODE, owner);
        if (r >= 0)
                r = give_if_roots(fd, LOCK_FILE, S_IFREG, LOCK_MODE, owner);
        if (r >= 0)
                r = give_if_roots(fd, HEALTH_DIRECTORY, S_IFDIR, HEALTH_MODE, owner);
        if (r >= 0)
                r = give(fd, STATE_MODE, owner);

        return r < 0 ? r : 1;
}

int state_take_over(int root_fd, const char *root, const char *hostname, const Owner *owner) {
        _cleanup_close_ int parent_fd = -1, fd = -1;

        parent_fd = trusted_open(root_fd, root);
        if (parent_fd < 0)
                return parent_fd == -ENOENT ? 0 : parent_fd;

        fd = openat(parent_fd, hostname, OPEN_DIRECTORY);
        return fd < 0 ? 0 : give_directory(fd, owner);
}

/* ---- purge ---- */

/* Removes names only: no link is followed, and no directory is removed. */
static void remove_matching(int fd, const char *pattern, bool only_regular) {
        struct dirent **entries;
        int count = scandirat(fd, ".", &entries, NULL, NULL);
        struct stat st;

        if (count < 0)
                return;

        for (int i = 0; i < count; i++) {
                const char *name = entries[i]->d_name;

                if (fnmatch(pattern, name, 0) == 0 &&
                                (!only_regular || (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                                                                  S_ISREG(st.st_mode))))
                        (void) unlinkat(fd, name, 0);
                free(entries[i]);
        }
        free(entries);
}

static void purge_health(int state_fd) {
        _cleanup_close_ int fd = openat(state_fd, HEALTH_DIRECTORY, OPEN_DIRECTORY);

        if (fd < 0)
                return;

        remove_matching(fd, "*", true);
        (void) unlinkat(state_fd, HEALTH_DIRECTORY, AT_REMOVEDIR);
}

int state_purge(int root_fd, const char *path, const Owner *owner) {
        _cleanup_close_ int parent_fd = -1, fd = -1;
        const char *name;
        struct stat st;

        parent_fd = trusted_open_parent(root_fd, path, &name);
        if (parent_fd < 0)
                return parent_fd == -ENOENT ? 0 : parent_fd;
        fd = openat(parent_fd, name, OPEN_DIRECTORY);
        if (fd < 0 || fstat(fd, &st) < 0 || st.st_uid != owner->user)
                return 0;

        remove_matching(fd, NODE_FILE "*", false);
        (void) unlinkat(fd, LOCK_FILE, 0);
        purge_health(fd);
        (void) unlinkat(parent_fd, name, AT_REMOVEDIR);
        return 0;
}

void settings_purge(int root_fd) {
        _cleanup_close_ int fd = trusted_open(root_fd, "etc/argus");
        _cleanup_close_ int more_fd = trusted_open(root_fd, "etc/argus/agent.env.d");

        if (fd >= 0)
                (void) unlinkat(fd, "agent.env", 0);
        if (more_fd >= 0)
                remove_matching(more_fd, "[!.]*.env", false);
}

void empty_directory_remove(int root_fd, const char *path) {
        const char *name;
        _cleanup_close_ int fd = trusted_open_parent(root_fd, path, &name);

        if (fd >= 0)
                (void) unlinkat(fd, name, AT_REMOVEDIR);
}
