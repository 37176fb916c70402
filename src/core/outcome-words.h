/* Words for a person about a response that failed. Internal to outcome. */
#pragma once

#include "core/outcome.h"
#include "util/buffer.h"

/* Each appends to `text` and returns 0 or -ENOMEM. What a peer said is made safe to show, and withheld where
 * it repeats the secret. */
int describe_request(const Answer *answer, Buffer *text); /* "PUT http://m:3000/…: ", or nothing */
int describe_transport(const Answer *answer, Buffer *text);
int describe_status(const Answer *answer, Buffer *text);
int describe_bad_node(const Answer *answer, const char *reason, Buffer *text);
int describe_other_node(const Answer *answer, const Node *node, Buffer *text);
