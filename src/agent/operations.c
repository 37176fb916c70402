/* What callers on the bus may ask of the agent. */
#include "agent/manager-private.h"
#include "sys/log.h"

#include <syslog.h>

static int operation_reregister(const char **ret_reason, void *userdata) {
        Manager *manager = userdata;

        if (!manager_step(manager, FSM_EVENT_REREGISTER)) {
                *ret_reason = "the agent is stopping";
                return OPERATION_STOPPING;
        }

        log_event(LOG_NOTICE, LOG_EVENT_REREGISTER, &(LogFields){ .node_id = manager->status.node_id },
                        "Registering again, as asked over D-Bus.");
        return 0;
}

static int operation_report(const char **ret_reason, void *userdata) {
        Manager *manager = userdata;

        if (!manager_step(manager, FSM_EVENT_REPORT)) {
                *ret_reason = "the agent is stopping";
                return OPERATION_STOPPING;
        }

        return 0;
}

static int operation_collect_health(const char **ret_reason, void *userdata) {
        Manager *manager = userdata;

        if (manager->fsm.state == FSM_STOPPING) {
                *ret_reason = "the agent is stopping";
                return OPERATION_STOPPING;
        }

        health_collect(manager->health, HEALTH_FOR_CALLER);
        return 0;
}

static const char *operation_get_node(void *userdata) {
        Manager *manager = userdata;

        return manager->keeper.node ? manager->keeper.node->text : NULL;
}

static int operation_authorize(sd_bus_message *message, const char *action, BusAuthCallback done,
                void *done_userdata, void *userdata) {
        Manager *manager = userdata;

        return bus_auth_check(manager->bus_auth, message, action, done, done_userdata);
}

const BusOperations manager_operations = {
        .reregister = operation_reregister,
        .report = operation_report,
        .collect_health = operation_collect_health,
        .get_node = operation_get_node,
        .authorize = operation_authorize,
};
