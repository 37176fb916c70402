/* SPDX-License-Identifier: MIT */
/* The node object that the Master returns: kept as the text it was, with what the agent needs read out
 * of it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
        NODE_SIZE_MAX = 1024 * 1024, /* also the cap on every answer of the Master */
        NODE_ID_MAX = 255,           /* bytes, decoded */
        NODE_NAME_MAX = 253,
        IDENTITY_PART_MAX = 255,
};

typedef struct Node {
        char *text; /* byte for byte as it was read, NUL-terminated for convenience */
        size_t size;
        char *id;      /* decoded: A7, 42 */
        char *id_json; /* as in the text: "A7", 42; two nodes are compared by this, decoded */
        bool id_is_integer;
        char *name; /* NULL if there is none, or none that is usable */
        /* From `meta_data`, else from the top level; all three or none. Free of control characters. */
        char *env, *user, *instance;
} Node;

/* Reads a node object. `id` must be a non-empty string of at most NODE_ID_MAX bytes without hidden
 * characters (text.h) and noncharacters, or an integer as JSON writes it (-?digits, at most NODE_ID_MAX
 * bytes). Returns 0 and an object to free with node_free(); -EBADMSG with *ret_reason set to words for a
 * person ("no JSON object", "the id is empty", "unexpected end at byte 17"), which the caller frees; or
 * -ENOMEM. ret_reason may be NULL. */
int node_parse(const char *text, size_t size, Node **ret, char **ret_reason);

/* Whether both have the same id: of the same JSON type and the same content. */
bool node_same_id(const Node *a, const Node *b);

/* Whether what must be durable before it is announced is the same: id, name and identity. */
bool node_same_identity(const Node *a, const Node *b);

Node *node_free(Node *node); /* takes NULL, returns NULL */
