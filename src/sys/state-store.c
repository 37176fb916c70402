/* The directory <root>/<hostname>: made when missing, locked against a second agent, and node.json in it,
 * which is replaced so that a kill or a power cut at any instant leaves the old or the new object. Links are
 * followed on the way to the directory (an administrator's own), never inside it. */
#include "sys/state-store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "core/node.h"
#include "util/fd-util.h"
#include "util/text.h"

#define NODE_FILE "node.json"
#define LOCK_FILE ".lock"
#define HEALTH_DIRECTORY "health"
#define CORRUPT_PREFIX NODE_FILE ".corrupt-"
#define TEMPORARY_PREFIX "." NODE_FILE "."
#define TEMPORARY_SUFFIX ".tmp"

enum {
        CORRUPT_KEPT = 3,
        /* How often to begin again when a name turns out to be taken or a file was exchanged meanwhile. */
        TRIES_MAX = 16,
        /* Nothing in the directory is followed, waited for, handed to a child or made our terminal. */
        OPEN_SAFELY = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY,
};

struct StateStore {
        char *root, *path, *node_path, *health_path;
        int directory_fd; /* -1 until it could be opened */
        int lock_fd;      /* the locked .lock of that very directory; -1: not held */
        struct stat node; /* of node.json as it was loaded or saved last */
};

DEFINE_CLEANUP(StateStore *, state_store_free)

int state_store_new(const char *root, const char *hostname, StateStore **ret) {
        _cleanup_(state_store_free_pointer) StateStore *store = NULL;
        size_t length = strlen(root);

        /* Both were checked with the configuration. */
        assert(length > 0);
        assert(*hostname && !strchr(hostname, '/') && !streq(hostname, ".") && !streq(hostname, ".."));

        store = calloc(1, sizeof *store);
        if (!store)
                return -ENOMEM;
        store->directory_fd = store->lock_fd = -1;

        while (length > 0 && root[length - 1] == '/')
                length--;

        if (asprintf(&store->root, "%.*s/", (int) length, root) < 0) {
                store->root = NULL;
                return -ENOMEM;
        }
        if (asprintf(&store->path, "%s%s", store->root, hostname) < 0) {
                store->path = NULL;
                return -ENOMEM;
        }
        if (asprintf(&store->node_path, "%s/" NODE_FILE, store->path) < 0) {
                store->node_path = NULL;
                return -ENOMEM;
        }
        if (asprintf(&store->health_path, "%s/" HEALTH_DIRECTORY, store->path) < 0) {
                store->health_path = NULL;
                return -ENOMEM;
        }

        *ret = TAKE_PTR(store);
        return 0;
}

