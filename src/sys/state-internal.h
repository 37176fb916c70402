/* SPDX-License-Identifier: MIT */
/* The inside of a StateStore, for the files that make it up. */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

typedef struct StateStore StateStore;

/* Nothing in the directory is followed, waited for, handed to a child or made our terminal. */
#define OPEN_SAFELY (O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)

#define NODE_FILE "node.json"
#define LOCK_FILE ".lock"
#define HEALTH_DIRECTORY "health"

struct StateStore {
        char *root; /* ends in a slash */
        char *path, *health_path;
        const char *name;   /* the host's, at the end of `path` */
        int fd;             /* -1 until the directory could be opened */
        int lock_fd;        /* the locked .lock of that very directory; -1: not held */
        struct stat known;  /* of node.json as it was saved last, or loaded and then found to be ours */
        struct stat loaded; /* as it was loaded last */
};

/* Opens what the path names now, with these access flags. Returns a descriptor that the caller closes, or a
 * negative errno: -ENOTDIR also for a link. */
int state_directory_open(const StateStore *store, int access);

/* Holds and locks what the path names now, which may be another directory than last time: then the earlier
 * one and its lock are given up. Makes what is missing. Returns 1 if the lock was taken anew, 0 if it was
 * held; -EBUSY if another agent holds it; or another negative errno. */
int state_directory_lock(StateStore *store);

/* Makes health/ if nothing of that name is there. Returns 0 or a negative errno. */
int state_directory_make_health(const StateStore *store);

/* Gives what root has just made in a directory of the agent's user (by `argus-agent --once` in a shell, say)
 * to that user, because the service could not open it later. A failure does no harm. */
void state_adopt_owner(int directory_fd, int fd);

/* Brings a directory's entries to the disk; no error on file systems without this operation. */
int state_sync_directory(int fd);

bool state_same_file(const struct stat *a, const struct stat *b);

/* Opens a regular file for reading, not through a link. Returns a descriptor that the caller closes, and the
 * file's stat; -ELOOP, -EISDIR, -EINVAL for anything else; or another negative errno. */
int state_open_regular(int directory_fd, const char *name, int flags, struct stat *ret);
