/* SPDX-License-Identifier: MIT */
#include "agent/node-file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "util/macro.h"
#include "util/text.h"

DEFINE_CLEANUP(Node *, node_free)

static NodeFile judge_error(int error, char **ret_reason) {
        switch (error) {
        case -ENOENT:
                return NODE_FILE_NONE;
        case -EFBIG:
        case -ELOOP:
        case -EISDIR:
        case -EINVAL:
                *ret_reason = strdup("not a regular file of at most 1 MiB");
                return NODE_FILE_CORRUPT;
        default:
                *ret_reason = strdup(state_store_error_text(error));
                return NODE_FILE_UNREADABLE;
        }
}

static char *foreign_reason(const Node *node) {
        _cleanup_free_ char *name = text_sanitize(node->name, strlen(node->name), NODE_NAME_MAX);
        char *reason;

        return asprintf(&reason, "it belongs to another host, %s", strempty(name)) < 0 ? NULL : reason;
}

NodeFile node_file_read(StateStore *store, const char *hostname, Node **ret_node, char **ret_reason) {
        _cleanup_(node_free_pointer) Node *node = NULL;
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        r = state_store_load(store, &text, &size);
        if (r < 0)
                return judge_error(r, ret_reason);

        r = node_parse(text, size, &node, ret_reason);
        if (r < 0)
                return r == -EBADMSG ? NODE_FILE_CORRUPT : judge_error(r, ret_reason);

        if (node->name && !streq(node->name, hostname)) {
                *ret_reason = foreign_reason(node);
                return NODE_FILE_FOREIGN;
        }

        *ret_node = TAKE_PTR(node);
        return NODE_FILE_OURS;
}
