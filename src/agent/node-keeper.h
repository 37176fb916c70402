/* SPDX-License-Identifier: MIT */
/* The newest node object: in memory at once, on the disk when it must be. What others put on the disk is
 * read before it is replaced, and set aside where it is not ours. It knows only the results of requests. */
#pragma once

#include <stdbool.h>

#include "core/node.h"
#include "core/write-allowance.h"
#include "sys/state-store.h"
#include "util/time-util.h"

typedef struct NodeKeeper {
        const char *hostname; /* outlives the keeper */
        StateStore *store;
        Node *node;        /* NULL: not registered yet */
        Node *found;       /* if not NULL, it is registered instead of `node`, and `node` is not written */
        bool is_adopted;   /* `node` was read since node_keeper_prepare() */
        bool is_confirmed; /* the id is from the disk, or confirmed: a file that turns up is set aside */
        bool is_unsaved;   /* `node` is newer than what is on the disk */
        int error;         /* negative errno of the last write or lock; 0 if it went well */
        WriteAllowance allowance;
} NodeKeeper;

/* Takes over what main() loaded (NULL: none) and whether the state could be locked then. */
void node_keeper_init(NodeKeeper *keeper, const char *hostname, StateStore *store, Node *node,
                int lock_error, usec_t now);
void node_keeper_done(NodeKeeper *keeper);

/* Before a registration: without a node, reads node.json again, which may be readable by now, or on a file
 * system that was mounted late. Returns true if `node` was read since the last call. */
bool node_keeper_prepare(NodeKeeper *keeper, usec_t now);

/* The node whose id is to be registered; NULL: none. */
const Node *node_keeper_candidate(const NodeKeeper *keeper);

/* Takes over the node object of an accepted request; NULL: it stays as it is. A registration's, or one with
 * another id, name or identity, is durable when this returns with `error` 0 and without `found`; other
 * changes are written as the allowance says. After a failed request, call it with NULL and without
 * `is_registration`: it retries a failed write, makes again what somebody removed, and finds what turned up
 * at the path meanwhile. Returns true if it wrote or tried to: `error` is new then. */
bool node_keeper_take(NodeKeeper *keeper, Node *node, bool is_registration, usec_t now);

/* The Master refuses the id of `found`: `node` stays, and theirs is set aside. Returns as
 * node_keeper_take(), and false if nothing was found. */
bool node_keeper_reject_found(NodeKeeper *keeper, usec_t now);

/* Writes what is not yet written, at a clean stop. Returns as node_keeper_take(). */
bool node_keeper_flush(NodeKeeper *keeper, usec_t now);
