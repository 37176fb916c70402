/* SPDX-License-Identifier: MIT */
/* The agent as a whole: wires the outside worlds to the state machine. */
#pragma once

#include "core/config.h"
#include "core/identity.h"
#include "core/node.h"
#include "sys/state-store.h"

typedef struct Manager Manager;

/* What main() has loaded before the loop starts; all of it is handed over. */
typedef struct ManagerStart {
        Identity identity;
        StateStore *store;
        int lock_error; /* 0, or the negative errno why the state cannot be written for now */
        Node *node;     /* the stored node object; NULL if there is none that may be used */
        bool is_once;   /* register, report, and end */
} ManagerStart;

/* `config` outlives the manager. SIGTERM, SIGINT and SIGHUP are blocked. Returns 0 or a negative errno. */
int manager_new(const Config *config, ManagerStart *start, Manager **ret);
Manager *manager_free(Manager *manager);

/* Runs until it is told to stop. Returns 0; 1 if `is_once` and the Master did not accept it (already
 * logged); or a negative errno of the event loop. */
int manager_run(Manager *manager);
