/* SPDX-License-Identifier: MIT */
/* What is watched: the health files, and systemd's units (AGENT_WATCH_UNITS). The one header of this room
 * for the agent, which asks for a look and is called when it is done; and, with AGENT_REPORT_ON_CHANGE, when
 * a change is worth a report.
 *
 * Health logs what it finds. It does not know when the agent reports, nor to whom, nor what state it is in:
 * whether a change leads to a report is for the agent to say. Nothing of it blocks but the file system. */
#pragma once

#include <stdbool.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "core/config.h"
#include "core/health-set.h"
#include "sys/state-store.h"
#include "util/buffer.h"

typedef struct Health Health;

/* Why the files are looked at. */
typedef enum HealthPurpose {
        HEALTH_FOR_REPORT = 1 << 0,
        HEALTH_FOR_CALLER = 1 << 1,  /* of GetHealth */
        HEALTH_FOR_LISTING = 1 << 2, /* what HealthFiles on D-Bus shows */
} HealthPurpose;

typedef struct HealthHandlers {
        /* A look is done, for these purposes (a mask; it may be empty). */
        void (*collected)(unsigned purposes, void *userdata);
        /* It is time to report what has changed; not called unless wants_changes(). */
        void (*changed)(void *userdata);
        /* Whether a change would lead to a report now. */
        bool (*wants_changes)(void *userdata);
} HealthHandlers;

typedef struct HealthOptions {
        sd_event *event;
        const Config *config;
        const StateStore *store;
        bool reports_changes; /* calls changed() */
        const HealthHandlers *handlers;
        void *userdata;
} HealthOptions;

/* What the options point to outlives the object. Returns 0 or a negative errno. */
int health_new(const HealthOptions *options, Health **ret);
Health *health_free(Health *health); /* before the bus is closed; handlers are not called any more */

/* Looks at the files. collected() is called once, perhaps from within: 50 ms later if a file looks
 * half-written; for a report up to a second later if systemd has not said yet how its units are. Calls in
 * between are served by the same look. */
void health_collect(Health *health, HealthPurpose purpose);

/* The report is not wanted any more. */
void health_cancel_report(Health *health);

/* Appends the `health` object of a report: files and units, as they are known. Returns 0 or -ENOMEM. */
int health_splice(Health *health, Buffer *buffer);

/* The files, for the bus. The set lives as long as the object; it changes before collected() is called. */
const HealthSet *health_list(const Health *health);

/* Whether the list shows other files, verdicts or reasons than when this was last asked. */
bool health_take_listing_change(Health *health);

/* The bus has come up; it is lost; there will be none, and why. */
void health_attach_bus(Health *health, sd_bus *bus);
void health_detach_bus(Health *health, int error);
void health_has_no_bus(Health *health, const char *reason);
