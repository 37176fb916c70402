/* `argusctl status`: one screen. */
#pragma once

#include "ctl/agent-view.h"
#include "ctl/terminal.h"

/* The colour of how things are: green for well, red for a failure, yellow for what is not decided yet. */
const char *view_colour(const Terminal *terminal, const AgentView *view);

/* `now` is CLOCK_REALTIME. */
void status_screen_print(const Terminal *t, const AgentView *view, const HealthRows *health, usec_t now);
