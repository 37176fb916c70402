/* `argusctl is-online --wait=`: waits until the agent is online. */
#pragma once

#include "ctl/client.h"

/* Waits at most `timeout_usec`, also for the agent to appear on the bus. Returns the exit status:
 * EXIT_SUCCESS, EXIT_FAILURE if the agent (said on stderr) or the bus is not there, or EXIT_NOT_ONLINE. The
 * state at the end is in *ret_view, all empty if the agent is not there. */
int wait_online_run(const Client *client, usec_t timeout_usec, AgentView *ret_view);
