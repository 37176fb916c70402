/* `argusctl status`: one screen. */
#pragma once

#include "ctl/agent-view.h"
#include "ctl/terminal.h"

/* The colour of how things are: green for well, red for a failure, yellow for what is not decided yet. */
Colour view_colour(const AgentView *view);

/* Where the identity was learnt, in words. */
const char *identity_source_words(const char *source);

/* Writes the screen on standard output. `now` is CLOCK_REALTIME. Returns 0 or -ENOMEM. */
int status_screen_print(
                const Terminal *terminal, const AgentView *view, const HealthRows *health, usec_t now);
