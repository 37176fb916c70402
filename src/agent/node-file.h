/* SPDX-License-Identifier: MIT */
/* Reads node.json and decides whether it is a node object, and whether it is this host's. */
#pragma once

#include "core/node.h"
#include "sys/state-store.h"

typedef enum NodeFile {
        NODE_FILE_NONE,
        NODE_FILE_OURS,       /* a node object of this name, or without a name */
        NODE_FILE_FOREIGN,    /* another host's, as in a cloned machine */
        NODE_FILE_CORRUPT,    /* not a node object, or not a regular file of at most NODE_SIZE_MAX */
        NODE_FILE_UNREADABLE, /* for a reason outside of the file: it may be readable later */
} NodeFile;

/* *ret_node is set for OURS, *ret_reason (words for a person) for the last three; both are freed by the
 * caller. *ret_reason is NULL if memory ran out. */
NodeFile node_file_read(StateStore *store, const char *hostname, Node **ret_node, char **ret_reason);
