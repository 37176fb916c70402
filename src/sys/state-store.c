/* SPDX-License-Identifier: MIT */
/* node.json in the directory <root>/<hostname>: read, replaced so that a kill or a power cut at any instant
 * leaves the old or the new object, and renamed out of the way. */
#include "sys/state-store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <time.h>

#include "core/node.h"
#include "sys/state-internal.h"
#include "util/fd-util.h"
#include "util/text.h"

#define TEMPORARY_PREFIX "." NODE_FILE "."
#define TEMPORARY_SUFFIX ".tmp"
#define ASIDE_CORRUPT NODE_FILE ".corrupt-"
#define ASIDE_OTHER NODE_FILE ".other-"

enum {
        ASIDE_KEPT = 3, /* of each kind */
        ASIDE_TRIES_MAX = 16,
};

const char *state_store_error_text(int error) {
        switch (error) {
        case -ENOTDIR:
                return "not a directory (a link is not followed there)";
        case -ENOENT:
                return "No such directory (create AGENT_STATE_ROOT and restart)";
        default:
                return strerror(-error);
        }
}

/* ---- files that are in the way ---- */

/* Removes the files whose names match, but `spared` (may be NULL) and the `kept` last of the others. Done as
 * well as can be: what cannot be removed is not in the way. */
static void remove_files(int directory_fd, const char *pattern, int kept, const char *spared) {
        struct dirent **entries;
        /* By bytes, as no locale is set: the names end in a time in a form that sorts so. */
        int count = scandirat(directory_fd, ".", &entries, NULL, alphasort);

        if (count < 0)
                return;

        for (int i = count - 1; i >= 0; i--) {
                const char *name = entries[i]->d_name;

                if (fnmatch(pattern, name, 0) == 0 && !(spared && streq(name, spared)) && kept-- <= 0 &&
                                unlinkat(directory_fd, name, 0) < 0 && errno == EISDIR)
                        (void) unlinkat(directory_fd, name, AT_REMOVEDIR);
                free(entries[i]);
        }
        free(entries);
}

/* ---- the directory ---- */

static int hold_and_lock(StateStore *store) {
        int r = state_directory_lock(store);

        /* Left behind by a killed agent; with the lock held, nobody else is writing. */
        if (r > 0)
                remove_files(store->fd, TEMPORARY_PREFIX "?*" TEMPORARY_SUFFIX, 0, NULL);
        return r < 0 ? r : 0;
}

int state_store_lock(StateStore *store) {
        /* The lock first: a second agent has to learn so even where nothing can be made. */
        int r = hold_and_lock(store);

        return r < 0 ? r : state_directory_make_health(store);
}

/* ---- node.json ---- */

int state_store_load(StateStore *store, char **ret_text, size_t *ret_size) {
        _cleanup_close_ int directory_fd = -1, fd = -1;
        struct stat st;
        int r;

        directory_fd = state_directory_open(store, O_PATH);
        if (directory_fd < 0)
                return directory_fd;

        fd = state_open_regular(directory_fd, NODE_FILE, O_RDONLY, &st);
        r = fd < 0 ? fd : fd_read_all(fd, NODE_SIZE_MAX, ret_text, ret_size);
        if (r >= 0)
                store->loaded = st;
        return r;
}

void state_store_know(StateStore *store) {
        store->known = store->loaded;
}

static int look_in(const StateStore *store, int directory_fd) {
        const struct stat *known = &store->known;
        struct stat st;

        if (fstatat(directory_fd, NODE_FILE, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? STATE_NODE_NONE : -errno;

        /* Not by the time of change, which a backup or a chmod moves, too. */
        return state_same_file(&st, known) && st.st_size == known->st_size &&
                                               st.st_mtim.tv_sec == known->st_mtim.tv_sec &&
                                               st.st_mtim.tv_nsec == known->st_mtim.tv_nsec
                               ? STATE_NODE_KNOWN
                               : STATE_NODE_UNKNOWN;
}

int state_store_look(const StateStore *store) {
        /* By its path: the directory that is held may have been moved away, or another one mounted on it. */
        _cleanup_close_ int fd = state_directory_open(store, O_PATH);

        if (fd < 0)
                return fd == -ENOENT ? STATE_NODE_NONE : fd;
        return look_in(store, fd);
}

/* Renames node.json to the first name that is free from this second on. */
static int rename_aside(int directory_fd, const char *prefix, time_t seconds,
                char ret_name[static STATE_ASIDE_SIZE]) {
        for (int i = 0; i < ASIDE_TRIES_MAX; i++, seconds++) {
                size_t length = (size_t) (stpcpy(ret_name, prefix) - ret_name);
                struct tm broken_down = {};
                struct stat st;

                (void) gmtime_r(&seconds, &broken_down);
                (void) strftime(ret_name + length, STATE_ASIDE_SIZE - length, "%Y%m%dT%H%M%SZ",
                                &broken_down);

                /* A taken name belongs to another file. Only we write here, so nobody takes it meanwhile. */
                if (fstatat(directory_fd, ret_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                        return renameat(directory_fd, NODE_FILE, directory_fd, ret_name) < 0 ? -errno : 0;
        }

        return -EEXIST;
}

int state_store_set_aside(StateStore *store, StateAside kind, usec_t realtime_usec,
                char ret_name[static STATE_ASIDE_SIZE]) {
        bool is_corrupt = kind == STATE_ASIDE_CORRUPT;
        int r;

        r = hold_and_lock(store);
        if (r >= 0)
                r = rename_aside(store->fd, is_corrupt ? ASIDE_CORRUPT : ASIDE_OTHER,
                                (time_t) (realtime_usec / USEC_PER_SEC), ret_name);
        if (r < 0)
                return r;

        /* Spared by name: with a clock that was set back the newest need not sort as the last. No sync: were
         * the rename lost in a power cut, it would simply be done again. */
        remove_files(store->fd, is_corrupt ? ASIDE_CORRUPT "*" : ASIDE_OTHER "*", ASIDE_KEPT - 1, ret_name);
        return 0;
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
        state_adopt_owner(directory_fd, fd);

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
        int fd, r;

        r = hold_and_lock(store);
        if (r < 0)
                return r;
        fd = store->fd;

        r = look_in(store, fd);
        if (r < 0 || r == STATE_NODE_UNKNOWN)
                return r < 0 ? r : -EEXIST;

        /* A directory that was just made again should have it; the node object does not depend on it. */
        (void) state_directory_make_health(store);

        /* One that a failure left under our own number is in the way. */
        (void) snprintf(name, sizeof name, TEMPORARY_PREFIX "%ld" TEMPORARY_SUFFIX, (long) getpid());
        (void) unlinkat(fd, name, 0);

        r = write_temporary(fd, name, text, size);
        if (r < 0)
                return r;

        if (renameat(fd, name, fd, NODE_FILE) < 0) {
                r = -errno;
                (void) unlinkat(fd, name, 0);
                return r;
        }

        if (fstatat(fd, NODE_FILE, &store->known, AT_SYMLINK_NOFOLLOW) < 0)
                store->known = (struct stat){};
        return state_sync_directory(fd);
}
