/* SPDX-License-Identifier: MIT */
/* The state of a node on disk: its directory (state-directory.h) is locked, and node.json in it is replaced
 * atomically and durably. What the bytes of node.json mean is not known here. */
#pragma once

#include <stddef.h>

#include "sys/state-directory.h"
#include "util/time-util.h"

/* What is at node.json's path. */
typedef enum StateNode {
        STATE_NODE_NONE,
        STATE_NODE_KNOWN,   /* what was saved last, or loaded and known by state_store_know() */
        STATE_NODE_UNKNOWN, /* anything else: read it, or set it aside, before a save */
} StateNode;

typedef enum StateAside {
        STATE_ASIDE_CORRUPT, /* not a node object */
        STATE_ASIDE_OTHER,   /* the node object of another host or id, or one that could not be read */
} StateAside;

/* Makes what is missing of <root>/<hostname>/ (0750) and <root>/<hostname>/health/ (01770, and the group and
 * set-gid bit that a set-gid <root> hands down) and takes the lock `.lock` there (flock(2)). Returns 0;
 * -EBUSY if another agent holds it; or another negative errno: the directory cannot be used (read-only,
 * full, no permission; -ENOTDIR: it is a link): the caller may go on from memory, and call this again.
 * Called again while the lock is held, it uses what the path names by then, and makes what went away. */
int state_store_lock(StateStore *store);

/* Reads node.json, at most NODE_SIZE_MAX. Not through links, and only a regular file. Returns 0 and memory
 * that the caller frees; -ENOENT if there is none; -EFBIG; -ELOOP, -EISDIR, -EINVAL if it is something else
 * than a regular file; -EAGAIN while somebody holds a lease on it; or another negative errno. The lock is
 * not needed. */
int state_store_load(StateStore *store, char **ret_text, size_t *ret_size);

/* Marks what was loaded last as ours: it may be overwritten. */
void state_store_know(StateStore *store);

/* Returns a StateNode, or a negative errno if it cannot be told. */
int state_store_look(const StateStore *store);

enum { STATE_ASIDE_SIZE = 64 };

/* Renames node.json (whatever it is) to node.json.corrupt-<UTC time> or node.json.other-<UTC time>, keeps
 * the newest 3 of each. Returns 0 and the new name, or a negative errno. */
int state_store_set_aside(StateStore *store, StateAside kind, usec_t realtime_usec,
                char ret_name[static STATE_ASIDE_SIZE]);

/* Replaces node.json by these bytes, mode 0640. When it returns 0 they survive a power cut; on failure (a
 * negative errno; -EBUSY if another agent took the place over; -EEXIST for a STATE_NODE_UNKNOWN) the old
 * file is untouched, or, if only the last sync failed, replaced by the new one. At any instant node.json is
 * the old or the new one. Makes the directory again if it went away, and takes the lock if it is free. */
int state_store_save(StateStore *store, const char *text, size_t size);

/* Whether the directory could be made, written and locked by this user, and its health/ be made or read;
 * makes and changes nothing. Returns 0 if so; 1 if so and another agent holds the lock; or a negative errno,
 * with the path of the failure in *ret_place, which the caller frees. */
int state_store_check(const StateStore *store, char **ret_place);

/* Words for an error of this store: static, or from strerror(). */
const char *state_store_error_text(int error);
