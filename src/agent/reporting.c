/* From the wish for a report to its request: health is collected, and the body is put together. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "agent/manager-private.h"
#include "core/payload.h"
#include "sys/log.h"
#include "util/text.h"

static void manager_report(Manager *manager) {
        int r;

        buffer_clear(&manager->body);
        r = payload_build_report(now_usec(CLOCK_REALTIME), manager->health, change_watch_members(manager),
                        &manager->body);
        log_line(LOG_DEBUG, "Sending a report of %zu bytes.", manager->body.size);
        master_client_report(manager->master, manager->keeper.node, r < 0 ? NULL : manager->body.data,
                        manager->body.size);
}

static void on_health_collected(int error, void *userdata) {
        Manager *manager = userdata;
        unsigned reasons = manager->collecting;

        manager->collecting = 0;
        change_watch_collected(manager, reasons);
        if (reasons == COLLECT_FOR_CHANGE) /* a report follows if there is anything to say */
                return;

        if (error < 0 && error != manager->announced_health_error)
                log_line(LOG_WARNING, "Cannot read %s: %s", state_store_health_path(manager->keeper.store),
                                strerror(-error));
        manager->announced_health_error = error;
        announce_health(manager);

        if (reasons & COLLECT_FOR_BUS) {
                _cleanup_(buffer_done) Buffer text = {};

                if (health_set_splice(manager->health, change_watch_members(manager), &text) < 0)
                        bus_api_complete_health(manager->bus_api, OPERATION_UNREACHABLE, "out of memory");
                else
                        bus_api_complete_health(manager->bus_api, OPERATION_OK, text.data);
        }
        if (reasons & COLLECT_FOR_REPORT)
                manager_report(manager);
}

int manager_collect(Manager *manager, CollectReason reason) {
        int r;

        change_watch_collecting(manager, reason);
        manager->collecting |= reason;
        r = health_dir_collect(manager->health_dir, on_health_collected, manager);
        if (r == -EBUSY) /* the one under way serves both */
                return 0;
        if (r < 0)
                manager->collecting &= ~(unsigned) reason;
        return r;
}

void manager_begin_report(Manager *manager) {
        if (manager_collect(manager, COLLECT_FOR_REPORT) < 0)
                manager_report(manager); /* what is known of the last time is better than silence */
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
        find_largest(manager->health, largest);
        for (size_t i = 0; i < LARGEST_SHOWN && largest[i] && used < sizeof outcome->error; i++)
                used += (size_t) snprintf(outcome->error + used, sizeof outcome->error - used, "%s %s %zu",
                                i == 0 ? ", its largest health files:" : ",", largest[i]->key,
                                largest[i]->value_size);
}
