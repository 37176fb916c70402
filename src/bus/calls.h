/* SPDX-License-Identifier: MIT */
/* Method calls that wait for their reply. Internal to the wing: bus.c accepts and ends calls, auth.c decides
 * whose calls are allowed.
 *
 * Their number is bounded, in all and of one sender, and so is what each costs: a held call is a small copy
 * of its header, and of the replies that can be big (up to 8 MiB) only one exists at a time: the next is
 * made when the last is written. */
#pragma once

#include <sys/types.h>

#include "bus/bus.h"
#include "util/macro.h"
#include "util/time-util.h"

typedef enum CallPhase {
        CALL_LOOKUP = 1 << 0,  /* the bus daemon is asked who the sender is */
        CALL_POLKIT = 1 << 1,  /* polkit is asked whether that user may */
        CALL_WAITING = 1 << 2, /* for the operation */
        CALL_READY = 1 << 3,   /* waits for room to write its reply */
} CallPhase;

typedef struct Call {
        struct BusCalls *calls;
        struct Call *next;
        sd_bus_message *message; /* a copy of the header */
        BusMethod method;
        const char *action; /* of polkit */
        CallPhase phase;
        usec_t deadline_usec; /* boot time; once authorised */

        /* While it is authorised (auth.c). */
        sd_bus_slot *slot; /* of the question that is asked about it */
        uid_t uid;
        bool is_person_asked; /* by polkit, for a password */
} Call;

/* A unique name is never used again on the same bus, and always is the same user. */
typedef struct KnownSender {
        char name[24];
        uid_t uid;
} KnownSender;

typedef struct BusCalls {
        const BusHandlers *handlers;
        void *userdata;
        Call *first;  /* in the order of arrival */
        char *health; /* for the GetHealth calls that are ready; NULL if none are */
        sd_event_source *timer;

        /* Of auth.c. The senders that were looked up last: a flood of theirs leaves the lookups free
         * for others. */
        bool allow_own_uid;
        KnownSender known[256];
        size_t known_next;
} BusCalls;

/* ---- calls.c ---- */

/* `allow_own_uid`: callers of the agent's own user are let in as root is. Right on a user's own bus,
 * wrong on the system bus, where it would let in whatever else runs as that user. Returns 0 or a
 * negative errno. */
int bus_calls_new(sd_event *event, bool allow_own_uid, const BusHandlers *handlers, void *userdata,
                BusCalls **ret);
BusCalls *bus_calls_free(BusCalls *calls);

DEFINE_CLEANUP(BusCalls *, bus_calls_free)

/* Takes a call in; what it returns (and `error`) is what a method handler returns to sd-bus. */
int bus_calls_begin(BusCalls *calls, sd_bus_message *message, sd_bus_error *error);

/* Sends the replies of calls that are ready, as long as each is written at once. */
void bus_calls_flush(BusCalls *calls);

/* See bus_complete(). */
void bus_calls_complete(BusCalls *calls, BusMethod method, OperationResult result, unsigned http_status,
                const char *text);

/* The connection is gone: forgets all calls and what is known of their senders. */
void bus_calls_reset(BusCalls *calls);

/* How many calls are in one of the phases, of a sender (NULL: of all) and a user ((uid_t) -1: of all). */
size_t bus_calls_count(const BusCalls *calls, unsigned phases, const char *sender, uid_t uid);

/* Answers the call with an error and releases it. */
void call_fail(Call *call, const char *error_name, const char *text);

/* The call is authorised. */
void call_start(Call *call);

/* ---- auth.c ---- */

/* Asks whether the call's sender may do this, without waiting: the bus daemon says which user that
 * is, and for all but root polkit says whether it is allowed (without polkit, nobody is). Ends with
 * call_start() or call_fail(), maybe from within, at most 10 s later; 65 s if the call allows polkit
 * to ask a person for a password. */
void call_authorize(Call *call);
