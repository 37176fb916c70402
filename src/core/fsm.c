#include "core/fsm.h"

#include "util/macro.h"

/* One handler for each cell that does something; see docs/architecture.md for the diagram. */
typedef void (*FsmHandler)(Fsm *fsm, const FsmEvent *event, FsmStep *step);

static void step_add(FsmStep *step, FsmAction action) {
        assert(step->count < FSM_ACTIONS_MAX);
        step->actions[step->count++] = action;
}

static void forget_wish(Fsm *fsm) {
        fsm->want_register = false;
        fsm->is_want_urgent = false;
        fsm->want_report = false; /* one follows a registration, and one ends an outage */
}

/* ---- entering a state ---- */

static void enter_registering(Fsm *fsm, FsmStep *step, bool without_id) {
        fsm->state = FSM_REGISTERING;
        fsm->deadline_usec = USEC_INFINITY;
        fsm->is_in_flight = true;
        fsm->is_without_id = without_id;
        fsm->is_paced = false;
        forget_wish(fsm);
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
        backoff_reset(&fsm->backoff);
        fsm->n_refusals = 0;
        fsm->has_registered = true;
        /* An outage of reports ends with a report. */
        fsm->failures -= fsm->registration_failures;
        fsm->registration_failures = 0;

        step_add(step, ACTION_PERSIST);
        step_add(step, ACTION_PUBLISH);
        /* Also before a registration that is wanted: however often someone asks for one, the reports go on.
         */
        enter_reporting(fsm, event, step);
}

static void register_later(Fsm *fsm, const FsmEvent *event, FsmStep *step) {
        bool is_urgent = fsm->is_want_urgent;
        usec_t pause;

        if (fsm->failures < UINT32_MAX)
                fsm->registration_failures++;
        note_failure(fsm, event);
        fsm->state = FSM_REGISTER_WAIT;
        fsm->is_without_id = false;
        forget_wish(fsm);

        pause = backoff_next(&fsm->backoff, event->retry_after_usec, event->random);
        fsm->deadline_usec =
                        usec_add(fsm->not_before_usec > 0 ? fsm->not_before_usec : event->now_usec, pause);

        step_add(step, ACTION_PUBLISH);
        if (is_urgent) /* a person mended something while this was in flight */
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
        fsm->is_forgotten = false;
        fsm->state = FSM_IDLE;
        fsm->deadline_usec = schedule_after_success(&fsm->schedule, event->now_usec);

        step_add(step, ACTION_PERSIST);
        step_add(step, ACTION_PUBLISH);
        if (fsm->want_register)
                enter_registering(fsm, step, false);
        else if (fsm->want_report)
                enter_reporting(fsm, event, step);
}

static void on_report_failed(Fsm *fsm, const FsmEvent *event, FsmStep *step) {
        note_failure(fsm, event);
        fsm->is_forgotten = false;
        fsm->want_report = false;
        fsm->state = FSM_REPORT_WAIT;
        fsm->deadline_usec = schedule_after_failure(&fsm->schedule, event->now_usec, fsm->not_before_usec);

        step_add(step, ACTION_PUBLISH);
        if (fsm->want_register && (fsm->is_want_urgent || fsm->not_before_usec == 0))
                enter_registering(fsm, step, false);
}

static void on_forgotten(Fsm *fsm, const FsmEvent *event, FsmStep *step) {
        bool is_within_interval =
                        fsm->forgotten_usec > 0 &&
                        event->now_usec < usec_add(fsm->forgotten_usec, fsm->schedule.interval_usec);
        /* A Master that needs longer than an interval for its answers is no other case. */
        bool is_again = fsm->is_forgotten || is_within_interval;

        /* A Master that forgets each node that it has just registered must not be asked faster for it. */
        if (is_again) {
                on_report_failed(fsm, event, step);
                return;
        }

        fsm->is_in_flight = false;
        fsm->forgotten_usec = event->now_usec;
        fsm->is_forgotten = true;
        step_add(step, ACTION_PUBLISH);
        enter_registering(fsm, step, false);
}

/* ---- waiting ---- */

static void on_due_register(Fsm *fsm, const FsmEvent *event _unused_, FsmStep *step) {
        enter_registering(fsm, step, false);
        step_add(step, ACTION_PUBLISH);
}

