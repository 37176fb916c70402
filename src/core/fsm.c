/* SPDX-License-Identifier: MIT */
#include "core/fsm.h"

#include "util/macro.h"

/* One handler for each cell that does something; see docs/architecture.md for the diagram. */
typedef void (*FsmHandler)(Fsm *fsm, const FsmEvent *event, FsmStep *step);

static void step_add(FsmStep *step, FsmAction action) {
        assert(step->count < FSM_ACTIONS_MAX);
        step->actions[step->count++] = action;
}

/* A wish that comes earlier counts. */
static void want(Fsm *fsm, FsmWant when) {
        if (fsm->want_register < when)
                fsm->want_register = when;
}

static void forget_wishes(Fsm *fsm) {
        fsm->want_register = FSM_WANT_NONE;
        fsm->want_report = false; /* a report follows a registration anyway, and ends an outage */
}

/* ---- entering a state ---- */

static void enter_registering(Fsm *fsm, FsmStep *step, bool without_id) {
        fsm->state = FSM_REGISTERING;
        fsm->deadline_usec = USEC_INFINITY;
        fsm->is_in_flight = true;
        fsm->is_without_id = without_id;
        fsm->is_paced = fsm->is_hurried = false;
        forget_wishes(fsm);
        step_add(step, without_id ? ACTION_REGISTER_WITHOUT_ID : ACTION_REGISTER);
}

static void enter_reporting(Fsm *fsm, const FsmEvent *event, FsmStep *step) {
        schedule_start(&fsm->schedule, event->now_usec, event->random);

        fsm->state = FSM_REPORTING;
        fsm->deadline_usec = USEC_INFINITY;
        fsm->is_in_flight = true;
        fsm->want_report = false;
        step_add(step, ACTION_REPORT);
}

static void register_now(Fsm *fsm, const FsmEvent *event _unused_, FsmStep *step) {
        enter_registering(fsm, step, false);
        step_add(step, ACTION_PUBLISH);
}

static void note_success(Fsm *fsm) {
        fsm->is_in_flight = false;
        fsm->not_before_usec = 0;
}

static void note_failure(Fsm *fsm, const FsmEvent *event) {
        fsm->is_in_flight = false;
        fsm->not_before_usec =
                        event->retry_after_usec > 0 ? usec_add(event->now_usec, event->retry_after_usec) : 0;
        if (fsm->failures < UINT32_MAX)
                fsm->failures++;
}

/* ---- REGISTERING ---- */

static void on_register_ok(Fsm *fsm, const FsmEvent *event, FsmStep *step) {
        note_success(fsm);
        fsm->n_pauses = 0;
        fsm->n_refusals = 0;
        fsm->has_registered = true;
        /* Failed reports still count: only a report ends their outage. */
        fsm->failures -= fsm->registration_failures;
        fsm->registration_failures = 0;

        step_add(step, ACTION_PERSIST);
        step_add(step, ACTION_PUBLISH);
        /* Before a wanted registration, too: reports must continue however often one is asked for. */
        enter_reporting(fsm, event, step);
}

/* Boot time of the next attempt: after a growing pause; once these are used up, in a slot. */
static usec_t next_registration(Fsm *fsm, const FsmEvent *event) {
        usec_t now = event->now_usec;

        if (fsm->n_pauses < REGISTRATION_PAUSES)
                return usec_add(usec_later(now, fsm->not_before_usec),
                                registration_pause(fsm->n_pauses++, event->retry_after_usec, event->random));

        schedule_start(&fsm->schedule, now, event->random);
        return schedule_next(&fsm->schedule, now,
                        usec_later(usec_add(now, FSM_REGISTER_GAP_USEC), fsm->not_before_usec));
}

static void register_later(Fsm *fsm, const FsmEvent *event, FsmStep *step) {
        bool is_urgent = fsm->want_register == FSM_WANT_DESPITE_RETRY_AFTER;

        if (fsm->failures < UINT32_MAX)
                fsm->registration_failures++;
        note_failure(fsm, event);
        fsm->state = FSM_REGISTER_WAIT;
        fsm->is_without_id = false;
        fsm->is_awaited = is_urgent;
        forget_wishes(fsm);
        fsm->deadline_usec = next_registration(fsm, event);

        step_add(step, ACTION_PUBLISH);
        if (is_urgent) /* a person fixed something while this was in flight */
                enter_registering(fsm, step, false);
}

static void on_register_failed(Fsm *fsm, const FsmEvent *event, FsmStep *step) {
        fsm->n_refusals = 0;
        register_later(fsm, event, step);
}

