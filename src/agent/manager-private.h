/* SPDX-License-Identifier: MIT */
/* The manager's own state, shared by the files that make up the manager: manager.c (wiring), operations.c
 * (the bus, and what it may ask for), registering.c (which id is sent, and where the node object goes),
 * reporting.c (what is done when health was collected or has changed). */
#pragma once

#include <systemd/sd-event.h>

#include "agent/announcer.h"
#include "agent/manager.h"
#include "master/master.h"
#include "agent/node-keeper.h"
#include "agent/local-address.h"
#include "core/fsm.h"
#include "bus/bus.h"
#include "sys/clock-watch.h"
#include "health/health.h"
#include "sys/host-info.h"
#include "sys/net-watch.h"

struct Manager {
        const Config *config;
        bool is_once;
        int exit_code; /* of `is_once` */

        sd_event *event;
        sd_event_source *timer; /* the state machine's deadline */
        usec_t woke_usec;       /* boot time at which the loop's last wait ended */
        sd_event_source *ready_timer;
        bool is_ready;

        Fsm fsm;
        Identity identity;

        NodeKeeper keeper;
        bool is_found_asked;     /* a registration has the id of keeper.found */
        bool has_chosen_address; /* the first registration was built */

        /* The machine. */
        char machine_id[HOST_MACHINE_ID_SIZE];
        LocalAddress address;
        NetWatch *net_watch;
        ClockWatch *clock_watch;

        MasterClient *master;
        const MasterReply *reply; /* while one is handled */

        Health *health;
        Buffer body;

        Bus *bus; /* NULL: there is none */
        Announcer *announcer;
};

/* manager.c: gives an event to the state machine and does what it says. Returns false if it refused. */
bool manager_step(Manager *manager, FsmEventType type);

/* registering.c: gives the reply that is being handled to the keeper, which also retries a failed save. */
void manager_persist(Manager *manager);

/* registering.c: submits a registration, with the id if there is one. */
void manager_register(Manager *manager);

/* registering.c: likewise without the refused id; or with our own, if the refused one was keeper.found's. */
void manager_give_up_id(Manager *manager);

/* registering.c: whether a node.json with another id turned up, and no registration has used it yet. */
bool manager_has_other_id(const Manager *manager);

/* reporting.c: makes manager->health, whose results are reported there. Returns 0 or a negative errno. */
int manager_start_health(Manager *manager);

/* reporting.c: adds the size of the report and its largest files to the error of one that is too large. */
void reporting_explain_size(const Manager *manager, Outcome *outcome);

/* manager.c: the agent as it is, for the announcer. Valid until something changes. */
AgentFacts manager_facts(const Manager *manager);

/* For the log; NULL if there is none. */
static inline const char *manager_node_id(const Manager *manager) {
        return manager->keeper.node ? manager->keeper.node->id : NULL;
}

/* operations.c: connects to the bus, if there is to be one; the start is reported when it is there, or a
 * moment later. Returns 0 or a negative errno. */
int manager_start_bus(Manager *manager);
