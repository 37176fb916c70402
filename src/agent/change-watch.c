#include "agent/change-watch.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "agent/manager-private.h"
#include "sys/log.h"
#include "sys/event-timer.h"
#include "util/macro.h"

/* systemd answers within milliseconds: then already the first report has the units. */
#define HOLD_USEC (1 * USEC_PER_SEC)
#define ACCURACY_USEC (50 * USEC_PER_MSEC)

/* ---- when to report ---- */

static bool is_reporting_well(const Manager *manager) {
        return manager->fsm.state == FSM_IDLE || manager->fsm.state == FSM_REPORTING;
}

static void change_watch_arm(ChangeWatch *watch) {
        event_timer_arm(watch->timer, change_pace_due(&watch->pace));
}

static void change_watch_note(Manager *manager) {
        ChangeWatch *watch = &manager->changes;

        if (!watch->timer)
                return;

        change_pace_note(&watch->pace, now_usec(CLOCK_BOOTTIME));
        change_watch_arm(watch);
        if (watch->health_watch)
                health_watch_rest(watch->health_watch, change_pace_idle_until(&watch->pace));
}

static int on_due(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata) {
        Manager *manager = userdata;
        ChangeWatch *watch = &manager->changes;

        /* The report that ends an outage, or follows a registration, has the change in any case. */
        if (!is_reporting_well(manager)) {
                change_pace_settle(&watch->pace);
                return 0;
        }

        change_pace_take(&watch->pace, now_usec(CLOCK_BOOTTIME));
        log_line(LOG_DEBUG, "Health changed.");
        (void) manager_step(manager, FSM_EVENT_HEALTH_CHANGED);
        return 0;
}

/* ---- health files ---- */

static void on_health_hint(void *userdata) {
        Manager *manager = userdata;

        if (is_reporting_well(manager))
                (void) manager_collect(manager, COLLECT_FOR_CHANGE);
}

void change_watch_collecting(Manager *manager, unsigned reasons) {
        ChangeWatch *watch = &manager->changes;

        if (watch->health_watch && reasons & COLLECT_FOR_REPORT)
                (void) health_watch_renew(watch->health_watch);
}

void change_watch_collected(Manager *manager, unsigned reasons) {
        ChangeWatch *watch = &manager->changes;

        if (!watch->timer)
                return;

        if (reasons & COLLECT_FOR_REPORT) {
                change_pace_settle(&watch->pace);
                change_watch_arm(watch);
        } else if (health_dir_has_changed(manager->health_dir))
                change_watch_note(manager);
}

static int change_watch_start_health(Manager *manager) {
        ChangeWatch *watch = &manager->changes;
        const char *path = state_store_health_path(manager->keeper.store);
        int r;

        r = event_timer_new(manager->event, CLOCK_BOOTTIME, ACCURACY_USEC, on_due, manager, &watch->timer);
        if (r < 0)
                return r;

        r = health_watch_new(manager->event, manager->keeper.store, on_health_hint, manager,
                        &watch->health_watch);
        if (r >= 0)
                r = health_watch_renew(watch->health_watch);
        if (r < 0)
                log_line(LOG_WARNING, "Cannot watch %s, its changes wait for the regular reports: %s", path,
                                strerror(-r));
        return 0;
}

/* ---- units ---- */

static void change_watch_release(Manager *manager) {
        if (!manager->changes.is_holding)
                return;

        manager->changes.is_holding = false;
        manager_begin_report(manager);
}

static void on_unit_event(UnitWatchEvent event, int error, void *userdata) {
        Manager *manager = userdata;
        ChangeWatch *watch = &manager->changes;

        switch (event) {
        case UNIT_WATCH_NEWS:
                change_watch_note(manager);
                break;
        case UNIT_WATCH_READY:
                if (watch->is_absence_said)
                        log_line(LOG_NOTICE, "The states of the watched units are known again.");
                watch->is_absence_said = false;
                change_watch_release(manager);
                break;
        case UNIT_WATCH_ABSENT:
                watch->is_absence_said = true;
                log_line(LOG_WARNING, "Watched units are left out of the reports: %s",
                                error == -ENXIO ? "systemd is not on the bus" : strerror(-error));
                change_watch_note(manager);
                break;
        }
}

static int on_hold_over(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata) {
        change_watch_release(userdata);
        return 0;
}

bool change_watch_holds(Manager *manager) {
        ChangeWatch *watch = &manager->changes;

        watch->is_holding = watch->unit_watch && !unit_watch_is_ready(watch->unit_watch) &&
                            sd_event_source_get_enabled(watch->hold_timer, NULL) > 0;
        return watch->is_holding;
}

static int change_watch_start_units(Manager *manager) {
        ChangeWatch *watch = &manager->changes;
        int r;

        r = unit_set_new(manager->config->watch_units, manager->config->n_watch_units, &watch->units);
        if (r < 0)
                return r;
        r = sd_event_add_time_relative(manager->event, &watch->hold_timer, CLOCK_BOOTTIME, HOLD_USEC,
                        ACCURACY_USEC, on_hold_over, manager);
        if (r < 0)
                return r;
        return unit_watch_new(manager->event, watch->units, on_unit_event, manager, &watch->unit_watch);
}

void change_watch_attach_bus(Manager *manager, sd_bus *bus) {
        if (manager->changes.unit_watch)
                unit_watch_attach(manager->changes.unit_watch, bus);
}

void change_watch_detach_bus(Manager *manager, int error) {
        if (manager->changes.unit_watch)
                unit_watch_detach(manager->changes.unit_watch, error);
}

void change_watch_has_no_bus(Manager *manager, const char *reason) {
        ChangeWatch *watch = &manager->changes;

        if (!watch->unit_watch)
                return;

        log_line(LOG_WARNING, "Watched units are left out of the reports: %s", reason);
        watch->unit_watch = unit_watch_free(watch->unit_watch);
}

const char *change_watch_members(Manager *manager) {
        UnitSet *units = manager->changes.units;

        return units ? unit_set_members(units, now_usec(CLOCK_BOOTTIME)) : NULL;
}

/* ---- life ---- */

int change_watch_start(Manager *manager) {
        int r = 0;

        if (manager->config->n_watch_units > 0)
                r = change_watch_start_units(manager);
        if (r >= 0 && manager->config->report_on_change && !manager->is_once)
                r = change_watch_start_health(manager);
        return r;
}

void change_watch_done(ChangeWatch *watch) {
        unit_watch_free(watch->unit_watch);
        unit_set_free(watch->units);
        health_watch_free(watch->health_watch);
        sd_event_source_disable_unref(watch->hold_timer);
        sd_event_source_disable_unref(watch->timer);
        *watch = (ChangeWatch){};
}
