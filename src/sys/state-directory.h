/* SPDX-License-Identifier: MIT */
/* The directory <root>/<hostname>, and health/ in it: named, found, made. Links on the way to <root> are an
 * administrator's, and followed; <hostname> itself must be a directory, for its parent may belong to a user
 * who could point a link anywhere while root runs the agent. Every later step goes by descriptor. */
#pragma once

typedef struct StateStore StateStore;

/* Names the place; touches nothing. Returns 0 or -ENOMEM. */
int state_store_new(const char *root, const char *hostname, StateStore **ret);
StateStore *state_store_free(StateStore *store); /* gives the lock back */

/* Opens health/ as its path names it now: a link there is followed only if the directory that holds it is
 * this user's own. Returns a descriptor that the caller closes, or a negative errno. */
int state_store_open_health(const StateStore *store);

/* <root>/<hostname> and its health/; owned by the store. */
const char *state_store_path(const StateStore *store);
const char *state_store_health_path(const StateStore *store);

/* Another directory below <root> that is likely this machine's: its name has the same first label and it
 * holds a node.json. Returns 1 and its name, which the caller frees; 0; or a negative errno. */
int state_store_find_twin(const StateStore *store, char **ret_name);
