/* The newest node object: in memory at once, on the disk when it must be. */
#pragma once

#include <stdbool.h>

#include "core/node.h"
#include "sys/state-store.h"
#include "util/time-util.h"

/* Changes that are not of identity are written no more often, to spare flash. */
#define NODE_KEEPER_INTERVAL_USEC (10 * USEC_PER_MINUTE)

typedef struct NodeKeeper {
        Node *node; /* NULL: not registered yet */
        StateStore *store;
        bool is_locked;
        bool is_unsaved;   /* `node` is newer than what is on the disk */
        int error;         /* negative errno of the last write or lock; 0 if it went well */
        usec_t saved_usec; /* boot time of the last write */
} NodeKeeper;

/* Takes a node object over. With `is_registration`, with another id, name or identity, after a failed write
 * or a loss of the file, or ten minutes after the last write it is durable when this returns with
 * `error` 0. Returns true if it was written or tried to: `error` is new then. */
bool node_keeper_take(NodeKeeper *keeper, Node *node, bool is_registration, usec_t now);

/* Tries again what failed, and makes again what somebody removed; called at every report. Returns as
 * node_keeper_take(). */
bool node_keeper_retry(NodeKeeper *keeper, usec_t now);

/* Writes what is not yet written, at a clean stop. Returns as node_keeper_take(). */
bool node_keeper_flush(NodeKeeper *keeper, usec_t now);

void node_keeper_done(NodeKeeper *keeper);
