/* SPDX-License-Identifier: MIT */
/* Where the state of a machine is, according to the settings files of the unit. */
#pragma once

#include <stdbool.h>

typedef struct StatePlace {
        char *root, *hostname;
} StatePlace;

void state_place_clear(StatePlace *place);

/* Reads /etc/argus/agent.env and /etc/argus/agent.env.d/ below `root_fd`. Without an AGENT_HOSTNAME the name
 * is that of the running system, or, if `is_elsewhere`, that of etc/hostname below `root_fd`. Returns 0,
 * -EINVAL if the settings name no usable directory, -ENODATA if there is no host name, or another negative
 * errno. It changes nothing. */
int state_place_read(int root_fd, bool is_elsewhere, StatePlace *ret);
