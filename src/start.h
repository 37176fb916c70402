/* The steps of a start that --check shares: the configuration, the stored node, the identity. Each says by
 * itself what is wrong. */
#pragma once

#include <stdbool.h>

#include "core/config.h"
#include "core/identity.h"
#include "core/node.h"
#include "sys/state-store.h"

/* Reads the environment. Returns 0; -EINVAL if a variable is wrong; or another negative errno. */
int start_load_config(Config *ret);

/* Reads node.json; with `may_change` one that is no node object is renamed out of the way. Returns 0;
 * -ENOENT if there is none that can be used; or another negative errno. */
int start_load_node(StateStore *store, bool may_change, Node **ret);

/* Frees a node that is another host's, and sets it to NULL. */
void start_forget_foreign_node(const Config *config, StateStore *store, Node **node);

/* Returns 0; -ENODATA if nothing says who the node is; or -ENOMEM. */
int start_choose_identity(const Config *config, const Node *node, Identity *ret);
