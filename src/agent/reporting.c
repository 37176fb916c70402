/* SPDX-License-Identifier: MIT */
/* From the wish for a report to its request: the body is put together from text that was
 * checked, verbatim. */
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "agent/manager-private.h"
#include "sys/log.h"

static int build_report(Manager *manager, Buffer *body) {
        char timestamp[TIMESTAMP_SIZE];
        int r;

        buffer_clear(body);
        r = buffer_append_string(body, "{\"timestamp\":\"");
        if (r >= 0)
                r = buffer_append_string(body, format_timestamp(timestamp, now_usec(CLOCK_REALTIME)));
        if (r >= 0)
                r = buffer_append_string(body, "\",\"health\":");
        if (r >= 0)
                r = health_splice(manager->health, body);
        if (r >= 0)
                r = buffer_append_string(body, "}");
        return r;
}

static void manager_report(Manager *manager) {
        int r = build_report(manager, &manager->body);

        log_line(LOG_DEBUG, "Sending a report of %zu bytes.", manager->body.size);
        master_client_report(manager->master, manager->keeper.node, r < 0 ? NULL : manager->body.data,
                        manager->body.size);
}

static void complete_health(Manager *manager) {
        _cleanup_(buffer_done) Buffer text = {};

        if (health_splice(manager->health, &text) < 0)
                bus_complete(manager->bus, METHOD_GET_HEALTH, OPERATION_UNREACHABLE, 0, "out of memory");
        else
                bus_complete(manager->bus, METHOD_GET_HEALTH, OPERATION_OK, 0, text.data);
}

static void on_health_collected(unsigned purposes, void *userdata) {
        Manager *manager = userdata;

        if (health_take_listing_change(manager->health))
                announcer_health_changed(manager->announcer, manager_facts(manager));
        if (purposes & HEALTH_FOR_CALLER)
                complete_health(manager);
        if (purposes & HEALTH_FOR_REPORT)
                manager_report(manager);
}

static void on_health_changed(void *userdata) {
        (void) manager_step(userdata, FSM_EVENT_HEALTH_CHANGED);
}

static bool wants_health_changes(void *userdata) {
        return fsm_wants_changes(&((const Manager *) userdata)->fsm);
}

static const HealthHandlers health_handlers = {
        .collected = on_health_collected,
        .changed = on_health_changed,
        .wants_changes = wants_health_changes,
};

int manager_start_health(Manager *manager) {
        HealthOptions options = {
                .event = manager->event,
                .config = manager->config,
                .store = manager->keeper.store,
                .reports_changes = manager->config->report_on_change && !manager->is_once,
                .handlers = &health_handlers,
                .userdata = manager,
        };

        return health_new(&options, &manager->health);
}

enum { LARGEST_SHOWN = 3 };

/* The largest reported files, the largest first; NULL where there are fewer. */
static void find_largest(const HealthSet *set, const HealthFile *ret[static LARGEST_SHOWN]) {
        for (size_t i = 0; i < health_set_count(set); i++) {
                const HealthFile *file = health_set_get(set, i), *smaller;

                for (size_t place = 0; file && file->value && place < LARGEST_SHOWN; place++)
                        if (!ret[place] || ret[place]->value_size < file->value_size) {
                                smaller = ret[place];
                                ret[place] = file;
                                file = smaller;
                        }
        }
}

void reporting_explain_size(const Manager *manager, Outcome *outcome) {
        const HealthFile *largest[LARGEST_SHOWN] = {};
        size_t used = strlen(outcome->error);

        used += (size_t) snprintf(outcome->error + used, sizeof outcome->error - used,
                        "; the report has %zu bytes", manager->reply->body_size);
        find_largest(health_list(manager->health), largest);
        for (size_t i = 0; i < LARGEST_SHOWN && largest[i] && used < sizeof outcome->error; i++)
                used += (size_t) snprintf(outcome->error + used, sizeof outcome->error - used, "%s %s %zu",
                                i == 0 ? ", its largest health files:" : ",", largest[i]->key,
                                largest[i]->value_size);
}
