/* The method calls that take their time: authorised, then held until their operation ends or until there is
 * room to write a big answer. Internal to bus-api.c. */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "bus/api.h"
#include "util/macro.h"

typedef struct BusCalls BusCalls;

typedef enum BusMethod {
        METHOD_REREGISTER,
        METHOD_REPORT,
        METHOD_GET_NODE,
        METHOD_GET_HEALTH,
        _METHOD_MAX,
} BusMethod;

/* Returns 0 or a negative errno. `operations` outlives the object. */
int bus_calls_new(sd_event *event, const BusOperations *operations, void *userdata, BusCalls **ret);
BusCalls *bus_calls_free(BusCalls *calls);

DEFINE_CLEANUP(BusCalls *, bus_calls_free)

/* Takes a call in; what it returns (and `error`) is what a method handler returns to sd-bus. */
int bus_calls_begin(BusCalls *calls, BusMethod method, sd_bus_message *message, sd_bus_error *error);

/* Ends the calls that wait for an operation; see bus-api.h. */
void bus_calls_complete(BusCalls *calls, BusMethod method, OperationResult result, unsigned http_status,
                const char *text);

/* Forgets all of them: their connection is gone. */
void bus_calls_reset(BusCalls *calls);
