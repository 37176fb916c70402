/* `argusctl monitor`: what happens to the agent, a line each, until interrupted. */
#pragma once

#include "ctl/client.h"
#include "ctl/terminal.h"

/* Returns the exit status. */
int monitor_run(const Client *client, const Terminal *terminal, bool is_json);
