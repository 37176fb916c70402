/* The commands of argusctl. */
#pragma once

#include "ctl/client.h"
#include "ctl/terminal.h"

typedef struct Session {
        Client client;
        Terminal terminal;
        bool is_user, is_json;
        usec_t wait_usec;     /* of is-online; 0: none */
        const char *argument; /* of log-level; NULL: none */
} Session;

/* Each does what it is called after, says on stderr why it could not, and returns the exit status. */
int verb_status(const Session *session);
int verb_is_online(const Session *session);
int verb_monitor(const Session *session);
int verb_node(const Session *session);
int verb_health(const Session *session);
int verb_report(const Session *session);
int verb_reregister(const Session *session);
int verb_log_level(const Session *session);
int verb_check(const Session *session);