StateStore *state_store_free(StateStore *store) {
        if (!store)
                return NULL;

        /* The lock file stays: to remove it would be a race with an agent that opens it just now. */
        close_fd(store->lock_fd);
        close_fd(store->directory_fd);
        free(store->root);
        free(store->path);
        free(store->node_path);
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

/* A process cannot be fooled by a reused inode number here: one of the two is always held open. */
static bool same_file(const struct stat *a, const struct stat *b) {
        return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static int check_regular(int fd, struct stat *ret) {
        if (fstat(fd, ret) < 0)
                return -errno;
        if (S_ISDIR(ret->st_mode))
                return -EISDIR;

        return S_ISREG(ret->st_mode) ? 0 : -EINVAL;
}

/* Brings a directory's entries to the disk. File systems that know no such operation are believed. */
static int sync_directory(int fd) {
        if (fsync(fd) < 0 && errno != EINVAL && errno != EOPNOTSUPP)
                return -errno;

        return 0;
}

/* What root makes in a directory of the agent's user (by `argus-agent --once` in a shell, say) belongs to
 * that user, or the service could not open it later. Only for what was just made, and by descriptor: a name
 * could be exchanged for a link to a file of root's. To fail here is no harm. */
static void adopt_owner(int directory_fd, int fd) {
        struct stat st;

        if (geteuid() == 0 && fstat(directory_fd, &st) == 0 && fchown(fd, st.st_uid, st.st_gid) < 0)
                return;
}

/* Makes a directory with exactly this mode, and what its parent hands down, if it does not exist. */
static int make_directory(int parent_fd, const char *name, mode_t mode) {
        _cleanup_close_ int fd = -1, parent = -1;
        mode_t saved;
        int r;

        /* Not by chmod afterwards: that would take the set-gid bit away that the parent handed down, and to
         * set it again is forbidden under RestrictSUIDSGID=. */
        saved = umask(0);
        r = mkdirat(parent_fd, name, mode) < 0 ? -errno : 0;
        (void) umask(saved);
        if (r < 0)
                return r == -EEXIST ? 0 : r;

        fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | OPEN_SAFELY);
        if (fd >= 0)
                adopt_owner(parent_fd, fd);

        /* What is saved in it later survives a power cut only if it does so itself. `parent_fd` may be an
         * O_PATH one, which cannot be synced. A parent that cannot be read is left to the kernel. */
        parent = openat(parent_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return parent < 0 ? 0 : sync_directory(parent);
}

/* Makes <root>/<hostname> and what is missing above it. */
static int make_path(const StateStore *store) {
        _cleanup_free_ char *root = NULL;
        _cleanup_close_ int fd = -1;
        char *state = NULL;
        int r;

        root = strdup(store->root);
        if (!root)
                return -ENOMEM;

        fd = open(*root == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;

        for (char *name = strtok_r(root, "/", &state); name; name = strtok_r(NULL, "/", &state)) {
                int next = openat(fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);

                if (next < 0 && errno == ENOENT) {
                        r = make_directory(fd, name, 0755);
                        if (r < 0)
                                return r;
                        next = openat(fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
                }
                if (next < 0)
                        return -errno;

                close_fd(fd);
                fd = next;
        }

        return make_directory(fd, store->path + strlen(store->root), 0750);
}

/* Holds the directory that the path names now, which may be another one than last time: it was removed, or
 * moved away and made again. The lock of the earlier one is worth nothing then. */
static int hold_directory(StateStore *store) {
        _cleanup_close_ int fd = -1;
        struct stat st, held;
        int r;

        fd = open(store->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT) {
                r = make_path(store);
                if (r < 0)
                        return r;
                fd = open(store->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        }
        if (fd < 0)
                return -errno;

        if (store->directory_fd >= 0 && fstat(fd, &st) == 0 && fstat(store->directory_fd, &held) == 0 &&
                        same_file(&st, &held))
                return 0;

        store->lock_fd = close_fd(store->lock_fd);
        close_fd(store->directory_fd);
        store->directory_fd = TAKE_FD(fd);
        return 0;
}

static int select_temporary(const struct dirent *entry) {
        size_t length = strlen(entry->d_name);

        return length > strlen(TEMPORARY_PREFIX TEMPORARY_SUFFIX) &&
               strncmp(entry->d_name, TEMPORARY_PREFIX, strlen(TEMPORARY_PREFIX)) == 0 &&
               streq(entry->d_name + length - strlen(TEMPORARY_SUFFIX), TEMPORARY_SUFFIX);
}

static int select_corrupt(const struct dirent *entry) {
        return strncmp(entry->d_name, CORRUPT_PREFIX, strlen(CORRUPT_PREFIX)) == 0;
}

/* By bytes, whatever the locale: the names end in a time that is written so that this is its order. */
static int compare_names(const struct dirent **a, const struct dirent **b) {
        return strcmp((*a)->d_name, (*b)->d_name);
}

/* Removes the selected files but `spared` (may be NULL) and the `kept` last ones of the others. Done as well
 * as can be: what cannot be removed is in nobody's way. */
static void remove_files(
                int directory_fd, int (*select)(const struct dirent *), int kept, const char *spared) {
        struct dirent **entries;
        int count = scandirat(directory_fd, ".", &entries, select, compare_names);

        if (count < 0)
                return;

        for (int i = count - 1; i >= 0; i--) {
                const char *name = entries[i]->d_name;

                if (!(spared && streq(name, spared)) && kept-- <= 0 && unlinkat(directory_fd, name, 0) < 0 &&
                                errno == EISDIR)
                        (void) unlinkat(directory_fd, name, AT_REMOVEDIR);
                free(entries[i]);
        }
        free(entries);
}

/* Whoever can read a file can lock it: members of the directory's group could keep the agent from starting.
 * A name of ours that somebody gave another file is left alone. */
static void close_to_others(int fd, const struct stat *st) {
        if (st->st_uid == geteuid() && st->st_nlink == 1 && (st->st_mode & 0077))
                (void) fchmod(fd, 0600);
}

/* Not for writing, unless the file system needs that for a lock (NFS): while a file is open for writing its
 * disk cannot be remounted read-only, and on one that is, none can be opened so. */
static int open_lock(int directory_fd, int access) {
        _cleanup_close_ int fd = -1;
        struct stat st;
        int r;

        fd = openat(directory_fd, LOCK_FILE, access | OPEN_SAFELY);
        if (fd < 0 && errno == ENOENT) {
                fd = openat(directory_fd, LOCK_FILE, access | O_CREAT | O_EXCL | OPEN_SAFELY, 0600);
                if (fd >= 0)
                        adopt_owner(directory_fd, fd);
        }
        if (fd < 0)
                return errno == ENXIO ? -EINVAL : -errno; /* ENXIO: a socket */

        r = check_regular(fd, &st);
        if (r < 0)
                return r;

        close_to_others(fd, &st);
        return TAKE_FD(fd);
}

/* Whether this open file is still the one that others find and lock. */
static bool lock_is_current(int directory_fd, int fd) {
        struct stat st, held;

        return fd >= 0 && fstatat(directory_fd, LOCK_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
               fstat(fd, &held) == 0 && same_file(&st, &held);
}

static int take_lock(StateStore *store) {
        int access = O_RDONLY;

        if (lock_is_current(store->directory_fd, store->lock_fd))
                return 0;

        for (int i = 0; i < TRIES_MAX; i++) {
                _cleanup_close_ int fd = open_lock(store->directory_fd, access);

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
                if (!lock_is_current(store->directory_fd, fd))
                        continue; /* removed between open and lock: what we hold is nobody's lock */

                close_fd(store->lock_fd);
                store->lock_fd = TAKE_FD(fd);

                /* Left behind by one that was killed; nobody else can be writing now. */
                remove_files(store->directory_fd, select_temporary, 0, NULL);
                return 0;
        }

        return -EBUSY;
}

static int hold_and_lock(StateStore *store) {
        int r;

        r = hold_directory(store);
        if (r < 0)
                return r;

        return take_lock(store);
}

static int make_health_directory(const StateStore *store) {
        struct stat st;

        /* One that exists is left as it is: the package, or the administrator, knows better. */
        if (fstatat(store->directory_fd, HEALTH_DIRECTORY, &st, 0) == 0)
                return 0;

        /* Sticky: modules of different users cannot replace each other's files. */
        return make_directory(store->directory_fd, HEALTH_DIRECTORY, 01770);
}

int state_store_lock(StateStore *store) {
        int r;

        /* The lock first: a second agent has to learn so even where nothing can be made. */
        r = hold_and_lock(store);
        if (r < 0)
                return r;

        return make_health_directory(store);
}

int state_store_load(StateStore *store, char **ret_text, size_t *ret_size) {
        _cleanup_close_ int directory_fd = -1, fd = -1;
        int r;

        directory_fd = open(store->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (directory_fd < 0)
                return -errno;

        fd = openat(directory_fd, NODE_FILE, O_RDONLY | OPEN_SAFELY);
        if (fd < 0)
                return errno == ENXIO ? -EINVAL : -errno;

        r = check_regular(fd, &store->node);
        if (r < 0)
                return r;

        return fd_read_all(fd, NODE_SIZE_MAX, ret_text, ret_size);
}

bool state_store_node_is_gone(const StateStore *store) {
        struct stat st;

        /* By its whole path: the directory that is held may have been moved away. */
        if (lstat(store->node_path, &st) < 0)
                return errno == ENOENT || errno == ENOTDIR;

        /* Not by the time of change, which a backup or a chmod moves, too. */
        return !same_file(&st, &store->node) || st.st_size != store->node.st_size ||
               st.st_mtim.tv_sec != store->node.st_mtim.tv_sec ||
               st.st_mtim.tv_nsec != store->node.st_mtim.tv_nsec;
}

int state_store_set_aside(StateStore *store, usec_t realtime_usec, char **ret_name) {
        time_t seconds = (time_t) (realtime_usec / USEC_PER_SEC);
        int r;

        r = hold_and_lock(store);
        if (r < 0)
                return r;

        for (int i = 0; i < TRIES_MAX; i++, seconds++) {
                _cleanup_free_ char *copy = NULL;
                char name[sizeof CORRUPT_PREFIX + 32] = CORRUPT_PREFIX;
                struct tm broken_down = {};
                struct stat st;

                (void) gmtime_r(&seconds, &broken_down);
                (void) strftime(name + strlen(name), sizeof name - strlen(name), "%Y%m%dT%H%M%SZ",
                                &broken_down);

                /* A name that is taken belongs to another corrupt file; the next second is as good. Only we
                 * write here, so that nobody takes it between this and the rename. */
                if (fstatat(store->directory_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
                        continue;

                r = text_duplicate(name, &copy);
                if (r < 0)
                        return r;

                if (renameat(store->directory_fd, NODE_FILE, store->directory_fd, name) < 0)
                        return -errno;

                /* Spared by name: with a clock that was set back the newest need not sort as the last. No
                 * sync: were the rename lost in a power cut, it would simply be done again. */
                remove_files(store->directory_fd, select_corrupt, CORRUPT_KEPT - 1, name);

                if (ret_name)
                        *ret_name = TAKE_PTR(copy);
                return 0;
        }

        return -EEXIST;
}

/* Writes a new file, whole and on the disk. It is removed again on failure. */
static int write_temporary(int directory_fd, const char *name, const char *text, size_t size) {
        _cleanup_close_ int fd = -1;
        int r;

        fd = openat(directory_fd, name, O_WRONLY | O_CREAT | O_EXCL | OPEN_SAFELY, 0640);
        if (fd < 0)
                return -errno;

        /* Only a stricter umask makes a difference; file systems that have no modes refuse this. */
        (void) fchmod(fd, 0640);
        adopt_owner(directory_fd, fd);

        r = fd_write_all(fd, text, size);
        if (r >= 0 && fsync(fd) < 0)
                r = -errno;
        if (r < 0)
                (void) unlinkat(directory_fd, name, 0);
        return r;
}

/* Why a crash at any instant leaves the old or the new object (tests/faults/test_crash_states.py looks at
 * every state that the disk may be in after each call, and leaves out a call to see that it is needed):
 *
 * 1. The new bytes go to a file of another name. A crash leaves node.json untouched, and a temporary file
 *    that the next lock removes.
 * 2. fsync of that file: its bytes are on the disk before anything names them node.json. Without this a file
 *    system may bring the rename to the disk before the data, and a power cut leaves an empty node.json.
 * 3. rename replaces one name in one step, for other processes and (by the file system's journal or its
 *    order of writes) on the disk: node.json is the old or the new inode, never neither. It replaces the
 *    name itself, so that a link of that name is not followed.
 * 4. fsync of the directory: only from here on will the new name survive a power cut, so only then do we
 *    return 0. If it fails, node.json is the new object by now, but a power cut may bring the old one back:
 *    either is whole, and the caller is told that nothing is certain. */
int state_store_save(StateStore *store, const char *text, size_t size) {
        char name[sizeof TEMPORARY_PREFIX TEMPORARY_SUFFIX + 24];
        int r;

        r = hold_and_lock(store);
        if (r < 0)
                return r;

        /* A directory that was just made again should have it; the node object does not depend on it. */
        (void) make_health_directory(store);

        /* One that a failure left under our own number is in the way. */
        (void) snprintf(name, sizeof name, TEMPORARY_PREFIX "%ld" TEMPORARY_SUFFIX, (long) getpid());
        (void) unlinkat(store->directory_fd, name, 0);

        r = write_temporary(store->directory_fd, name, text, size);
        if (r < 0)
                return r;

        r = renameat(store->directory_fd, name, store->directory_fd, NODE_FILE) < 0 ? -errno : 0;
        if (r == -EISDIR && state_store_set_aside(store, now_usec(CLOCK_REALTIME), NULL) >= 0)
                /* A directory of that name holds no state of ours, but it may be somebody's. */
                r = renameat(store->directory_fd, name, store->directory_fd, NODE_FILE) < 0 ? -errno : 0;
        if (r < 0) {
                (void) unlinkat(store->directory_fd, name, 0);
                return r;
        }

        if (fstatat(store->directory_fd, NODE_FILE, &store->node, AT_SYMLINK_NOFOLLOW) < 0)
                store->node = (struct stat){};
        return sync_directory(store->directory_fd);
}
