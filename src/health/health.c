/* SPDX-License-Identifier: MIT */
/* Puts the parts of the room together: the set of files with the scan that fills it, hints of changes with
 * the pace at which they are reported, and the units. */
#include "health/health.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "core/change-pace.h"
#include "core/unit-set.h"
#include "health/health-scan.h"
#include "health/health-watch.h"
#include "health/unit-watch.h"
#include "sys/event-timer.h"
#include "sys/log.h"
#include "util/fd-util.h"
#include "util/macro.h"

/* systemd answers within milliseconds: then already the first report has the units. */
#define HOLD_USEC (1 * USEC_PER_SEC)
#define ACCURACY_USEC (50 * USEC_PER_MSEC)

/* Only whether it changed is asked. Beside the HealthPurposes. */
enum { FOR_CHANGE = 1 << 3 };

struct Health {
        HealthOptions options;
        HealthSet *set;
        unsigned purposes;             /* of the look that is under way */
        sd_event_source *second_timer; /* enabled while half-written files wait for a second look */
        int logged_error;
        LogCrowd lines;

        /* Units; all NULL if none are watched. */
        UnitSet *units;
        UnitWatch *unit_watch;
        sd_event_source *hold_timer; /* a report waits for the units until then */
        bool is_holding, is_absence_logged;

        /* Changes; NULL if they are not to be reported early. */
        sd_event_source *change_timer;
        HealthWatch *watch; /* NULL too if the directory cannot be watched */
        ChangePace pace;
};

DEFINE_CLEANUP(Health *, health_free)

/* ---- changes ---- */

static bool wants_changes(const Health *health) {
        return health->options.handlers->wants_changes(health->options.userdata);
}

static void health_arm(Health *health) {
        event_timer_arm(health->change_timer, change_pace_due(&health->pace));
}

static void health_note_change(Health *health) {
        if (!health->change_timer)
                return;

        change_pace_note(&health->pace, now_usec(CLOCK_BOOTTIME));
        health_arm(health);
}

static int on_change_due(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata) {
        Health *health = userdata;

        /* The report that ends an outage, or follows a registration, has the change in any case. */
        if (!wants_changes(health)) {
                change_pace_settle(&health->pace);
                return 0;
        }

        change_pace_take(&health->pace, now_usec(CLOCK_BOOTTIME));
        log_line(LOG_DEBUG, "Health changed.");
        health->options.handlers->changed(health->options.userdata);
        return 0;
}

/* ---- files ---- */

static void log_file(const HealthFile *file) {
        LogFields fields = { .health_file = file->key };

        switch (file->verdict) {
        case HEALTH_OK:
                log_event(LOG_NOTICE, LOG_EVENT_HEALTH_FILE_GOOD, &fields, "Health file %s is good again.",
                                file->key);
                break;
        case HEALTH_GONE:
                log_event(LOG_NOTICE, LOG_EVENT_NONE, &fields,
                                "Health file %s is gone and no longer reported.", file->key);
                break;
        default:
                log_event(LOG_WARNING, LOG_EVENT_HEALTH_FILE_BAD, &fields,
                                "Health file %s is skipped (%s): %s", file->key,
                                health_verdict_to_string(file->verdict), file->reason);
        }
}

static void health_log(Health *health, int error) {
        usec_t now = now_usec(CLOCK_BOOTTIME);
        uint64_t n_left_out;

        if (error < 0 && error != health->logged_error)
                log_line(LOG_WARNING, "Cannot read %s: %s", state_store_health_path(health->options.store),
                                strerror(-error));
        health->logged_error = error;

        health_set_log(health->set, &health->lines, now, log_file);
        n_left_out = log_crowd_summary(&health->lines, now);
        if (n_left_out > 0)
                log_line(LOG_WARNING,
                                "%" PRIu64
                                " more changes of health files were not logged; argusctl health shows all.",
                                n_left_out);
}

static void health_collected(Health *health, int error) {
        unsigned purposes = health->purposes;
        bool is_changed = health_set_take_change(health->set);

        health->purposes = 0;
        if (health->change_timer && purposes & HEALTH_FOR_REPORT) {
                change_pace_settle(&health->pace);
                health_arm(health);
        } else if (is_changed)
                health_note_change(health);

        if (purposes == FOR_CHANGE) /* a report follows if something changed */
                return;
        health_log(health, error);
        health->options.handlers->collected(purposes, health->options.userdata);
}

static int health_scan_now(Health *health, bool is_second) {
        const HealthOptions *options = &health->options;
        _cleanup_close_ int fd = state_store_open_health(options->store);

        return health_scan(health->set, fd, now_usec(CLOCK_REALTIME), options->config->health_max_age_usec,
                        is_second);
}

static int on_second_look(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata) {
        Health *health = userdata;
        int r = health_scan_now(health, true);

        health_collected(health, r < 0 ? r : 0);
        return 0;
}

static void health_look(Health *health, unsigned purpose) {
        int r;

        health->purposes |= purpose;
        if (sd_event_source_get_enabled(health->second_timer, NULL) > 0)
                return;

        r = health_scan_now(health, false);
        if (r > 0)
                event_timer_arm(health->second_timer,
                                usec_add(now_usec(CLOCK_BOOTTIME), HEALTH_SECOND_LOOK_USEC));
        else
                health_collected(health, r);
}

