/* SPDX-License-Identifier: MIT */
#include "agent/node-keeper.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "agent/node-file.h"
#include "sys/log.h"
#include "util/macro.h"
#include "util/text.h"

DEFINE_CLEANUP(Node *, node_free)

void node_keeper_init(NodeKeeper *keeper, const char *hostname, StateStore *store, Node *node,
                int lock_error, usec_t now) {
        *keeper = (NodeKeeper){
                .hostname = hostname,
                .store = store,
                .node = node,
                .is_confirmed = node,
                .error = lock_error,
        };
        if (!node)
                return;

        write_allowance_note(&keeper->allowance, node->text, node->size);
        write_allowance_written(&keeper->allowance, now);
}

void node_keeper_done(NodeKeeper *keeper) {
        node_free(keeper->node);
        node_free(keeper->found);
        state_store_free(keeper->store);
        *keeper = (NodeKeeper){};
}

/* ---- what others put at the path ---- */

static int set_aside(NodeKeeper *keeper, StateAside kind, const char *reason) {
        char name[STATE_ASIDE_SIZE];
        int r;

        r = state_store_set_aside(keeper->store, kind, now_usec(CLOCK_REALTIME), name);
        if (r < 0)
                return r;

        log_event(LOG_WARNING, kind == STATE_ASIDE_CORRUPT ? LOG_EVENT_STATE_CORRUPT : LOG_EVENT_NONE, NULL,
                        "Set node.json under %s aside as %s: %s.", state_store_path(keeper->store), name,
                        strempty(reason));
        return 0;
}

/* A node without an id takes over the file, as if it had been readable at the start. */
static void adopt(NodeKeeper *keeper, Node *node, usec_t now) {
        log_line(LOG_NOTICE, "Read node.json under %s: using its id %s.", state_store_path(keeper->store),
                        node->id_json);
        state_store_know(keeper->store);
        node_keeper_init(keeper, keeper->hostname, keeper->store, node, keeper->error, now);
        keeper->is_adopted = true;
}

static int judge_ours(NodeKeeper *keeper, Node **node, usec_t now) {
        if (!keeper->node)
                adopt(keeper, TAKE_PTR(*node), now);
        else if (node_same_id(keeper->node, *node))
                state_store_know(keeper->store); /* ours is newer */
        else if (keeper->is_confirmed)
                return set_aside(keeper, STATE_ASIDE_OTHER, "it has another id than this node");
        else {
                log_line(LOG_WARNING,
                                "node.json under %s now has the id %s, and this node is registered as %s: "
                                "registering with the id of the file.",
                                state_store_path(keeper->store), (*node)->id_json, keeper->node->id_json);
                keeper->found = TAKE_PTR(*node);
        }

        return 0;
}

/* Reads the file at the path if it is not the one that was read or written last. It is set aside if it is
 * not a node object of this host; if it cannot be read, only when it is about to be replaced. */
static int inspect(NodeKeeper *keeper, bool will_write, usec_t now) {
        _cleanup_(node_free_pointer) Node *node = NULL;
        _cleanup_free_ char *reason = NULL;
        NodeFile kind;
        int r;

        r = keeper->found ? STATE_NODE_KNOWN : state_store_look(keeper->store);
        if (r != STATE_NODE_UNKNOWN)
                return r < 0 ? r : 0;

        kind = node_file_read(keeper->store, keeper->hostname, &node, &reason);
        if (kind == NODE_FILE_OURS)
                return judge_ours(keeper, &node, now);
        if (kind == NODE_FILE_NONE || (kind == NODE_FILE_UNREADABLE && !will_write))
                return 0;
        return set_aside(
                        keeper, kind == NODE_FILE_CORRUPT ? STATE_ASIDE_CORRUPT : STATE_ASIDE_OTHER, reason);
}

bool node_keeper_prepare(NodeKeeper *keeper, usec_t now) {
        bool is_adopted;

        if (!keeper->node)
                (void) inspect(keeper, false, now);

        is_adopted = keeper->is_adopted;
        keeper->is_adopted = false;
        return is_adopted;
}

const Node *node_keeper_candidate(const NodeKeeper *keeper) {
        return keeper->found ? keeper->found : keeper->node;
}

/* ---- writing ---- */

static int write_node(NodeKeeper *keeper, usec_t now) {
        int r = inspect(keeper, true, now);

        if (r < 0 || keeper->found)
                return r;

        r = state_store_save(keeper->store, keeper->node->text, keeper->node->size);
        if (r < 0)
                return r;

        keeper->is_unsaved = false;
        write_allowance_written(&keeper->allowance, now);
        return 0;
}

static void save(NodeKeeper *keeper, usec_t now) {
        int r = state_store_lock(keeper->store);

        if (r >= 0 && keeper->is_unsaved)
                r = write_node(keeper, now);

        keeper->error = r < 0 ? r : 0;
}

/* Whether somebody removed or replaced the file, or the whole directory: the next start would not know its
 * id. Also makes the lock and health/ again, if it can. If another agent has the lock, a save reports it. */
static bool is_lost(NodeKeeper *keeper, usec_t now) {
        bool is_locked = state_store_lock(keeper->store) != -EBUSY, had_node = keeper->node;
        int state = state_store_look(keeper->store);

        if (is_locked)
                (void) inspect(keeper, false, now);

        return had_node && !keeper->found &&
               (!is_locked || state == STATE_NODE_NONE || state == STATE_NODE_UNKNOWN);
}

/* The Master accepted the registration: without a new object from it, `found` becomes the node. */
static void commit_found(NodeKeeper *keeper, Node **node) {
        if (!keeper->found)
                return;

        if (!*node) /* byte for byte what was found */
                *node = TAKE_PTR(keeper->found);
        keeper->found = node_free(keeper->found);
        keeper->is_confirmed = true;
}

/* Returns whether it must be durable at once. */
static bool replace_node(NodeKeeper *keeper, Node *node) {
        const Node *old = keeper->node;
        bool is_same_text = old && old->size == node->size && memcmp(old->text, node->text, node->size) == 0;
        bool is_urgent = !old || !node_same_identity(old, node);

        if (!is_same_text) {
                keeper->is_unsaved = true;
                write_allowance_note(&keeper->allowance, node->text, node->size);
        }
        node_free(keeper->node);
        keeper->node = node;
        return is_urgent;
}

static bool must_save(const NodeKeeper *keeper, bool is_urgent, usec_t now) {
        if (keeper->error < 0)
                return true;
        return keeper->is_unsaved && (is_urgent || write_allowance_is_due(&keeper->allowance, now));
}

bool node_keeper_take(NodeKeeper *keeper, Node *node, bool is_registration, usec_t now) {
        bool is_urgent = is_registration;

        if (is_registration)
                commit_found(keeper, &node);
        if (node && replace_node(keeper, node))
                is_urgent = true;
        if (is_lost(keeper, now))
                is_urgent = keeper->is_unsaved = true;

        if (keeper->found || !must_save(keeper, is_urgent, now))
                return false;

        save(keeper, now);
        return true;
}

bool node_keeper_reject_found(NodeKeeper *keeper, usec_t now) {
        if (!keeper->found)
                return false;

        keeper->found = node_free(keeper->found);
        keeper->is_confirmed = keeper->is_unsaved = true;
        save(keeper, now);
        return true;
}

bool node_keeper_flush(NodeKeeper *keeper, usec_t now) {
        if (!keeper->node || keeper->found || !keeper->is_unsaved)
                return false;

        save(keeper, now);
        return true;
}
