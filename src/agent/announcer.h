/* SPDX-License-Identifier: MIT */
/* Announces each step: to the log, to callers and watchers on the bus, and to the service
 * manager (STATUS=).
 *
 * It remembers what it has logged, so that an outage is one line and not one a minute. It decides nothing:
 * it is given the facts, and no other file reads its state. */
#pragma once

#include "bus/bus.h"
#include "core/fsm.h"
#include "core/identity.h"
#include "core/node.h"
#include "master/master.h"

typedef struct Announcer Announcer;

/* The agent as it is when something is told. */
typedef struct AgentFacts {
        const Fsm *fsm;
        const Identity *identity;
        const char *endpoint; /* of the Master, in use */
        const char *address;  /* as registered; may be empty */
        const Node *node;     /* NULL: never registered */
        const Node *found;    /* a node object that turned up, if there is one … */
        bool is_found_asked;  /* … whose id was registered with */
        int save_error;       /* negative errno; 0: the node object is on the disk */
} AgentFacts;

/* The strings outlive the object. `save_error` was told already. Returns NULL if memory is out. */
Announcer *announcer_new(const char *hostname, const char *state_path, const char *health_path, bool is_once,
                int save_error);
Announcer *announcer_free(Announcer *announcer);

/* From now on the bus is told, first of all what it missed. It outlives the object; may be NULL. */
void announcer_set_bus(Announcer *announcer, Bus *bus);

/* Brings the properties on the bus and STATUS= up to date. */
void announcer_publish(Announcer *announcer, AgentFacts facts);

/* The wall clock was set: the next report has a new time. */
void announcer_clock_set(Announcer *announcer, AgentFacts facts);

/* Logs and counts what a step has brought, and answers waiting callers. `reply` is the one that is handled,
 * or NULL. Before announcer_publish(). */
void announcer_step(Announcer *announcer, AgentFacts facts, const MasterReply *reply);

/* After each attempt to write the node object. */
void announcer_saved(Announcer *announcer, AgentFacts facts);

/* HealthFiles shows something else than before. */
void announcer_health_changed(Announcer *announcer, AgentFacts facts);

/* `is_ready`: the start of the service was reported. */
void announcer_bus_event(Announcer *announcer, BusEvent event, int error, bool is_ready);
