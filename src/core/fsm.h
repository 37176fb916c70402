/* SPDX-License-Identifier: MIT */
/* The agent's state machine: events in, actions out. It holds no clock and no timer: events carry the time,
 * and `deadline_usec` says when the next EVENT_TIMER is due.
 *
 * Invariants, which the tests check over the whole table and over random sequences:
 *   - at most one request is in flight: exactly one in REGISTERING and REPORTING, perhaps one in STOPPING,
 *     else none;
 *   - in every state a deadline or a request is pending, until ACTION_EXIT;
 *   - what is to be durable is persisted before it is published: the order of the actions is their order
 *     in time;
 *   - the stored id is replaced by a new one, never dropped before;
 *   - a registration without the id follows FSM_REFUSALS_MAX refusals in a row, each after a pause;
 *   - a deadline that the machine slept through is put off, so that machines that wake together do not ask
 *     together;
 *   - a changed address makes at most one registration an interval that does not wait for a slot. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/late-wake.h"
#include "core/outcome.h"
#include "core/schedule.h"
#include "util/time-util.h"

#define FSM_STOP_GRACE_USEC (2 * USEC_PER_SEC)

/* A registration for a changed address comes within a sixth of the interval, at most this. */
#define FSM_ADDRESS_SPREAD_USEC (10 * USEC_PER_SEC)

/* At least this between a failed registration and the slot of the next, once the pauses are used up. */
#define FSM_REGISTER_GAP_USEC (30 * USEC_PER_SEC)

/* A proxy that has lost its Master responds 404 to everything for a while, so the id is given up only after
 * this many refusals in a row, each after a pause. */
enum { FSM_REFUSALS_MAX = 2 };

typedef enum FsmState {
        FSM_REGISTERING,
        FSM_REGISTER_WAIT, /* also the state before the first step, with its deadline already there */
        FSM_IDLE,
        FSM_REPORTING,
        FSM_REPORT_WAIT,
        FSM_STOPPING,
        _FSM_STATE_MAX,
} FsmState;

typedef enum FsmEventType {
        FSM_EVENT_OK, /* the four classes of a response, in the order of OutcomeClass */
        FSM_EVENT_FORGOTTEN,
        FSM_EVENT_ID_REFUSED,
        FSM_EVENT_FAILED,
        FSM_EVENT_TIMER, /* the deadline came */
        /* A person asked; fsm_step() knows these three by their place in the list. */
        FSM_EVENT_REREGISTER, /* at once, sharing a registration in flight */
        FSM_EVENT_RELOAD,     /* files may have changed: at once, or after one in flight */
        FSM_EVENT_REPORT,     /* at once, sharing a report in flight */

        FSM_EVENT_OUTDATED,        /* the Master has old data of the node: now, or after one in flight */
        FSM_EVENT_ADDRESS_CHANGED, /* the local one: register soon, once an interval; else in the slot */
        FSM_EVENT_HEALTH_CHANGED,  /* a report now, or after the one in flight; none in an outage */
        FSM_EVENT_STOP,
        _FSM_EVENT_MAX,
} FsmEventType;

typedef struct FsmEvent {
        FsmEventType type;
        usec_t now_usec;    /* boot time */
        usec_t asleep_usec; /* how long the machine has been suspended so far: boot time - monotonic time */
        uint64_t random;    /* 64 random bits */
        usec_t retry_after_usec; /* of a failed response; 0: none */
} FsmEvent;

typedef enum FsmAction {
        ACTION_REGISTER,            /* submit a registration, with the id if there is one */
        ACTION_REGISTER_WITHOUT_ID, /* submit a registration without the id, which the Master has refused */
        ACTION_REPORT,              /* collect health and submit a report */
        ACTION_CANCEL,              /* drop what is in flight */
        ACTION_PERSIST, /* store the node object of the response; durable if id or identity changed */
        ACTION_PUBLISH, /* tell D-Bus, STATUS=, the log and waiting callers of the response and the state */
        ACTION_EXIT,
} FsmAction;

enum { FSM_ACTIONS_MAX = 4 };

/* When a wanted registration is sent. A later value is sent earlier. */
typedef enum FsmWant {
        FSM_WANT_NONE,
        FSM_WANT_IN_SLOT,             /* in place of the next due report */
        FSM_WANT_AFTER_RESPONSE,      /* to the request in flight; while a Retry-After holds, in the slot */
        FSM_WANT_DESPITE_RETRY_AFTER, /* likewise, but a person asked */
} FsmWant;

typedef struct FsmStep {
        FsmAction actions[FSM_ACTIONS_MAX];
        size_t count;
        bool is_refused; /* it cannot be done in this state; the caller must be told */
} FsmStep;

typedef struct Fsm {
        FsmState state;
        usec_t deadline_usec; /* boot time of the next EVENT_TIMER; USEC_INFINITY: none */
        unsigned n_pauses;    /* after failed registrations, since the last one that succeeded */
        Schedule schedule;
        bool has_registered; /* the Master has confirmed the node since the start */
        bool is_without_id;  /* the registration in flight carries no id, because it was refused */
        bool is_paced;       /* the registration in flight followed such a pause */
        unsigned n_refusals; /* paced registrations in a row whose id was refused */

        FsmWant want_register;
        bool want_report; /* after the report in flight, if that succeeds */
        bool is_awaited;  /* a person waits for the request in flight, or for the one after it */

        bool is_hurried;     /* REGISTER_WAIT is for a changed address, not for a failed registration */
        bool has_cancelled;  /* for a changed address; not again until a report has its response */
        usec_t address_usec; /* boot time of the last registration for a changed address; 0: never */

        LateWake late_wake;

        bool is_in_flight;              /* a request is; differs from the state only in STOPPING */
        usec_t not_before_usec;         /* the Master's Retry-After, boot time; 0: none */
        usec_t forgotten_usec;          /* boot time when the Master last forgot the node; 0: never */
        bool is_forgotten;              /* it did, and no report has had its response since */
        uint32_t registration_failures; /* the part of `failures` that a registration ends */
        uint32_t failures;              /* failed attempts since the last success */
} Fsm;

/* The first step is due at `now`. */
void fsm_init(Fsm *fsm, usec_t report_interval_usec, usec_t now);

/* Takes one event. A response in a state without a request in flight is a programmer's error. */
void fsm_step(Fsm *fsm, const FsmEvent *event, FsmStep *ret);

/* The agent is about to wait, at `now`: the time that its own work took until then (an fsync, a slow
 * directory) does not count as lateness. Must not be called between a pause of the machine and the
 * EVENT_TIMER that is late because of it. */
void fsm_note_acted(Fsm *fsm, usec_t now);

/* How late EVENT_TIMER may come, in microseconds, at least 1: coarse, so that wake-ups of a machine
 * coalesce; fine enough not to bend a short interval; exact if somebody waits. */
usec_t fsm_timer_accuracy(const Fsm *fsm);

/* Whether an EVENT_HEALTH_CHANGED would do anything in this state. */
bool fsm_wants_changes(const Fsm *fsm);

/* For debugging. */
const char *fsm_state_to_string(FsmState value);
const char *fsm_event_to_string(FsmEventType value);
