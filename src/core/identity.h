/* SPDX-License-Identifier: MIT */
/* Who the node is for the Master (run environment, owner, instance) and which source it is from: the
 * environment, else the stored node, else the host name. */
#pragma once

#include "core/config.h"
#include "core/node.h"

typedef enum IdentitySource {
        IDENTITY_FROM_ENVIRONMENT,
        IDENTITY_FROM_NODE_FILE,
        IDENTITY_FROM_HOSTNAME,
} IdentitySource;

typedef struct Identity {
        char *env, *user, *instance;
        IdentitySource source;
} Identity;

/* Chooses by the rules of the contract: the three variables, else the stored node (may be NULL), else the
 * host name up to its first dot read as env-user-instance. Returns 0 and an identity to be released with
 * identity_done(); -ENODATA if none holds; or -ENOMEM. *ret_warning (freed by the caller; may be NULL) names
 * what is missing where only one or two of the variables are set, whatever is returned but -ENOMEM; it is
 * NULL where all or none are set. */
int identity_choose(const Config *config, const Node *stored, Identity *ret, char **ret_warning);

void identity_done(Identity *identity);

/* As on D-Bus: environment, node-file, hostname. */
const char *identity_source_to_string(IdentitySource value);
