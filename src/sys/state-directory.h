/* A part of state-store: the directory <root>/<hostname> is found, made, locked. Links on the way to <root>
 * are an administrator's, and followed; <hostname> itself must be a directory, for its parent may belong to
 * a user who could point a link anywhere while root runs the agent. Every later step goes by descriptor. */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

/* Nothing in the directory is followed, waited for, handed to a child or made our terminal. */
#define OPEN_SAFELY (O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)

typedef struct StateDirectory {
        char *root; /* ends in a slash */
        char *name; /* the host's */
        char *path, *health_path;
        int fd;      /* -1 until it could be opened */
        int lock_fd; /* the locked .lock of that very directory; -1: not held */
} StateDirectory;

/* Names the place; touches nothing. Returns 0 or -ENOMEM. state_directory_done() in either case. */
int state_directory_init(StateDirectory *directory, const char *root, const char *hostname);
void state_directory_done(StateDirectory *directory); /* gives the lock back */

/* Opens what the path names now, with these access flags. Returns a descriptor that the caller closes, or a
 * negative errno: -ENOTDIR also for a link. */
int state_directory_open(const StateDirectory *directory, int access);

/* Holds and locks what the path names now, which may be another directory than last time: then the earlier
 * one and its lock are given up. Makes what is missing. Returns 1 if the lock was taken anew, 0 if it was
 * held; -EBUSY if another agent holds it; or another negative errno. */
int state_directory_lock(StateDirectory *directory);

/* Opens the health/ of what the path names now, for reading. A link there is an administrator's, and
 * followed, only where <hostname> is this user's own: in another's directory, he could point root's agent
 * anywhere. Returns a descriptor that the caller closes, or a negative errno: -ENOTDIR for a link that is
 * not followed. */
int state_directory_open_health(const StateDirectory *directory);

/* Makes health/ if nothing of that name is there. Returns 0 or a negative errno. */
int state_directory_make_health(const StateDirectory *directory);

/* Looks for a directory beside ours that is likely this machine's, too: its name has the same first label,
 * and it holds a node.json. Returns 1 and its name, which the caller frees; 0 if there is none among the
 * first thousand; or a negative errno. */
int state_directory_find_twin(const StateDirectory *directory, char **ret_name);

/* Gives what root has just made in a directory of the agent's user (by `argus-agent --once` in a shell, say)
 * to that user, because the service could not open it later. A failure does no harm. */
void state_adopt_owner(int directory_fd, int fd);

/* Brings a directory's entries to the disk; no error on file systems without this operation. */
int state_sync_directory(int fd);

bool state_same_file(const struct stat *a, const struct stat *b);

/* Returns 0 and the file's stat if it is a regular one; -EISDIR; -EINVAL for anything else. */
int state_check_regular(int fd, struct stat *ret);
