/* The agent as a service on the bus: calls to it, and why one failed in words. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "ctl/agent-view.h"

/* Longer than the 20 s in which the agent answers. */
#define CALL_TIMEOUT_USEC (25 * USEC_PER_SEC)
/* The agent gives a person this long to enter a password for polkit. */
#define PASSWORD_TIMEOUT_USEC (60 * USEC_PER_SEC)

typedef struct Client {
        sd_bus *bus;
        bool is_user;
        bool may_ask; /* there is a person who can enter a password for polkit */
} Client;

/* Opens the system bus or the user's. Returns 0, or a negative errno after it said why on stderr. */
int client_open(bool is_user, Client *ret);
void client_close(Client *client);

/* Waits until the bus has let us in; sd_bus_call() would wait longer. -ETIME: no response. */
int client_wait_ready(const Client *client);

/* A call to the agent, which does not start it. */
int client_new_call(const Client *client, const char *path, const char *interface, const char *member,
                sd_bus_message **ret);

/* Calls a method of AGENT_INTERFACE, which take no arguments. polkit may ask for a password meanwhile. */
int client_call_method(
                const Client *client, const char *member, sd_bus_message **ret_reply, sd_bus_error *error);

/* All properties. `ret_health` is to be released with health_rows_done(). */
int client_get_all(const Client *client, AgentView *ret_view, HealthRows *ret_health, sd_bus_error *error);

int client_get_log_level(const Client *client, char **ret_level, sd_bus_error *error);
int client_set_log_level(const Client *client, const char *level, sd_bus_error *error);

/* Whether the error says that nobody has the agent's name. */
bool client_error_is_absence(const sd_bus_error *error);

/* Says on stderr why a call failed with `r`, and what to do about it. `verb` is the command to repeat as
 * root and `action` the polkit action that would allow it (NULL: only root may). Returns EXIT_FAILURE. */
int client_complain(const Client *client, const char *verb, const char *action, int r,
                const sd_bus_error *error);

/* The same for an agent that is not on the bus. */
int client_complain_absent(const Client *client);
