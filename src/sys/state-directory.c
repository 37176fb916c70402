/* SPDX-License-Identifier: MIT */
/* The directory of the state: found, made with the right mode and owner, held and locked. */
#include "sys/state-directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/fsuid.h>

#include "sys/state-internal.h"
#include "util/fd-util.h"
#include "util/text.h"

enum {
        /* How often to begin again when a name turns out to be taken or a file was exchanged meanwhile. */
        TRIES_MAX = 16,
        TWINS_SEEN_MAX = 1000,
};

DEFINE_CLEANUP(StateStore *, state_store_free)

int state_store_new(const char *root, const char *hostname, StateStore **ret) {
        _cleanup_(state_store_free_pointer) StateStore *store = calloc(1, sizeof *store);
        size_t length = strlen(root);

        /* Both were checked with the configuration. */
        assert(length > 0);
        assert(*hostname && !strchr(hostname, '/') && !streq(hostname, ".") && !streq(hostname, ".."));

        if (!store)
                return -ENOMEM;

        store->fd = store->lock_fd = -1;
        while (length > 0 && root[length - 1] == '/')
                length--;
        if (asprintf(&store->root, "%.*s/", (int) length, root) < 0 ||
                        asprintf(&store->path, "%s%s", store->root, hostname) < 0 ||
                        asprintf(&store->health_path, "%s/" HEALTH_DIRECTORY, store->path) < 0)
                return -ENOMEM;
        store->name = store->path + length + 1;

        *ret = TAKE_PTR(store);
        return 0;
}

StateStore *state_store_free(StateStore *store) {
        if (!store)
                return NULL;

        /* The lock file stays: removing it would race with an agent that opens it now. */
        close_fd(store->lock_fd);
        close_fd(store->fd);
        free(store->root);
        free(store->path);
        free(store->health_path);
        free(store);
        return NULL;
}

const char *state_store_path(const StateStore *store) {
        return store->path;
}

const char *state_store_health_path(const StateStore *store) {
        return store->health_path;
}

