/* SPDX-License-Identifier: MIT */
/* Follows the agent on the bus: when it appears, changes or goes. A signal only says that something may
 * be new; what, is read from the agent. So a signal of somebody else changes nothing, and none has to be
 * put together with what was read before. Changes that follow each other faster than they are read are
 * seen as one. */
#pragma once

#include "ctl/client.h"

typedef struct Sight {
        bool is_there;
        AgentView view; /* all empty if it is not there */
        HealthRows health;
} Sight;

/* Begins with all zero but `session`. */
typedef struct Follower {
        const Session *session;
        bool is_subscribed, is_known, is_stale;
        Sight before, now;
        uint64_t changed; /* properties, as a mask of PROPERTY_BIT(); all if it has just appeared */
} Follower;

/* Waits for the agent to change, at first for what it is; both sights are valid until the next call. Returns
 * 1; 0 if `end` (CLOCK_MONOTONIC) has come; or a negative errno after it said why on stderr. */
int follower_next(Follower *follower, usec_t end);

void follower_done(Follower *follower);
