/* What the agent watches besides its timer, where it is told to: systemd's units (AGENT_WATCH_UNITS), which
 * are reported too, and changes of health (AGENT_REPORT_ON_CHANGE), which make a report early. */
#pragma once

#include <stdbool.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "core/change-pace.h"
#include "core/unit-set.h"
#include "health/health-watch.h"
#include "health/unit-watch.h"

typedef struct Manager Manager;

/* Plain data; zero-initialised nothing is watched. */
typedef struct ChangeWatch {
        UnitSet *units;
        UnitWatch *unit_watch;
        sd_event_source *hold_timer; /* the first report waits for the units until then */
        bool is_holding, is_absence_said;

        HealthWatch *health_watch;
        ChangePace pace;
        sd_event_source *timer;
} ChangeWatch;

/* Starts what the configuration asks for. Returns 0 or a negative errno. */
int change_watch_start(Manager *manager);
void change_watch_done(ChangeWatch *watch); /* before the bus is closed */

/* The bus has come up; it is lost; there is none, and why. */
void change_watch_attach_bus(Manager *manager, sd_bus *bus);
void change_watch_detach_bus(Manager *manager, int error);
void change_watch_has_no_bus(Manager *manager, const char *reason);

/* The units, as members for health_set_splice(); NULL if none are watched. */
const char *change_watch_members(Manager *manager);

/* Whether the report that is to be made now waits: manager_begin_report() is called when its time comes. */
bool change_watch_holds(Manager *manager);

/* A collection of health begins; it has ended. `reasons`: CollectReasons. */
void change_watch_collecting(Manager *manager, unsigned reasons);
void change_watch_collected(Manager *manager, unsigned reasons);
