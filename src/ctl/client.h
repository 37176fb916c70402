/* SPDX-License-Identifier: MIT */
/* The agent as a service on the bus: one session of calls to it, and in words why one failed. Every call
 * waits for its reply, as nothing else happens meanwhile. A caller who needs a right that he lacks is told
 * so: no password is asked for. */
#pragma once

#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "ctl/agent-view.h"
#include "ctl/terminal.h"
#include "util/time-util.h"

/* Longer than the 20 s in which the agent answers. */
#define CALL_TIMEOUT_USEC (25 * USEC_PER_SEC)

typedef struct Session Session;

typedef struct Verb {
        const char *name, *argument; /* NULL: takes none */
        const char *help;
        const char *action; /* polkit's, that allows it to others than root; NULL: there is none */
        int (*run)(Session *session);
        bool opens_bus_itself;
} Verb;

/* What the command line says, and what it is done with. */
struct Session {
        const Verb *verb;
        const char *argument; /* NULL: none */
        int is_user, is_json; /* as getopt sets them */
        usec_t wait_usec;     /* of is-online; 0: none */

        Terminal terminal;
        sd_bus *bus;
};

/* Those that return an error have said on stderr why. */

/* Connects to the system bus or the user's, within the timeout. Returns 0 or a negative errno. */
int client_open(Session *session, usec_t timeout_usec);

/* Calls a method of AGENT_INTERFACE and reads the value of this type that it returns; strings live as long
 * as the reply. Returns 0 or a negative errno. */
int client_call(const Session *session, const char *method, char type, void *ret_value,
                sd_bus_message **ret_reply);

/* All properties; `ret_health` is to be released with health_rows_done(). Returns 0 or a negative errno. */
int client_get_all(const Session *session, AgentView *ret_view, HealthRows *ret_health);

/* The same that says nothing. */
int client_try_get_all(const Session *session, usec_t timeout_usec, AgentView *ret_view,
                HealthRows *ret_health, sd_bus_error *error);

/* Whether the error says that the agent is not on the bus, or that the caller may not do this. */
bool client_is_absent(const sd_bus_error *error);
bool client_is_denied(const sd_bus_error *error);

/* Says on stderr why a call failed with `r`, and what to do about it. Returns EXIT_FAILURE. */
int client_complain(const Session *session, int r, const sd_bus_error *error);
int client_complain_absent(const Session *session);
