/* SPDX-License-Identifier: MIT */
/* Words for a person about a response that failed. Internal to outcome. */
#pragma once

#include "core/outcome.h"

enum { DESCRIPTION_SIZE = 2048 }; /* each of them is shorter */

/* Each returns 0 or -ENOMEM. What a peer said is made safe to show, and withheld where it repeats
 * the secret. */
int describe_transport(const Answer *answer, char ret[static DESCRIPTION_SIZE]);
int describe_status(const Answer *answer, char ret[static DESCRIPTION_SIZE]);
int describe_bad_node(const Answer *answer, const char *reason, char ret[static DESCRIPTION_SIZE]);
int describe_other_node(const Answer *answer, const Node *node, char ret[static DESCRIPTION_SIZE]);
