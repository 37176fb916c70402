/* The directory <root>/<hostname>: its lock, and node.json, which is replaced atomically and durably. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "util/time-util.h"

typedef struct StateStore StateStore;

/* Names the place; touches nothing. Returns 0 or -ENOMEM. */
int state_store_new(const char *root, const char *hostname, StateStore **ret);
StateStore *state_store_free(StateStore *store); /* gives the lock back */

/* Makes what is missing of <root>/<hostname>/ (0750) and <root>/<hostname>/health/ (01770, and the group and
 * set-gid bit that a set-gid <root> hands down) and takes the lock `.lock` there (flock(2)). Returns 0;
 * -EBUSY if another agent holds it; or another negative errno: the directory cannot be used (read-only,
 * full, no permission): the caller may go on from memory, and call this again. Called again while the lock
 * is held, it makes what went away meanwhile; that is cheap. */
int state_store_lock(StateStore *store);

/* Reads node.json, at most NODE_SIZE_MAX. Not through links, and only a regular file. Returns 0 and memory
 * that the caller frees; -ENOENT if there is none; -EFBIG; -ELOOP, -EISDIR, -EINVAL if it is something else
 * than a regular file; -EAGAIN while somebody holds a lease on it; or another negative errno. Needs no lock.
 */
int state_store_load(StateStore *store, char **ret_text, size_t *ret_size);

/* Whether node.json, as it was loaded or saved last, is not there any more: none, or something else. */
bool state_store_node_is_gone(const StateStore *store);

/* Renames node.json (whatever it is) to node.json.corrupt-<UTC time>, keeps the newest 3 of those. Returns 0
 * or a negative errno. *ret_name (freed by the caller; may be NULL) is the new name. */
int state_store_set_aside(StateStore *store, usec_t realtime_usec, char **ret_name);

/* Replaces node.json by these bytes, mode 0640. When it returns 0 they survive a power cut; on failure (a
 * negative errno; -EBUSY if another agent took the place over) the old file is untouched, or, where only the
 * last sync failed, replaced by the new one. At any instant node.json is the old or the new one. Makes the
 * directory again if it went away, and takes the lock if it is not held. */
int state_store_save(StateStore *store, const char *text, size_t size);

/* <root>/<hostname> and its health/; owned by the store. */
const char *state_store_path(const StateStore *store);
const char *state_store_health_path(const StateStore *store);