static void on_id_refused(Fsm *fsm, const FsmEvent *event, FsmStep *step) {
        fsm->n_refusals = fsm->is_paced ? fsm->n_refusals + 1 : 0;
        if (fsm->n_refusals < FSM_REFUSALS_MAX) {
                register_later(fsm, event, step);
                return;
        }

        fsm->n_refusals = 0;
        fsm->is_in_flight = false;
        step_add(step, ACTION_PUBLISH);
        enter_registering(fsm, step, true);
}

/* ---- REPORTING ---- */

static void on_report_ok(Fsm *fsm, const FsmEvent *event, FsmStep *step) {
        note_success(fsm);
        fsm->failures = fsm->registration_failures = 0;
        fsm->is_forgotten = fsm->has_cancelled = false;
        fsm->is_awaited &= fsm->want_register >= FSM_WANT_AFTER_RESPONSE;
        fsm->state = FSM_IDLE;
        fsm->deadline_usec = schedule_next(&fsm->schedule, event->now_usec, 0);

        step_add(step, ACTION_PERSIST);
        step_add(step, ACTION_PUBLISH);
        if (fsm->want_register >= FSM_WANT_AFTER_RESPONSE)
                enter_registering(fsm, step, false);
        else if (fsm->want_report)
                enter_reporting(fsm, event, step);
}

static void on_report_failed(Fsm *fsm, const FsmEvent *event, FsmStep *step) {
        note_failure(fsm, event);
        fsm->is_forgotten = fsm->has_cancelled = false;
        fsm->is_awaited &= fsm->want_register >= FSM_WANT_AFTER_RESPONSE;
        fsm->want_report = false;
        fsm->state = FSM_REPORT_WAIT;
        fsm->deadline_usec = schedule_next(&fsm->schedule, event->now_usec, fsm->not_before_usec);

        step_add(step, ACTION_PUBLISH);
        if (fsm->want_register == FSM_WANT_DESPITE_RETRY_AFTER ||
                        (fsm->want_register == FSM_WANT_AFTER_RESPONSE && fsm->not_before_usec == 0))
                enter_registering(fsm, step, false);
}

static void on_forgotten(Fsm *fsm, const FsmEvent *event, FsmStep *step) {
        bool is_within_interval =
                        fsm->forgotten_usec > 0 &&
                        event->now_usec < usec_add(fsm->forgotten_usec, fsm->schedule.interval_usec);

        /* A Master may forget each node as soon as it has registered it. It must not be asked faster for
         * that, however long its responses take. */
        if (fsm->is_forgotten || is_within_interval) {
                on_report_failed(fsm, event, step);
                return;
        }

        fsm->is_in_flight = fsm->has_cancelled = false;
        fsm->forgotten_usec = event->now_usec;
        fsm->is_forgotten = true;
        step_add(step, ACTION_PUBLISH);
        enter_registering(fsm, step, false);
}

/* ---- waiting ---- */

static bool put_off(Fsm *fsm, const FsmEvent *event, FsmStep *step) {
        if (!late_wake_puts_off(&fsm->late_wake, &fsm->schedule, event->now_usec, event->random,
                            &fsm->deadline_usec))
                return false;

        step_add(step, ACTION_PUBLISH);
        return true;
}

/* After a pause, all machines see the same changes (modules rewrite their files, addresses change): these
 * wait for the next report. */
static bool has_slept(const Fsm *fsm, const FsmEvent *event) {
        return late_wake_has_slept(&fsm->late_wake, event->asleep_usec, event->now_usec);
}

/* The first registration after the start follows no pause, and is never late. */
static void on_pause_over(Fsm *fsm, const FsmEvent *event, FsmStep *step) {
        bool has_failed = fsm->n_pauses > 0, is_hurried = fsm->is_hurried;

        if ((has_failed || is_hurried) && put_off(fsm, event, step))
                return;

        register_now(fsm, event, step);
        fsm->is_paced = has_failed && !is_hurried;
}

static void on_due_report(Fsm *fsm, const FsmEvent *event, FsmStep *step) {
        if (put_off(fsm, event, step))
                return;
        if (fsm->want_register == FSM_WANT_NONE) {
                enter_reporting(fsm, event, step);
                return;
        }

        fsm->address_usec = event->now_usec;
        register_now(fsm, event, step);
}

static void on_health_changed(Fsm *fsm, const FsmEvent *event, FsmStep *step) {
        if (!has_slept(fsm, event))
                enter_reporting(fsm, event, step);
}

