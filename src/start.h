/* The steps of a start that --check shares: the configuration, the stored node, the identity. Each logs its
 * own errors. */
#pragma once

#include "agent/node-file.h"
#include "core/config.h"
#include "core/identity.h"
#include "core/node.h"
#include "sys/state-store.h"

/* Reads the environment. Returns 0; -EINVAL if a variable is invalid, with the valid ones in *ret and a
 * missing identity logged too; or another negative errno. */
int start_load_config(Config *ret);

/* Warns of valid settings that go wrong later: a node named localhost, proxies. A proxy in use is logged
 * with `proxy_level`. */
void start_warn(const Config *config, int proxy_level);

/* The stored node, if one can be used, and the identity; changes nothing on the disk, and logs errors.
 * Returns 0, -ENODATA if there is no identity, or another negative errno. */
int start_find_identity(const Config *config, Node **ret_node, Identity *ret);

/* Reads node.json, and changes nothing. *ret is set for NODE_FILE_OURS only; anything else is
 * logged, and the node keeper sets it aside in time. */
NodeFile start_load_node(const Config *config, StateStore *store, Node **ret);

/* Warns if the machine has another directory below the root, as under an earlier host name. */
void start_warn_of_twin(const Config *config, const StateStore *store);

/* Returns 0; -ENODATA if there is no identity; -EAGAIN if it was looked for in the host's own name
 * last, which may still change; or -ENOMEM. */
int start_choose_identity(const Config *config, const Node *node, Identity *ret);
