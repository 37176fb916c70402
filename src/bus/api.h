/* org.argus.Agent1 on the bus: properties from a snapshot, methods as operations with waiting callers.
 * Knows neither the agent nor how callers are authorised, only how that ends: both are handed in. */
#pragma once

#include <stdint.h>
#include <systemd/sd-bus.h>

#include "core/agent-status.h"
#include "core/health-set.h"
#include "bus/auth.h"

typedef struct BusApi BusApi;

typedef struct BusOperations {
        /* Ask for the action; the end is told by bus_api_complete_*(), even from within. Return 0 if one is
         * under way now, or the OperationResult (> 0) if it cannot be, *ret_reason then says why (static or
         * living long enough). Not called again while callers wait for the one before. */
        int (*reregister)(const char **ret_reason, void *userdata);
        int (*report)(const char **ret_reason, void *userdata);
        int (*collect_health)(const char **ret_reason, void *userdata);
        /* The newest node object's text, or NULL. Valid until the loop goes on. */
        const char *(*get_node)(void *userdata);
        /* Starts an asynchronous authorisation. The message is a small copy of the call's header. -EBUSY:
         * too many pending. */
        int (*authorize)(sd_bus_message *message, const char *action, BusAuthCallback done,
                        void *done_userdata, void *userdata);
} BusOperations;

/* `status` and `health` are the caller's and outlive the object, as `operations` does. Returns 0 or a
 * negative errno. */
int bus_api_new(sd_event *event, const AgentStatus *status, const HealthSet *health,
                const BusOperations *operations, void *userdata, BusApi **ret);
BusApi *bus_api_free(BusApi *api);

/* Puts the object onto a connection that has come up, or takes it off one that is lost (waiting callers are
 * forgotten: they are gone with it). Returns 0 or a negative errno. */
int bus_api_attach(BusApi *api, sd_bus *bus);
void bus_api_detach(BusApi *api);

/* Takes a new snapshot, which properties are read from, and sends one PropertiesChanged for what differs
 * from the one before. While the bus takes nothing the signal waits, and says all changes in one then. */
void bus_api_publish(BusApi *api);

/* Ends all waiting callers of an operation. `text` is the node id, the `health` object, or the reason of a
 * failure (NULL: none is known); `http_status` is a report's. */
void bus_api_complete_reregister(BusApi *api, OperationResult result, const char *text);
void bus_api_complete_report(BusApi *api, OperationResult result, unsigned http_status, const char *text);
void bus_api_complete_health(BusApi *api, OperationResult result, const char *text);
