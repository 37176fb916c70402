/* SPDX-License-Identifier: MIT */
/* How the agent starts, and what --check shares: the settings, the stored node, the identity. Each step logs
 * its own errors; none creates, changes or locks anything, so that a start that fails leaves nothing behind.
 * What an error means for the process (exit status, waiting) is main's matter. */
#pragma once

#include "agent/manager.h"
#include "agent/node-file.h"
#include "core/config.h"

typedef struct Start {
        Config config;
        NodeFile node_file;  /* what node.json is */
        ManagerStart loaded; /* for manager_new(), which takes what it needs */
} Start;

/* Loads all that can be loaded; release it with start_done(), whatever is returned. Returns 0; -EINVAL if
 * settings are invalid (a missing identity is logged with them); -ENODATA if there is no identity; -EAGAIN
 * if it was looked for in the host's own name last, which may still change; or another negative errno, which
 * is not logged. A check logs to the console, whatever the settings say. */
int start_load(bool is_check, Start *start);
void start_done(Start *start);

/* Warns of valid settings that go wrong later: a node named localhost, proxies. A proxy in use is logged
 * with `proxy_level`. */
void start_warn(const Config *config, int proxy_level);

/* Warns if the machine has another directory below the root, as under an earlier host name. */
void start_warn_of_twin(const Start *start);