static void on_hint(void *userdata) {
        Health *health = userdata;
        usec_t now = now_usec(CLOCK_BOOTTIME), due = change_pace_due(&health->pace);

        /* A change now could not move the next report: a writer that never rests causes no scans
         * for nothing. */
        if (due != USEC_INFINITY && due >= usec_add(now, CHANGE_QUIET_USEC))
                return;
        if (wants_changes(health))
                health_look(health, FOR_CHANGE);
}

static int health_start_changes(Health *health) {
        const HealthOptions *options = &health->options;
        int r;

        r = event_timer_new(options->event, CLOCK_BOOTTIME, ACCURACY_USEC, on_change_due, health,
                        &health->change_timer);
        if (r < 0)
                return r;

        r = health_watch_new(options->event, options->store, on_hint, health, &health->watch);
        if (r >= 0)
                r = health_watch_renew(health->watch);
        if (r < 0)
                log_line(LOG_WARNING, "Cannot watch %s, its changes wait for the regular reports: %s",
                                state_store_health_path(options->store), strerror(-r));
        return 0;
}

/* ---- units ---- */

static bool health_holds(const Health *health) {
        return health->unit_watch && !unit_watch_is_ready(health->unit_watch) &&
               sd_event_source_get_enabled(health->hold_timer, NULL) > 0;
}

static void health_release(Health *health) {
        if (!health->is_holding)
                return;

        health->is_holding = false;
        health_collect(health, HEALTH_FOR_REPORT);
}

static int on_hold_over(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata) {
        health_release(userdata);
        return 0;
}

static void on_unit_event(UnitWatchEvent event, int error, void *userdata) {
        Health *health = userdata;

        switch (event) {
        case UNIT_WATCH_NEWS:
                health_note_change(health);
                break;
        case UNIT_WATCH_READY:
                if (health->is_absence_logged)
                        log_line(LOG_NOTICE, "The states of the watched units are known again.");
                health->is_absence_logged = false;
                health_release(health);
                break;
        case UNIT_WATCH_ABSENT:
                health->is_absence_logged = true;
                log_line(LOG_WARNING, "Watched units are left out of the reports: %s",
                                error == -ENXIO ? "systemd is not on the bus" : strerror(-error));
                health_note_change(health);
                break;
        }
}

static int health_start_units(Health *health) {
        const Config *config = health->options.config;
        sd_event *event = health->options.event;
        int r;

        r = unit_set_new(config->watch_units, config->n_watch_units, &health->units);
        if (r < 0)
                return r;
        r = sd_event_add_time_relative(event, &health->hold_timer, CLOCK_BOOTTIME, HOLD_USEC, ACCURACY_USEC,
                        on_hold_over, health);
        if (r < 0)
                return r;
        return unit_watch_new(event, health->units, on_unit_event, health, &health->unit_watch);
}

void health_attach_bus(Health *health, sd_bus *bus) {
        if (health->unit_watch)
                unit_watch_attach(health->unit_watch, bus);
}

void health_detach_bus(Health *health, int error) {
        if (health->unit_watch)
                unit_watch_detach(health->unit_watch, error);
}

void health_has_no_bus(Health *health, const char *reason) {
        if (!health->unit_watch)
                return;

        log_line(LOG_WARNING, "Watched units are left out of the reports: %s", reason);
        health->unit_watch = unit_watch_free(health->unit_watch);
}

/* ---- what the agent asks for ---- */

void health_collect(Health *health, HealthPurpose purpose) {
        if (purpose == HEALTH_FOR_REPORT) {
                health->is_holding = health_holds(health);
                if (health->is_holding)
                        return;
                if (health->watch)
                        (void) health_watch_renew(health->watch);
        }
        health_look(health, purpose);
}

void health_cancel_report(Health *health) {
        health->is_holding = false;
        health->purposes &= ~(unsigned) HEALTH_FOR_REPORT;
}

int health_splice(Health *health, Buffer *buffer) {
        const char *units = health->units ? unit_set_members(health->units, now_usec(CLOCK_BOOTTIME)) : NULL;

        return health_set_splice(health->set, units, buffer);
}

const HealthSet *health_list(const Health *health) {
        return health->set;
}

bool health_take_listing_change(Health *health) {
        return health_set_take_listing_change(health->set);
}

int health_new(const HealthOptions *options, Health **ret) {
        _cleanup_(health_free_pointer) Health *health = calloc(1, sizeof *health);
        int r;

        if (!health)
                return -ENOMEM;
        health->options = *options;

        r = health_set_new(&health->set);
        if (r >= 0)
                r = event_timer_new(options->event, CLOCK_BOOTTIME, USEC_PER_MSEC, on_second_look, health,
                                &health->second_timer);
        if (r >= 0 && options->config->n_watch_units > 0)
                r = health_start_units(health);
        if (r >= 0 && options->reports_changes)
                r = health_start_changes(health);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(health);
        return 0;
}

Health *health_free(Health *health) {
        if (!health)
                return NULL;

        unit_watch_free(health->unit_watch);
        unit_set_free(health->units);
        health_watch_free(health->watch);
        sd_event_source_disable_unref(health->hold_timer);
        sd_event_source_disable_unref(health->change_timer);
        sd_event_source_disable_unref(health->second_timer);
        log_crowd_done(&health->lines);
        health_set_free(health->set);
        free(health);
        return NULL;
}