bool state_same_file(const struct stat *a, const struct stat *b) {
        return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

int state_open_regular(int directory_fd, const char *name, int flags, struct stat *ret) {
        _cleanup_close_ int fd = openat(directory_fd, name, flags | OPEN_SAFELY, 0600);

        if (fd < 0)
                return errno == ENXIO ? -EINVAL : -errno; /* ENXIO: a socket */
        if (fstat(fd, ret) < 0)
                return -errno;
        if (!S_ISREG(ret->st_mode))
                return S_ISDIR(ret->st_mode) ? -EISDIR : -EINVAL;

        return TAKE_FD(fd);
}

void state_adopt_owner(int directory_fd, int fd) {
        struct stat st;

        /* Only for what was just made exclusively, and by descriptor: a name could be exchanged. */
        if (geteuid() == 0 && fstat(directory_fd, &st) == 0)
                (void) !fchown(fd, st.st_uid, st.st_gid);
}

int state_sync_directory(int fd) {
        return fsync(fd) < 0 && errno != EINVAL && errno != EOPNOTSUPP ? -errno : 0;
}

/* ---- making directories ---- */

/* Makes a directory with exactly this mode, and what its parent hands down, if it does not exist. Root makes
 * it as the parent's owner: mkdir() returns no descriptor, so a later chown could hit another directory that
 * the owner put in its place. See setfsuid(2). */
static int make_directory(int parent_fd, const char *name, mode_t mode) {
        _cleanup_close_ int parent = -1;
        bool is_root = geteuid() == 0;
        struct stat st;
        mode_t saved;
        int r;

        if (fstat(parent_fd, &st) < 0)
                return -errno;

        /* Not by a later chmod: that would clear the set-gid bit that the parent handed down, and
         * RestrictSUIDSGID= forbids setting it again. */
        saved = umask(0);
        if (is_root) {
                (void) setfsgid(st.st_gid);
                (void) setfsuid(st.st_uid);
        }
        r = mkdirat(parent_fd, name, mode) < 0 ? -errno : 0;
        if (is_root) {
                (void) setfsuid(0);
                (void) setfsgid(getegid());
        }
        (void) umask(saved);
        if (r < 0)
                return r == -EEXIST ? 0 : r;

        /* Files in the directory survive a power cut only if its own entry does. `parent_fd` may be an
         * O_PATH one, which cannot be synced. A parent that cannot be read is left to the kernel. */
        parent = openat(parent_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return parent < 0 ? 0 : state_sync_directory(parent);
}

/* Opens <root>, and makes what is missing of it. */
static int make_root(const StateStore *store) {
        _cleanup_free_ char *root = strdup(store->root);
        _cleanup_close_ int fd = -1;
        char *state = NULL;
        int r;

        if (!root)
                return -ENOMEM;

        fd = open(*root == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;

        for (char *name = strtok_r(root, "/", &state); name; name = strtok_r(NULL, "/", &state)) {
                int next = openat(fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);

                if (next < 0 && errno == ENOENT) {
                        r = make_directory(fd, name, 0755);
                        /* The root is missing; its parent is read-only because of the sandbox. */
                        if (r < 0)
                                return r == -EROFS ? -ENOENT : r;
                        next = openat(fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
                }
                if (next < 0)
                        return -errno;

                close_fd(fd);
                fd = next;
        }

        return TAKE_FD(fd);
}

static int open_in(int root_fd, const StateStore *store, int access) {
        int fd = openat(root_fd, store->name, access | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        return fd >= 0 ? fd : -errno;
}

int state_directory_open(const StateStore *store, int access) {
        _cleanup_close_ int root_fd = open(store->root, O_PATH | O_DIRECTORY | O_CLOEXEC);

        return root_fd < 0 ? -errno : open_in(root_fd, store, access);
}

static int open_or_make(const StateStore *store) {
        _cleanup_close_ int root_fd = -1;
        int fd, r;

        fd = state_directory_open(store, O_RDONLY);
        if (fd != -ENOENT)
                return fd;

        root_fd = make_root(store);
        if (root_fd < 0)
                return root_fd;
        r = make_directory(root_fd, store->name, 0750);
        return r < 0 ? r : open_in(root_fd, store, O_RDONLY);
}

static int hold_directory(StateStore *store) {
        _cleanup_close_ int fd = open_or_make(store);
        struct stat st, held;

        if (fd < 0)
                return fd;

        /* Inode numbers are not reused here: both are open. */
        if (fstat(fd, &st) == 0 && fstat(store->fd, &held) == 0 && state_same_file(&st, &held))
                return 0;

        store->lock_fd = close_fd(store->lock_fd);
        close_fd(store->fd);
        store->fd = TAKE_FD(fd);
        return 0;
}

int state_store_open_health(const StateStore *store) {
        _cleanup_close_ int state_fd = state_directory_open(store, O_PATH);
        struct stat st;
        int fd, flags = O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC;

        if (state_fd < 0)
                return state_fd;
        if (fstat(state_fd, &st) < 0)
                return -errno;

        /* In another user's directory, a link could point root's agent anywhere. */
        fd = openat(state_fd, HEALTH_DIRECTORY, flags | (st.st_uid == geteuid() ? 0 : O_NOFOLLOW));
        return fd >= 0 ? fd : -errno;
}

int state_directory_make_health(const StateStore *store) {
        struct stat st;

        /* One that exists is left as it is: the package, or the administrator, knows better. */
        if (fstatat(store->fd, HEALTH_DIRECTORY, &st, AT_SYMLINK_NOFOLLOW) == 0)
                return 0;

        /* Sticky: modules of different users cannot replace each other's files. */
        return make_directory(store->fd, HEALTH_DIRECTORY, 01770);
}

/* ---- the lock ---- */

/* A file that others can read they can lock: members of the directory's group could keep the agent from
 * starting. A file with further hard links is left alone. */
static void close_to_others(int fd, const struct stat *st) {
        if (st->st_uid == geteuid() && st->st_nlink == 1 && (st->st_mode & 0077))
                (void) fchmod(fd, 0600);
}

/* Opens it for writing only if the file system needs that for a lock (NFS): a file open for writing keeps
 * its disk from being remounted read-only, and on a read-only one it cannot be opened so. */
static int open_lock(int directory_fd, int access) {
        struct stat st = {};
        int fd = state_open_regular(directory_fd, LOCK_FILE, access, &st);

        if (fd == -ENOENT) {
                fd = state_open_regular(directory_fd, LOCK_FILE, access | O_CREAT | O_EXCL, &st);
                if (fd >= 0)
                        state_adopt_owner(directory_fd, fd);
        }
        if (fd >= 0)
                close_to_others(fd, &st);
        return fd;
}

/* Whether this open file is still the one that others find and lock. */
static bool lock_is_current(int directory_fd, int fd) {
        struct stat st, held;

        return fstatat(directory_fd, LOCK_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &held) == 0 &&
               state_same_file(&st, &held);
}

static int take_lock(StateStore *store) {
        int access = O_RDONLY;

        if (lock_is_current(store->fd, store->lock_fd))
                return 0;

        for (int i = 0; i < TRIES_MAX; i++) {
                _cleanup_close_ int fd = open_lock(store->fd, access);

                if (fd == -EEXIST)
                        continue; /* another agent made it just now */
                if (fd < 0)
                        return fd;
                if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
                        if (errno != EBADF || access == O_RDWR)
                                return errno == EWOULDBLOCK ? -EBUSY : -errno;
                        access = O_RDWR; /* NFS */
                        continue;
                }
                if (!lock_is_current(store->fd, fd))
                        continue; /* removed between open and lock: what we hold is nobody's lock */

                close_fd(store->lock_fd);
                store->lock_fd = TAKE_FD(fd);
                return 1;
        }

        return -EBUSY;
}

int state_directory_lock(StateStore *store) {
        int r = hold_directory(store);

        return r < 0 ? r : take_lock(store);
}

/* ---- neighbours ---- */

static bool is_twin(int root_fd, const char *name, const char *own) {
        _cleanup_close_ int fd = -1;
        size_t label = strcspn(own, ".");
        struct stat st;

        if (streq(name, own) || strcspn(name, ".") != label || strncmp(name, own, label) != 0)
                return false;

        fd = openat(root_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd >= 0 && fstatat(fd, NODE_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

int state_store_find_twin(const StateStore *store, char **ret_name) {
        int fd = open(store->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
        DIR *stream = fd >= 0 ? fdopendir(fd) : NULL; /* takes the descriptor */

        if (!stream) {
                r = -errno;
                close_fd(fd);
                return r;
        }

        for (unsigned i = 0; i < TWINS_SEEN_MAX && r == 0; i++) {
                const struct dirent *entry = readdir(stream);

                if (!entry)
                        break;
                if (is_twin(dirfd(stream), entry->d_name, store->name))
                        r = text_duplicate(entry->d_name, ret_name) < 0 ? -ENOMEM : 1;
        }
        (void) closedir(stream);
        return r;
}
