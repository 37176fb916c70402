/* SPDX-License-Identifier: MIT */
/* The commands of argusctl. Each does what it is called after, says on stderr why it could not, and returns
 * the exit status. */
#pragma once

#include "ctl/client.h"

enum {
        /* EXIT_SUCCESS: done; of status and is-online: online, and the last report succeeded */
        /* EXIT_FAILURE: the agent or the bus is not there, permission was denied, or the agent could not */
        EXIT_NOT_ONLINE = 3, /* of status and is-online only */
        /* EX_USAGE 64: wrong usage */
};

int verb_status(Session *session);
int verb_is_online(Session *session);
int verb_report(Session *session);
int verb_reregister(Session *session);
int verb_node(Session *session);
int verb_health(Session *session);
int verb_monitor(Session *session);
int verb_log_level(Session *session);
int verb_check(Session *session);

/* Of status and is-online. */
int exit_status_of(const AgentView *view);

/* Green for well, red for a failure, yellow for what is not decided yet. */
const char *view_colour(const Terminal *terminal, const AgentView *view);

/* Prints the JSON text that a method of the agent returns, as it is. */
int print_text_of(const Session *session, const char *method);
