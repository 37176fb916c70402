#include "agent/node-keeper.h"

#include <errno.h>
#include <string.h>

#include "util/macro.h"

static void node_keeper_save(NodeKeeper *keeper, usec_t now) {
        int r = 0;

        if (!keeper->is_locked) {
                r = state_store_lock(keeper->store);
                if (r >= 0)
                        keeper->is_locked = true;
        }
        if (r >= 0 && keeper->is_unsaved)
                r = state_store_save(keeper->store, keeper->node->text, keeper->node->size);
        if (r >= 0) {
                keeper->is_unsaved = false;
                keeper->saved_usec = now;
        }

        keeper->error = r < 0 ? r : 0;
}

/* Somebody removed or replaced the file, or all of the directory: the next start would not know its id. */
static bool is_gone(const NodeKeeper *keeper) {
        if (keeper->error < 0 || !keeper->node)
                return false;

        /* The lock and health/ come back by this, if they can. If another agent has the lock, a save says
         * so. */
        return state_store_lock(keeper->store) == -EBUSY || state_store_node_is_gone(keeper->store);
}

static bool is_same_text(const Node *a, const Node *b) {
        return a->size == b->size && memcmp(a->text, b->text, a->size) == 0;
}

bool node_keeper_take(NodeKeeper *keeper, Node *node, bool is_registration, usec_t now) {
        bool is_due, was_gone;

        assert(keeper);
        assert(node);

        was_gone = is_gone(keeper);
        is_due = is_registration || was_gone || !keeper->node || !node_same_identity(keeper->node, node);
        if (was_gone || !keeper->node || !is_same_text(keeper->node, node))
                keeper->is_unsaved = true;

        node_free(keeper->node);
        keeper->node = node;

        if (keeper->error < 0 ||
                        (keeper->is_unsaved &&
                                        (is_due || now >= usec_add(keeper->saved_usec,
                                                                          NODE_KEEPER_INTERVAL_USEC)))) {
                node_keeper_save(keeper, now);
                return true;
        }

        return false;
}

bool node_keeper_retry(NodeKeeper *keeper, usec_t now) {
        assert(keeper);

        if (is_gone(keeper))
                keeper->is_unsaved = true;
        else if (keeper->error == 0)
                return false;

        node_keeper_save(keeper, now);
        return true;
}

bool node_keeper_flush(NodeKeeper *keeper, usec_t now) {
        assert(keeper);

        if (!keeper->node || !keeper->is_unsaved)
                return false;

        node_keeper_save(keeper, now);
        return true;
}

void node_keeper_done(NodeKeeper *keeper) {
        node_free(keeper->node);
        state_store_free(keeper->store);
        *keeper = (NodeKeeper){};
}