/* No person asked for it, so a Retry-After holds it back. */
static void on_outdated(Fsm *fsm, const FsmEvent *event, FsmStep *step) {
        if (event->now_usec < fsm->not_before_usec)
                want(fsm, FSM_WANT_IN_SLOT);
        else
                register_now(fsm, event, step);
}

/* ---- a changed address ---- */

/* Whether it goes ahead of the slot: once an interval, or a link that flaps would set the pace. */
static bool may_hurry(const Fsm *fsm, const FsmEvent *event) {
        if (event->now_usec < fsm->not_before_usec || has_slept(fsm, event))
                return false;
        return fsm->address_usec == 0 ||
               event->now_usec >= usec_add(fsm->address_usec, fsm->schedule.interval_usec);
}

/* Spread out, because a renumbered site changes all its addresses together. */
static void hurry(Fsm *fsm, const FsmEvent *event, FsmStep *step) {
        usec_t spread = usec_earlier(fsm->schedule.interval_usec / 6, FSM_ADDRESS_SPREAD_USEC);
        usec_t moment = usec_add(event->now_usec, usec_between(1, spread, event->random));

        fsm->state = FSM_REGISTER_WAIT;
        fsm->deadline_usec = usec_earlier(fsm->deadline_usec, moment);
        fsm->is_hurried = true;
        fsm->want_report = false; /* one follows */
        fsm->address_usec = event->now_usec;
        step_add(step, ACTION_PUBLISH);
}

static void on_address_changed(Fsm *fsm, const FsmEvent *event, FsmStep *step) {
        if (may_hurry(fsm, event))
                hurry(fsm, event, step);
        else
                want(fsm, FSM_WANT_IN_SLOT);
}

/* The request in flight may have been sent from an address that is gone; its response may never come. */
static void on_address_in_flight(Fsm *fsm, const FsmEvent *event, FsmStep *step) {
        if (fsm->has_cancelled || !may_hurry(fsm, event)) {
                want(fsm, FSM_WANT_IN_SLOT);
                return;
        }

        step_add(step, ACTION_CANCEL);
        fsm->is_in_flight = false;
        fsm->has_cancelled = true;
        fsm->address_usec = event->now_usec;
        if (fsm->is_awaited)
                register_now(fsm, event, step);
        else
                hurry(fsm, event, step);
}

/* ---- wishes ---- */

static void want_register(Fsm *fsm, const FsmEvent *event _unused_, FsmStep *step _unused_) {
        want(fsm, FSM_WANT_AFTER_RESPONSE);
}

static void want_register_now(Fsm *fsm, const FsmEvent *event _unused_, FsmStep *step _unused_) {
        want(fsm, FSM_WANT_DESPITE_RETRY_AFTER);
}

static void want_report(Fsm *fsm, const FsmEvent *event _unused_, FsmStep *step _unused_) {
        fsm->want_report = true;
}

static void refuse(Fsm *fsm _unused_, const FsmEvent *event _unused_, FsmStep *step) {
        step->is_refused = true;
}

/* Nothing to do: what was asked for is under way, or the timer's work is already done. */
static void ignore(Fsm *fsm _unused_, const FsmEvent *event _unused_, FsmStep *step _unused_) {
}

/* ---- stopping ---- */

static void end(Fsm *fsm, FsmStep *step) {
        fsm->deadline_usec = USEC_INFINITY;
        step_add(step, ACTION_EXIT);
}

static void on_stop(Fsm *fsm, const FsmEvent *event, FsmStep *step) {
        fsm->state = FSM_STOPPING;
        fsm->is_forgotten = false; /* no registration follows any more */
        forget_wishes(fsm);
        step_add(step, ACTION_PUBLISH);

        if (fsm->is_in_flight)
                fsm->deadline_usec = usec_add(event->now_usec, FSM_STOP_GRACE_USEC);
        else
                end(fsm, step);
}

static void on_last_ok(Fsm *fsm, const FsmEvent *event _unused_, FsmStep *step) {
        note_success(fsm);
        step_add(step, ACTION_PERSIST);
        step_add(step, ACTION_PUBLISH);
        end(fsm, step);
}

static void on_last_failed(Fsm *fsm, const FsmEvent *event, FsmStep *step) {
        note_failure(fsm, event);
        step_add(step, ACTION_PUBLISH);
        end(fsm, step);
}

static void on_grace_over(Fsm *fsm, const FsmEvent *event _unused_, FsmStep *step) {
        if (fsm->is_in_flight)
                step_add(step, ACTION_CANCEL);
        fsm->is_in_flight = false;
        end(fsm, step);
}

