/* SPDX-License-Identifier: MIT */
/* The agent's side of the bus: what callers may ask for, and the start, which waits a moment for the bus. */
#include <string.h>
#include <syslog.h>

#include "agent/manager-private.h"
#include "sys/log.h"
#include "sys/service-notify.h"

/* The bus has this long until the start is reported without it. */
#define BUS_GRACE_USEC (1 * USEC_PER_SEC)

/* ---- what callers ask for ---- */

static OperationResult operation_start(BusMethod method, _unused_ const char **ret_reason, void *userdata) {
        Manager *manager = userdata;
        bool is_accepted;

        if (method == METHOD_GET_HEALTH) {
                is_accepted = manager->fsm.state != FSM_STOPPING;
                if (is_accepted)
                        health_collect(manager->health, HEALTH_FOR_CALLER);
        } else
                is_accepted = manager_step(
                                manager, method == METHOD_REPORT ? FSM_EVENT_REPORT : FSM_EVENT_REREGISTER);
        if (!is_accepted)
                return OPERATION_STOPPING;

        if (method == METHOD_REREGISTER)
                log_event(LOG_NOTICE, LOG_EVENT_REREGISTER,
                                &(LogFields){ .node_id = manager_node_id(manager) },
                                "Registering again, as requested over D-Bus.");
        return OPERATION_OK;
}

static const char *operation_get_node(void *userdata) {
        Manager *manager = userdata;

        return manager->keeper.node ? manager->keeper.node->text : NULL;
}

static const HealthFile *operation_get_health_file(size_t index, void *userdata) {
        const HealthSet *files = health_list(((Manager *) userdata)->health);

        return index < health_set_count(files) ? health_set_get(files, index) : NULL;
}

/* ---- the connection ---- */

static void manager_set_ready(Manager *manager) {
        if (manager->is_ready)
                return;

        manager->is_ready = true;
        (void) sd_event_source_set_enabled(manager->ready_timer, SD_EVENT_OFF);
        service_notify_ready();
}

static int on_ready_timer(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        log_line(LOG_WARNING, "The bus does not respond; continuing without it.");
        manager_set_ready(userdata);
        return 0;
}

static void on_bus_event(BusEvent event, int error, void *userdata) {
        Manager *manager = userdata;

        announcer_bus_event(manager->announcer, event, error, manager->is_ready);
        if (event == BUS_EVENT_UP) {
                health_attach_bus(manager->health, bus_get(manager->bus));
                return;
        }

        if (event == BUS_EVENT_LOST)
                health_detach_bus(manager->health, error);
        manager_set_ready(manager);
}

int manager_start_bus(Manager *manager) {
        static const BusHandlers handlers = {
                .event = on_bus_event,
                .start = operation_start,
                .get_node = operation_get_node,
                .get_health_file = operation_get_health_file,
        };
        int r;

        if (manager->is_once) {
                health_has_no_bus(manager->health, "--once uses no bus");
                return 0;
        }

        r = bus_new(manager->event, manager->config->bus, &handlers, manager, &manager->bus);
        if (r < 0) {
                log_line(manager->config->bus == BUS_NONE || manager->config->bus == BUS_AUTO ? LOG_DEBUG
                                                                                              : LOG_WARNING,
                                "No bus: %s", strerror(-r));
                health_has_no_bus(manager->health, "there is no bus");
                manager_set_ready(manager);
                return 0;
        }

        announcer_set_bus(manager->announcer, manager->bus);
        return sd_event_add_time_relative(manager->event, &manager->ready_timer, CLOCK_MONOTONIC,
                        BUS_GRACE_USEC, USEC_PER_MSEC, on_ready_timer, manager);
}