/* The first registration after the start did not follow a pause. */
static void on_pause_over(Fsm *fsm, const FsmEvent *event, FsmStep *step) {
        on_due_register(fsm, event, step);
        fsm->is_paced = fsm->backoff.failures > 0;
}

static void on_due_report(Fsm *fsm, const FsmEvent *event, FsmStep *step) {
        if (fsm->want_register) {
                on_due_register(fsm, event, step);
                return;
        }

        enter_reporting(fsm, event, step);
}

/* A changed address must not get a fleet around the Master's wish to be left alone: it waits for the next
 * try. */
static void on_renew(Fsm *fsm, const FsmEvent *event, FsmStep *step) {
        if (event->now_usec < fsm->not_before_usec) {
                fsm->want_register = true;
                return;
        }

        on_due_register(fsm, event, step);
}

/* What is in flight says what is no longer true, and may come from an address that is gone: its answer is
 * not waited for. */
static void on_renew_in_flight(Fsm *fsm, const FsmEvent *event, FsmStep *step) {
        step_add(step, ACTION_CANCEL);
        on_due_register(fsm, event, step);
}

static void want_register_now(Fsm *fsm, const FsmEvent *event _unused_, FsmStep *step _unused_) {
        fsm->want_register = true;
        fsm->is_want_urgent = true;
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

static void on_stop(Fsm *fsm, const FsmEvent *event, FsmStep *step) {
        fsm->state = FSM_STOPPING;
        fsm->is_forgotten = false; /* nobody registers any more */
        forget_wish(fsm);
        step_add(step, ACTION_PUBLISH);

        if (fsm->is_in_flight) {
                fsm->deadline_usec = usec_add(event->now_usec, FSM_STOP_GRACE_USEC);
                return;
        }

        fsm->deadline_usec = USEC_INFINITY;
        step_add(step, ACTION_EXIT);
}

static void on_last_ok(Fsm *fsm, const FsmEvent *event _unused_, FsmStep *step) {
        note_success(fsm);
        fsm->deadline_usec = USEC_INFINITY;
        step_add(step, ACTION_PERSIST);
        step_add(step, ACTION_PUBLISH);
        step_add(step, ACTION_EXIT);
}

static void on_last_failed(Fsm *fsm, const FsmEvent *event, FsmStep *step) {
        note_failure(fsm, event);
        fsm->deadline_usec = USEC_INFINITY;
        step_add(step, ACTION_PUBLISH);
        step_add(step, ACTION_EXIT);
}

static void on_grace_over(Fsm *fsm, const FsmEvent *event _unused_, FsmStep *step) {
        if (fsm->is_in_flight)
                step_add(step, ACTION_CANCEL);

        fsm->is_in_flight = false;
        fsm->deadline_usec = USEC_INFINITY;
        step_add(step, ACTION_EXIT);
}

/* ---- the table: every cell is filled; NULL cannot happen (an answer without a request) ---- */

static const FsmHandler handlers[_FSM_STATE_MAX][_FSM_EVENT_MAX] = {
        [FSM_REGISTERING] = {
                [FSM_EVENT_OK] = on_register_ok,
                [FSM_EVENT_FORGOTTEN] = on_register_failed,
                [FSM_EVENT_ID_REFUSED] = on_id_refused,
                [FSM_EVENT_FAILED] = on_register_failed,
                [FSM_EVENT_TIMER] = ignore,
                [FSM_EVENT_REREGISTER] = ignore,
                [FSM_EVENT_RENEW] = on_renew_in_flight,
                [FSM_EVENT_RELOAD] = want_register_now,
                [FSM_EVENT_REPORT] = ignore, /* a report follows */
                [FSM_EVENT_CHANGE] = ignore,
                [FSM_EVENT_STOP] = on_stop,
        },
        [FSM_REGISTER_WAIT] = {
                [FSM_EVENT_TIMER] = on_pause_over,
                [FSM_EVENT_REREGISTER] = on_due_register,
                [FSM_EVENT_RENEW] = on_renew,
                [FSM_EVENT_RELOAD] = on_due_register,
                [FSM_EVENT_REPORT] = on_due_register, /* a report follows */
                [FSM_EVENT_CHANGE] = ignore,
                [FSM_EVENT_STOP] = on_stop,
        },
        [FSM_IDLE] = {
                [FSM_EVENT_TIMER] = on_due_report,
                [FSM_EVENT_REREGISTER] = on_due_register,
                [FSM_EVENT_RENEW] = on_renew,
                [FSM_EVENT_RELOAD] = on_due_register,
                [FSM_EVENT_REPORT] = enter_reporting,
                [FSM_EVENT_CHANGE] = enter_reporting,
                [FSM_EVENT_STOP] = on_stop,
        },
        [FSM_REPORTING] = {
                [FSM_EVENT_OK] = on_report_ok,
                [FSM_EVENT_FORGOTTEN] = on_forgotten,
                [FSM_EVENT_ID_REFUSED] = on_report_failed,
                [FSM_EVENT_FAILED] = on_report_failed,
                [FSM_EVENT_TIMER] = ignore,
                [FSM_EVENT_REREGISTER] = want_register_now,
                [FSM_EVENT_RENEW] = on_renew_in_flight,
                [FSM_EVENT_RELOAD] = want_register_now,
                [FSM_EVENT_REPORT] = ignore,
                [FSM_EVENT_CHANGE] = want_report,
                [FSM_EVENT_STOP] = on_stop,
        },
        [FSM_REPORT_WAIT] = {
                [FSM_EVENT_TIMER] = on_due_report,
                [FSM_EVENT_REREGISTER] = on_due_register,
                [FSM_EVENT_RENEW] = on_renew,
                [FSM_EVENT_RELOAD] = on_due_register,
                [FSM_EVENT_REPORT] = enter_reporting,
                [FSM_EVENT_CHANGE] = ignore,
                [FSM_EVENT_STOP] = on_stop,
        },
        [FSM_STOPPING] = {
                [FSM_EVENT_OK] = on_last_ok,
                [FSM_EVENT_FORGOTTEN] = on_last_failed,
                [FSM_EVENT_ID_REFUSED] = on_last_failed,
                [FSM_EVENT_FAILED] = on_last_failed,
                [FSM_EVENT_TIMER] = on_grace_over,
                [FSM_EVENT_REREGISTER] = refuse,
                [FSM_EVENT_RENEW] = ignore,
                [FSM_EVENT_RELOAD] = ignore,
                [FSM_EVENT_REPORT] = refuse,
                [FSM_EVENT_CHANGE] = ignore,
                [FSM_EVENT_STOP] = ignore,
        },
};

void fsm_init(Fsm *fsm, usec_t report_interval_usec, usec_t now) {
        assert(fsm);

        *fsm = (Fsm){ .state = FSM_REGISTER_WAIT, .deadline_usec = now };
        schedule_init(&fsm->schedule, report_interval_usec);
}

void fsm_step(Fsm *fsm, const FsmEvent *event, FsmStep *ret) {
        FsmHandler handler;

        assert(fsm);
        assert(event);
        assert(event->type < _FSM_EVENT_MAX);
        assert(ret);

        *ret = (FsmStep){};

        handler = handlers[fsm->state][event->type];
        assert(handler);
        handler(fsm, event, ret);
}

const char *fsm_state_to_string(FsmState state) {
        static const char *const names[_FSM_STATE_MAX] = {
                [FSM_REGISTERING] = "REGISTERING",
                [FSM_REGISTER_WAIT] = "REGISTER_WAIT",
                [FSM_IDLE] = "IDLE",
                [FSM_REPORTING] = "REPORTING",
                [FSM_REPORT_WAIT] = "REPORT_WAIT",
                [FSM_STOPPING] = "STOPPING",
        };

        assert(state < _FSM_STATE_MAX);
        return names[state];
}

const char *fsm_event_to_string(FsmEventType type) {
        static const char *const names[_FSM_EVENT_MAX] = {
                [FSM_EVENT_OK] = "OK",
                [FSM_EVENT_FORGOTTEN] = "FORGOTTEN",
                [FSM_EVENT_ID_REFUSED] = "ID_REFUSED",
                [FSM_EVENT_FAILED] = "FAILED",
                [FSM_EVENT_TIMER] = "TIMER",
                [FSM_EVENT_REREGISTER] = "REREGISTER",
                [FSM_EVENT_RENEW] = "RENEW",
                [FSM_EVENT_RELOAD] = "RELOAD",
                [FSM_EVENT_REPORT] = "REPORT",
                [FSM_EVENT_CHANGE] = "CHANGE",
                [FSM_EVENT_STOP] = "STOP",
        };

        assert(type < _FSM_EVENT_MAX);
        return names[type];
}