/* ---- the table ---- */

/* The table of docs/architecture.md, cell by cell. NULL cannot happen: a response without a request. */
/* clang-format off */
static const FsmHandler handlers[_FSM_EVENT_MAX][_FSM_STATE_MAX] = {
        /*                              REGISTERING           REGISTER_WAIT       IDLE
                                        REPORTING             REPORT_WAIT         STOPPING */
        [FSM_EVENT_OK] =              { on_register_ok,       NULL,               NULL,
                                        on_report_ok,         NULL,               on_last_ok },
        [FSM_EVENT_FORGOTTEN] =       { on_register_failed,   NULL,               NULL,
                                        on_forgotten,         NULL,               on_last_failed },
        [FSM_EVENT_ID_REFUSED] =      { on_id_refused,        NULL,               NULL,
                                        on_report_failed,     NULL,               on_last_failed },
        [FSM_EVENT_FAILED] =          { on_register_failed,   NULL,               NULL,
                                        on_report_failed,     NULL,               on_last_failed },
        [FSM_EVENT_TIMER] =           { ignore,               on_pause_over,      on_due_report,
                                        ignore,               on_due_report,      on_grace_over },
        [FSM_EVENT_REREGISTER] =      { ignore,               register_now,       register_now,
                                        want_register_now,    register_now,       refuse },
        [FSM_EVENT_RELOAD] =          { want_register_now,    register_now,       register_now,
                                        want_register_now,    register_now,       ignore },
        [FSM_EVENT_REPORT] =          { ignore,               register_now,       enter_reporting,
                                        ignore,               enter_reporting,    refuse },
        [FSM_EVENT_OUTDATED] =        { want_register,        on_outdated,        on_outdated,
                                        want_register,        on_outdated,        ignore },
        [FSM_EVENT_ADDRESS_CHANGED] = { on_address_in_flight, on_address_changed, on_address_changed,
                                        on_address_in_flight, on_address_changed, ignore },
        [FSM_EVENT_HEALTH_CHANGED] =  { ignore,               ignore,             on_health_changed,
                                        want_report,          ignore,             ignore },
        [FSM_EVENT_STOP] =            { on_stop,              on_stop,            on_stop,
                                        on_stop,              on_stop,            ignore },
};
/* clang-format on */

void fsm_init(Fsm *fsm, usec_t report_interval_usec, usec_t now) {
        *fsm = (Fsm){ .state = FSM_REGISTER_WAIT, .deadline_usec = now };
        schedule_init(&fsm->schedule, report_interval_usec);
}

void fsm_step(Fsm *fsm, const FsmEvent *event, FsmStep *ret) {
        assert(event->type < _FSM_EVENT_MAX);
        *ret = (FsmStep){};
        fsm->is_awaited |= event->type >= FSM_EVENT_REREGISTER && event->type <= FSM_EVENT_REPORT;

        assert(handlers[event->type][fsm->state]);
        handlers[event->type][fsm->state](fsm, event, ret);
        if (fsm->is_in_flight && ret->count > 0) /* it was made in this step */
                late_wake_note_request(&fsm->late_wake, event->asleep_usec, event->now_usec);
}

void fsm_note_acted(Fsm *fsm, usec_t now) {
        fsm->late_wake.acted_usec = now;
}

usec_t fsm_timer_accuracy(const Fsm *fsm) {
        if (fsm->state == FSM_STOPPING || (fsm->state == FSM_REGISTER_WAIT && fsm->n_pauses == 0))
                return 1;
        return schedule_accuracy(&fsm->schedule);
}

bool fsm_wants_changes(const Fsm *fsm) {
        return handlers[FSM_EVENT_HEALTH_CHANGED][fsm->state] != ignore;
}

#define STATE(name) [FSM_##name] = #name
DEFINE_TO_STRING(fsm_state, FsmState, STATE(REGISTERING), STATE(REGISTER_WAIT), STATE(IDLE),
                STATE(REPORTING), STATE(REPORT_WAIT), STATE(STOPPING))

#define EVENT(name) [FSM_EVENT_##name] = #name
DEFINE_TO_STRING(fsm_event, FsmEventType, EVENT(OK), EVENT(FORGOTTEN), EVENT(ID_REFUSED), EVENT(FAILED),
                EVENT(TIMER), EVENT(REREGISTER), EVENT(RELOAD), EVENT(REPORT), EVENT(OUTDATED),
                EVENT(ADDRESS_CHANGED), EVENT(HEALTH_CHANGED), EVENT(STOP))
