/* SPDX-License-Identifier: MIT */
/* The state machine over its whole table, the stories that the contract tells, and random sequences that
 * must keep its invariants. */
#include "core/fsm.h"

#include <stdarg.h>
#include <setjmp.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "util/macro.h"

#define INTERVAL (60 * USEC_PER_SEC)
#define START (1000 * USEC_PER_SEC)
#define HALF (UINT64_MAX / 2)

static FsmStep step(Fsm *fsm, FsmEventType type, usec_t now) {
        FsmStep taken;

        fsm_step(fsm, &(FsmEvent){ .type = type, .now_usec = now, .random = HALF }, &taken);
        return taken;
}

static FsmStep step_retry_after(Fsm *fsm, usec_t now, usec_t retry_after) {
        FsmStep taken;

        fsm_step(fsm,
                        &(FsmEvent){ .type = FSM_EVENT_FAILED,
                                        .now_usec = now,
                                        .random = HALF,
                                        .retry_after_usec = retry_after },
                        &taken);
        return taken;
}

static void assert_actions(FsmStep taken, size_t count, const FsmAction *expected) {
        assert_int_equal(taken.count, count);
        for (size_t i = 0; i < count; i++)
                assert_int_equal(taken.actions[i], expected[i]);
}

#define ASSERT_ACTIONS(taken, ...)                                                                          \
        assert_actions((taken), sizeof((const FsmAction[]){ __VA_ARGS__ }) / sizeof(FsmAction),             \
                        (const FsmAction[]){ __VA_ARGS__ })

/* Brings a machine into a state by the way that real events take. */
static Fsm in_state(FsmState state) {
        Fsm fsm;

        fsm_init(&fsm, INTERVAL, START);
        if (state == FSM_REGISTER_WAIT)
                return fsm;
        (void) step(&fsm, FSM_EVENT_TIMER, START);
        if (state == FSM_REGISTERING)
                return fsm;
        (void) step(&fsm, FSM_EVENT_OK, START);
        if (state == FSM_REPORTING)
                return fsm;
        if (state == FSM_STOPPING) {
                (void) step(&fsm, FSM_EVENT_STOP, START);
                return fsm;
        }
        (void) step(&fsm, state == FSM_IDLE ? FSM_EVENT_OK : FSM_EVENT_FAILED, START);
        return fsm;
}

static void test_table(void **state _unused_) {
        static const struct {
                FsmState from;
                FsmEventType event;
                FsmState to;
                size_t n_actions;
                FsmAction actions[FSM_ACTIONS_MAX];
        } cells[] = {
                { FSM_REGISTERING, FSM_EVENT_OK, FSM_REPORTING, 3,
                                { ACTION_PERSIST, ACTION_PUBLISH, ACTION_REPORT } },
                { FSM_REGISTERING, FSM_EVENT_FORGOTTEN, FSM_REGISTER_WAIT, 1, { ACTION_PUBLISH } },
                { FSM_REGISTERING, FSM_EVENT_ID_REFUSED, FSM_REGISTER_WAIT, 1, { ACTION_PUBLISH } },
                { FSM_REGISTERING, FSM_EVENT_FAILED, FSM_REGISTER_WAIT, 1, { ACTION_PUBLISH } },
                { FSM_REGISTERING, FSM_EVENT_TIMER, FSM_REGISTERING, 0, {} },
                { FSM_REGISTERING, FSM_EVENT_REREGISTER, FSM_REGISTERING, 0, {} },
                { FSM_REGISTERING, FSM_EVENT_OUTDATED, FSM_REGISTERING, 0, {} },
                { FSM_REGISTERING, FSM_EVENT_ADDRESS_CHANGED, FSM_REGISTER_WAIT, 2,
                                { ACTION_CANCEL, ACTION_PUBLISH } },
                { FSM_REGISTERING, FSM_EVENT_RELOAD, FSM_REGISTERING, 0, {} },
                { FSM_REGISTERING, FSM_EVENT_REPORT, FSM_REGISTERING, 0, {} },
                { FSM_REGISTERING, FSM_EVENT_HEALTH_CHANGED, FSM_REGISTERING, 0, {} },
                { FSM_REGISTERING, FSM_EVENT_STOP, FSM_STOPPING, 1, { ACTION_PUBLISH } },

                { FSM_REGISTER_WAIT, FSM_EVENT_TIMER, FSM_REGISTERING, 2,
                                { ACTION_REGISTER, ACTION_PUBLISH } },
                { FSM_REGISTER_WAIT, FSM_EVENT_REREGISTER, FSM_REGISTERING, 2,
                                { ACTION_REGISTER, ACTION_PUBLISH } },
                { FSM_REGISTER_WAIT, FSM_EVENT_OUTDATED, FSM_REGISTERING, 2,
                                { ACTION_REGISTER, ACTION_PUBLISH } },
                { FSM_REGISTER_WAIT, FSM_EVENT_ADDRESS_CHANGED, FSM_REGISTER_WAIT, 1, { ACTION_PUBLISH } },
                { FSM_REGISTER_WAIT, FSM_EVENT_RELOAD, FSM_REGISTERING, 2,
                                { ACTION_REGISTER, ACTION_PUBLISH } },
                { FSM_REGISTER_WAIT, FSM_EVENT_REPORT, FSM_REGISTERING, 2,
                                { ACTION_REGISTER, ACTION_PUBLISH } },
                { FSM_REGISTER_WAIT, FSM_EVENT_HEALTH_CHANGED, FSM_REGISTER_WAIT, 0, {} },
                { FSM_REGISTER_WAIT, FSM_EVENT_STOP, FSM_STOPPING, 2, { ACTION_PUBLISH, ACTION_EXIT } },

                { FSM_IDLE, FSM_EVENT_TIMER, FSM_REPORTING, 1, { ACTION_REPORT } },
                { FSM_IDLE, FSM_EVENT_REREGISTER, FSM_REGISTERING, 2, { ACTION_REGISTER, ACTION_PUBLISH } },
                { FSM_IDLE, FSM_EVENT_OUTDATED, FSM_REGISTERING, 2, { ACTION_REGISTER, ACTION_PUBLISH } },
                { FSM_IDLE, FSM_EVENT_ADDRESS_CHANGED, FSM_REGISTER_WAIT, 1, { ACTION_PUBLISH } },
                { FSM_IDLE, FSM_EVENT_RELOAD, FSM_REGISTERING, 2, { ACTION_REGISTER, ACTION_PUBLISH } },
                { FSM_IDLE, FSM_EVENT_REPORT, FSM_REPORTING, 1, { ACTION_REPORT } },
                { FSM_IDLE, FSM_EVENT_HEALTH_CHANGED, FSM_REPORTING, 1, { ACTION_REPORT } },
                { FSM_IDLE, FSM_EVENT_STOP, FSM_STOPPING, 2, { ACTION_PUBLISH, ACTION_EXIT } },

                { FSM_REPORTING, FSM_EVENT_OK, FSM_IDLE, 2, { ACTION_PERSIST, ACTION_PUBLISH } },
                { FSM_REPORTING, FSM_EVENT_FORGOTTEN, FSM_REGISTERING, 2,
                                { ACTION_PUBLISH, ACTION_REGISTER } },
                { FSM_REPORTING, FSM_EVENT_ID_REFUSED, FSM_REPORT_WAIT, 1, { ACTION_PUBLISH } },
                { FSM_REPORTING, FSM_EVENT_FAILED, FSM_REPORT_WAIT, 1, { ACTION_PUBLISH } },
                { FSM_REPORTING, FSM_EVENT_TIMER, FSM_REPORTING, 0, {} },
                { FSM_REPORTING, FSM_EVENT_REREGISTER, FSM_REPORTING, 0, {} },
                { FSM_REPORTING, FSM_EVENT_OUTDATED, FSM_REPORTING, 0, {} },
                { FSM_REPORTING, FSM_EVENT_ADDRESS_CHANGED, FSM_REGISTER_WAIT, 2,
                                { ACTION_CANCEL, ACTION_PUBLISH } },
                { FSM_REPORTING, FSM_EVENT_RELOAD, FSM_REPORTING, 0, {} },
                { FSM_REPORTING, FSM_EVENT_REPORT, FSM_REPORTING, 0, {} },
                { FSM_REPORTING, FSM_EVENT_HEALTH_CHANGED, FSM_REPORTING, 0, {} },
                { FSM_REPORTING, FSM_EVENT_STOP, FSM_STOPPING, 1, { ACTION_PUBLISH } },

                { FSM_REPORT_WAIT, FSM_EVENT_TIMER, FSM_REPORTING, 1, { ACTION_REPORT } },
                { FSM_REPORT_WAIT, FSM_EVENT_REREGISTER, FSM_REGISTERING, 2,
                                { ACTION_REGISTER, ACTION_PUBLISH } },
                { FSM_REPORT_WAIT, FSM_EVENT_OUTDATED, FSM_REGISTERING, 2,
                                { ACTION_REGISTER, ACTION_PUBLISH } },
                { FSM_REPORT_WAIT, FSM_EVENT_ADDRESS_CHANGED, FSM_REGISTER_WAIT, 1, { ACTION_PUBLISH } },
                { FSM_REPORT_WAIT, FSM_EVENT_RELOAD, FSM_REGISTERING, 2,
                                { ACTION_REGISTER, ACTION_PUBLISH } },
                { FSM_REPORT_WAIT, FSM_EVENT_REPORT, FSM_REPORTING, 1, { ACTION_REPORT } },
                { FSM_REPORT_WAIT, FSM_EVENT_HEALTH_CHANGED, FSM_REPORT_WAIT, 0, {} },
                { FSM_REPORT_WAIT, FSM_EVENT_STOP, FSM_STOPPING, 2, { ACTION_PUBLISH, ACTION_EXIT } },

                { FSM_STOPPING, FSM_EVENT_OK, FSM_STOPPING, 3,
                                { ACTION_PERSIST, ACTION_PUBLISH, ACTION_EXIT } },
                { FSM_STOPPING, FSM_EVENT_FORGOTTEN, FSM_STOPPING, 2, { ACTION_PUBLISH, ACTION_EXIT } },
                { FSM_STOPPING, FSM_EVENT_ID_REFUSED, FSM_STOPPING, 2, { ACTION_PUBLISH, ACTION_EXIT } },
                { FSM_STOPPING, FSM_EVENT_FAILED, FSM_STOPPING, 2, { ACTION_PUBLISH, ACTION_EXIT } },
                { FSM_STOPPING, FSM_EVENT_TIMER, FSM_STOPPING, 2, { ACTION_CANCEL, ACTION_EXIT } },
                { FSM_STOPPING, FSM_EVENT_REREGISTER, FSM_STOPPING, 0, {} },
                { FSM_STOPPING, FSM_EVENT_OUTDATED, FSM_STOPPING, 0, {} },
                { FSM_STOPPING, FSM_EVENT_ADDRESS_CHANGED, FSM_STOPPING, 0, {} },
                { FSM_STOPPING, FSM_EVENT_RELOAD, FSM_STOPPING, 0, {} },
                { FSM_STOPPING, FSM_EVENT_REPORT, FSM_STOPPING, 0, {} },
                { FSM_STOPPING, FSM_EVENT_HEALTH_CHANGED, FSM_STOPPING, 0, {} },
                { FSM_STOPPING, FSM_EVENT_STOP, FSM_STOPPING, 0, {} },
        };
        bool is_covered[_FSM_STATE_MAX][_FSM_EVENT_MAX] = {};

        for (size_t i = 0; i < ELEMENTSOF(cells); i++) {
                Fsm fsm = in_state(cells[i].from);
                FsmStep taken;

                assert_int_equal(fsm.state, cells[i].from);
                taken = step(&fsm, cells[i].event, START + 1);
                assert_actions(taken, cells[i].n_actions, cells[i].actions);
                assert_int_equal(taken.is_refused,
                                cells[i].from == FSM_STOPPING &&
                                                (cells[i].event == FSM_EVENT_REREGISTER ||
                                                                cells[i].event == FSM_EVENT_REPORT));
                assert_int_equal(fsm.state, cells[i].to);
                is_covered[cells[i].from][cells[i].event] = true;
        }

        /* Answers can only come where a request is in flight. */
        for (FsmState from = 0; from < _FSM_STATE_MAX; from++)
                for (FsmEventType event = 0; event < _FSM_EVENT_MAX; event++)
                        if (event >= FSM_EVENT_TIMER || (from != FSM_REGISTER_WAIT && from != FSM_IDLE &&
                                                                        from != FSM_REPORT_WAIT))
                                assert_true(is_covered[from][event]);
}

static void test_registration_backs_off(void **state _unused_) {
        Fsm fsm = in_state(FSM_REGISTERING);
        usec_t now = START;

        for (unsigned i = 0; i < 20; i++) {
                usec_t pause;

                (void) step(&fsm, FSM_EVENT_FAILED, now);
                assert_int_equal(fsm.state, FSM_REGISTER_WAIT);
                assert_int_equal(fsm.failures, i + 1);
                pause = fsm.deadline_usec - now;
                assert_true(pause >= REGISTRATION_PAUSE_MIN_USEC &&
                                pause <= FSM_REGISTER_GAP_USEC + INTERVAL);
                if (i >= REGISTRATION_PAUSES)
                        assert_true(pause >= FSM_REGISTER_GAP_USEC);
                if (i > REGISTRATION_PAUSES)
                        assert_int_equal(pause, INTERVAL);
                now = fsm.deadline_usec;
                (void) step(&fsm, FSM_EVENT_TIMER, now);
        }

        (void) step(&fsm, FSM_EVENT_OK, now);
        assert_int_equal(fsm.failures, 0);
        assert_true(fsm.has_registered);
}

/* A node that has slots takes the first one that is far enough. */
static void test_a_registration_keeps_off_a_near_slot(void **state _unused_) {
        static const usec_t before[] = { FSM_REGISTER_GAP_USEC, FSM_REGISTER_GAP_USEC - 1, 1 };

        for (size_t i = 0; i < ELEMENTSOF(before); i++) {
                Fsm fsm = in_state(FSM_IDLE);
                usec_t slot = fsm.deadline_usec;

                (void) step(&fsm, FSM_EVENT_REREGISTER, START);
                for (unsigned n = 0; n < REGISTRATION_PAUSES; n++) {
                        (void) step(&fsm, FSM_EVENT_FAILED, START);
                        (void) step(&fsm, FSM_EVENT_TIMER, fsm.deadline_usec);
                }
                (void) step(&fsm, FSM_EVENT_FAILED, slot - before[i]);
                assert_int_equal(fsm.deadline_usec, i == 0 ? slot : slot + INTERVAL);
        }
}

/* Exact where somebody waits; else coarse, so that wake-ups coalesce. */
static void test_timer_accuracy(void **state _unused_) {
        static const struct {
                FsmState state;
                usec_t accuracy;
        } cases[] = {
                { FSM_REGISTER_WAIT, 1 },
                { FSM_IDLE, USEC_PER_SEC },
                { FSM_REPORT_WAIT, USEC_PER_SEC },
                { FSM_STOPPING, 1 },
        };
        Fsm fsm;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                fsm = in_state(cases[i].state);
                assert_int_equal(fsm_timer_accuracy(&fsm), cases[i].accuracy);
        }

        fsm = in_state(FSM_REGISTERING);
        (void) step(&fsm, FSM_EVENT_FAILED, START);
        assert_int_equal(fsm_timer_accuracy(&fsm), USEC_PER_SEC);
}

/* After a failed report: at once, or in the slot after a Retry-After, because no person asked for it. */
static void test_what_is_outdated_is_told(void **state _unused_) {
        Fsm fsm = in_state(FSM_REPORTING);

        (void) step(&fsm, FSM_EVENT_OUTDATED, START);
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_FAILED, START), ACTION_PUBLISH, ACTION_REGISTER);

        fsm = in_state(FSM_REPORTING);
        (void) step(&fsm, FSM_EVENT_OUTDATED, START);
        ASSERT_ACTIONS(step_retry_after(&fsm, START, USEC_PER_HOUR), ACTION_PUBLISH);
        assert_true(fsm.deadline_usec > START + USEC_PER_HOUR);
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_TIMER, fsm.deadline_usec), ACTION_REGISTER, ACTION_PUBLISH);
}

static void test_slots_do_not_move(void **state _unused_) {
        Fsm fsm = in_state(FSM_IDLE);
        usec_t slot = fsm.deadline_usec;

        assert_true(slot > START && slot <= START + INTERVAL);

        /* A report that a person asked for changes nothing. */
        (void) step(&fsm, FSM_EVENT_REPORT, START + 5 * USEC_PER_SEC);
        (void) step(&fsm, FSM_EVENT_OK, START + 6 * USEC_PER_SEC);
        assert_int_equal(fsm.deadline_usec, slot);

        /* Nor does a slow answer. */
        (void) step(&fsm, FSM_EVENT_TIMER, slot);
        (void) step(&fsm, FSM_EVENT_OK, slot + 9 * USEC_PER_SEC);
        assert_int_equal(fsm.deadline_usec, slot + INTERVAL);

        /* After a suspend of ten intervals the next report is in its slot. */
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_TIMER, slot + 10 * INTERVAL + 7), ACTION_PUBLISH);
        assert_int_equal(fsm.deadline_usec, slot + 11 * INTERVAL);

        /* Nor re-registration. */
        (void) step(&fsm, FSM_EVENT_RELOAD, slot + 10 * INTERVAL + 9);
        (void) step(&fsm, FSM_EVENT_OK, slot + 10 * INTERVAL + 10);
        (void) step(&fsm, FSM_EVENT_OK, slot + 10 * INTERVAL + 11);
        assert_int_equal(fsm.deadline_usec, slot + 11 * INTERVAL);
}

/* While the Master is away it is asked as often as before: no attempt between the slots, no slot skipped. */
static void test_an_outage_keeps_the_pace(void **state _unused_) {
        Fsm fsm = in_state(FSM_IDLE);
        usec_t slot = fsm.deadline_usec;

        for (unsigned i = 0; i < 10; i++) {
                usec_t now = slot + i * INTERVAL;

                assert_int_equal(fsm.deadline_usec, now);
                ASSERT_ACTIONS(step(&fsm, FSM_EVENT_TIMER, now), ACTION_REPORT);
                (void) step(&fsm, FSM_EVENT_FAILED, now + 10 * USEC_PER_SEC);
        }

        (void) step(&fsm, FSM_EVENT_TIMER, fsm.deadline_usec);
        (void) step(&fsm, FSM_EVENT_OK, slot + 10 * INTERVAL + 1);
        assert_int_equal(fsm.failures, 0);
        assert_int_equal(fsm.deadline_usec, slot + 11 * INTERVAL);
}

static void test_retry_after(void **state _unused_) {
        Fsm fsm = in_state(FSM_IDLE);
        usec_t slot = fsm.deadline_usec;

        /* A report waits for the first of its slots behind the wish. */
        (void) step(&fsm, FSM_EVENT_TIMER, slot);
        (void) step_retry_after(&fsm, slot, 10 * USEC_PER_MINUTE + 1);
        assert_int_equal(fsm.deadline_usec, slot + 11 * USEC_PER_MINUTE);

        /* A changed address waits too, a person does not. */
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_REPORT, slot + 1), ACTION_REPORT);
        (void) step_retry_after(&fsm, slot + 1, 10 * USEC_PER_MINUTE);
        assert_int_equal(step(&fsm, FSM_EVENT_ADDRESS_CHANGED, slot + 2).count, 0);
        assert_int_equal(step(&fsm, FSM_EVENT_OUTDATED, slot + 3).count, 0);
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_TIMER, fsm.deadline_usec), ACTION_REGISTER, ACTION_PUBLISH);

        /* A registration waits for it and for its pause behind it. */
        (void) step_retry_after(&fsm, slot, USEC_PER_MINUTE);
        assert_true(fsm.deadline_usec >= slot + USEC_PER_MINUTE + REGISTRATION_PAUSE_MIN_USEC);
        assert_true(fsm.deadline_usec <= slot + USEC_PER_MINUTE + REGISTRATION_PAUSE_MAX_USEC);
        assert_int_equal(step(&fsm, FSM_EVENT_OUTDATED, slot + 1).count, 0);
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_REREGISTER, slot + 1), ACTION_REGISTER, ACTION_PUBLISH);

        /* A person who asked while a report was in flight is served too. */
        fsm = in_state(FSM_REPORTING);
        (void) step(&fsm, FSM_EVENT_REREGISTER, START);
        ASSERT_ACTIONS(step_retry_after(&fsm, START, USEC_PER_MINUTE), ACTION_PUBLISH, ACTION_REGISTER);
}

static void test_forgotten_twice_is_a_failure(void **state _unused_) {
        Fsm fsm = in_state(FSM_REPORTING);

        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_FORGOTTEN, START), ACTION_PUBLISH, ACTION_REGISTER);
        assert_true(fsm.is_forgotten);
        (void) step(&fsm, FSM_EVENT_OK, START + 1);
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_FORGOTTEN, START + 2), ACTION_PUBLISH);
        assert_false(fsm.is_forgotten);
        assert_int_equal(fsm.state, FSM_REPORT_WAIT);
        assert_int_equal(fsm.failures, 1);

        (void) step(&fsm, FSM_EVENT_REPORT, START + INTERVAL);
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_FORGOTTEN, START + INTERVAL), ACTION_PUBLISH, ACTION_REGISTER);

        /* Also if a report was accepted in between. */
        (void) step(&fsm, FSM_EVENT_OK, START + INTERVAL);
        (void) step(&fsm, FSM_EVENT_OK, START + INTERVAL);
        (void) step(&fsm, FSM_EVENT_REPORT, START + 2 * INTERVAL - 1);
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_FORGOTTEN, START + 2 * INTERVAL - 1), ACTION_PUBLISH);
}

/* Also where a registration follows for another reason, or nothing does. */
static void test_forgotten_twice_is_said_to_be_a_failure(void **state _unused_) {
        static const FsmEventType meanwhile[] = { FSM_EVENT_RELOAD, FSM_EVENT_STOP };

        for (size_t i = 0; i < ELEMENTSOF(meanwhile); i++) {
                Fsm fsm = in_state(FSM_REPORTING);

                (void) step(&fsm, FSM_EVENT_FORGOTTEN, START);
                (void) step(&fsm, FSM_EVENT_OK, START);
                (void) step(&fsm, meanwhile[i], START);
                (void) step(&fsm, FSM_EVENT_FORGOTTEN, START);
                assert_false(fsm.is_forgotten);
                assert_int_equal(fsm.failures, 1);
        }
}

/* A slow Master: its answers take longer than an interval. */
static void test_forgotten_twice_slowly_is_a_failure(void **state _unused_) {
        Fsm fsm = in_state(FSM_REPORTING);
        usec_t now = START;

        for (unsigned i = 0; i < 3; i++) {
                ASSERT_ACTIONS(step(&fsm, FSM_EVENT_FORGOTTEN, now), ACTION_PUBLISH, ACTION_REGISTER);
                (void) step(&fsm, FSM_EVENT_OK, now += INTERVAL);
                ASSERT_ACTIONS(step(&fsm, FSM_EVENT_FORGOTTEN, now += INTERVAL), ACTION_PUBLISH);
                assert_int_equal(fsm.state, FSM_REPORT_WAIT);
                assert_int_equal(fsm.failures, i + 1);
                (void) step(&fsm, FSM_EVENT_TIMER, now = fsm.deadline_usec);
        }

        /* An accepted report ends it. */
        (void) step(&fsm, FSM_EVENT_FORGOTTEN, now);
        (void) step(&fsm, FSM_EVENT_OK, now);
        (void) step(&fsm, FSM_EVENT_OK, now);
        (void) step(&fsm, FSM_EVENT_REPORT, now += 2 * INTERVAL);
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_FORGOTTEN, now), ACTION_PUBLISH, ACTION_REGISTER);
}

/* A back-off pause is over. */
static FsmStep step_paused(Fsm *fsm, usec_t *now) {
        assert_int_equal(fsm->state, FSM_REGISTER_WAIT);
        *now = fsm->deadline_usec;
        return step(fsm, FSM_EVENT_TIMER, *now);
}

/* The registration at the start, and the one at once after a report's 404, do not count. */
static void test_an_id_is_given_up_after_two_pauses(void **state _unused_) {
        static const FsmState from[] = { FSM_REGISTERING, FSM_REPORTING };

        for (size_t i = 0; i < ELEMENTSOF(from); i++) {
                Fsm fsm = in_state(from[i]);
                usec_t now = START;

                if (from[i] == FSM_REPORTING)
                        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_FORGOTTEN, now), ACTION_PUBLISH,
                                        ACTION_REGISTER);
                ASSERT_ACTIONS(step(&fsm, FSM_EVENT_ID_REFUSED, now), ACTION_PUBLISH);
                ASSERT_ACTIONS(step_paused(&fsm, &now), ACTION_REGISTER, ACTION_PUBLISH);
                ASSERT_ACTIONS(step(&fsm, FSM_EVENT_ID_REFUSED, now), ACTION_PUBLISH);
                ASSERT_ACTIONS(step_paused(&fsm, &now), ACTION_REGISTER, ACTION_PUBLISH);
                ASSERT_ACTIONS(step(&fsm, FSM_EVENT_ID_REFUSED, now), ACTION_PUBLISH,
                                ACTION_REGISTER_WITHOUT_ID);

                /* The stored id was not replaced, so that the next one has it again, and all begins anew. */
                assert_true(fsm.is_without_id);
                ASSERT_ACTIONS(step(&fsm, FSM_EVENT_FAILED, now), ACTION_PUBLISH);
                assert_false(fsm.is_without_id);
                ASSERT_ACTIONS(step_paused(&fsm, &now), ACTION_REGISTER, ACTION_PUBLISH);
                ASSERT_ACTIONS(step(&fsm, FSM_EVENT_ID_REFUSED, now), ACTION_PUBLISH);
                assert_int_equal(fsm.state, FSM_REGISTER_WAIT);
        }
}

/* Another failure between two refusals, a registration that a person or the network asked for, and one that
 * was accepted: they are not in a row. */
static void test_what_is_between_two_refusals(void **state _unused_) {
        static const struct {
                FsmEventType event;
                FsmEventType answer;
        } between[] = {
                { FSM_EVENT_TIMER, FSM_EVENT_FAILED },
                { FSM_EVENT_REREGISTER, FSM_EVENT_ID_REFUSED },
                { FSM_EVENT_RELOAD, FSM_EVENT_ID_REFUSED },
                { FSM_EVENT_OUTDATED, FSM_EVENT_ID_REFUSED },
                { FSM_EVENT_REPORT, FSM_EVENT_ID_REFUSED },
        };

        for (size_t i = 0; i < ELEMENTSOF(between); i++) {
                Fsm fsm = in_state(FSM_REGISTERING);
                usec_t now = START;

                (void) step(&fsm, FSM_EVENT_FAILED, now);
                (void) step_paused(&fsm, &now);
                (void) step(&fsm, FSM_EVENT_ID_REFUSED, now);
                (void) step(&fsm, between[i].event, now = fsm.deadline_usec);
                (void) step(&fsm, between[i].answer, now);
                (void) step_paused(&fsm, &now);
                ASSERT_ACTIONS(step(&fsm, FSM_EVENT_ID_REFUSED, now), ACTION_PUBLISH);
                (void) step_paused(&fsm, &now);
                ASSERT_ACTIONS(step(&fsm, FSM_EVENT_ID_REFUSED, now), ACTION_PUBLISH,
                                ACTION_REGISTER_WITHOUT_ID);
        }
}

static void test_a_reload_is_not_held_back(void **state _unused_) {
        Fsm fsm = in_state(FSM_REGISTERING);

        (void) step(&fsm, FSM_EVENT_RELOAD, START);
        ASSERT_ACTIONS(step_retry_after(&fsm, START, USEC_PER_HOUR), ACTION_PUBLISH, ACTION_REGISTER);
        ASSERT_ACTIONS(step_retry_after(&fsm, START, USEC_PER_HOUR), ACTION_PUBLISH);
        assert_int_equal(fsm.state, FSM_REGISTER_WAIT);

        /* Once the Master accepts again, the regular pace holds, whatever it had wished before. */
        fsm = in_state(FSM_REPORTING);
        (void) step_retry_after(&fsm, START, USEC_PER_HOUR);
        (void) step(&fsm, FSM_EVENT_RELOAD, START + 1);
        (void) step(&fsm, FSM_EVENT_OK, START + 2);
        (void) step(&fsm, FSM_EVENT_OK, START + 3);
        assert_int_equal(fsm.state, FSM_IDLE);
        assert_true(fsm.deadline_usec <= START + 3 + INTERVAL);
}

static void test_only_a_report_ends_an_outage_of_reports(void **state _unused_) {
        Fsm fsm = in_state(FSM_REPORT_WAIT);

        assert_int_equal(fsm.failures, 1);
        (void) step(&fsm, FSM_EVENT_REREGISTER, START);
        (void) step(&fsm, FSM_EVENT_FAILED, START);
        assert_int_equal(fsm.failures, 2);
        (void) step(&fsm, FSM_EVENT_RELOAD, START);
        (void) step(&fsm, FSM_EVENT_OK, START);
        assert_int_equal(fsm.failures, 1);
        (void) step(&fsm, FSM_EVENT_OK, START);
        assert_int_equal(fsm.failures, 0);
}

static void test_wishes_are_kept(void **state _unused_) {
        Fsm fsm = in_state(FSM_REGISTERING);

        /* The registration in flight was made with old settings: another follows, behind the report. */
        (void) step(&fsm, FSM_EVENT_RELOAD, START);
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_OK, START), ACTION_PERSIST, ACTION_PUBLISH, ACTION_REPORT);
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_OK, START), ACTION_PERSIST, ACTION_PUBLISH, ACTION_REGISTER);
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_OK, START), ACTION_PERSIST, ACTION_PUBLISH, ACTION_REPORT);

        (void) step(&fsm, FSM_EVENT_RELOAD, START);
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_OK, START), ACTION_PERSIST, ACTION_PUBLISH, ACTION_REGISTER);

        /* Also if that report fails, and the Master asks to stay away: a person has mended something. */
        (void) step(&fsm, FSM_EVENT_RELOAD, START);
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_OK, START), ACTION_PERSIST, ACTION_PUBLISH, ACTION_REPORT);
        ASSERT_ACTIONS(step_retry_after(&fsm, START, USEC_PER_MINUTE), ACTION_PUBLISH, ACTION_REGISTER);
}

/* A storm of reloads: at most every other request is a registration. */
static void test_reloads_do_not_starve_reports(void **state _unused_) {
        Fsm fsm = in_state(FSM_REGISTERING);
        unsigned n_reports = 0;

        for (unsigned i = 0; i < 20; i++) {
                (void) step(&fsm, FSM_EVENT_RELOAD, START);
                n_reports += fsm.state == FSM_REPORTING;
                (void) step(&fsm, FSM_EVENT_OK, START);
        }
        assert_int_equal(n_reports, 10);
}

/* What changes while a report is in flight may not be in it: another follows, unless one comes anyway or
 * the Master is away. */
static void test_changes_are_reported(void **state _unused_) {
        Fsm fsm = in_state(FSM_REPORTING);
        usec_t slot;

        (void) step(&fsm, FSM_EVENT_HEALTH_CHANGED, START);
        (void) step(&fsm, FSM_EVENT_HEALTH_CHANGED, START);
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_OK, START), ACTION_PERSIST, ACTION_PUBLISH, ACTION_REPORT);
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_OK, START), ACTION_PERSIST, ACTION_PUBLISH);
        slot = fsm.deadline_usec;

        /* It moves no slot. */
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_HEALTH_CHANGED, START + 1), ACTION_REPORT);
        (void) step(&fsm, FSM_EVENT_OK, START + 2);
        assert_int_equal(fsm.state, FSM_IDLE);
        assert_int_equal(fsm.deadline_usec, slot);

        /* An outage: the wish is gone with the report that failed. */
        (void) step(&fsm, FSM_EVENT_TIMER, slot);
        (void) step(&fsm, FSM_EVENT_HEALTH_CHANGED, slot);
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_FAILED, slot), ACTION_PUBLISH);
        assert_int_equal(step(&fsm, FSM_EVENT_HEALTH_CHANGED, slot + 1).count, 0);
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_TIMER, fsm.deadline_usec), ACTION_REPORT);
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_OK, slot + INTERVAL), ACTION_PERSIST, ACTION_PUBLISH);

        /* A registration comes first, and its report serves both; so does that of a node that
         * was forgotten. */
        fsm = in_state(FSM_REPORTING);
        (void) step(&fsm, FSM_EVENT_HEALTH_CHANGED, START);
        (void) step(&fsm, FSM_EVENT_RELOAD, START);
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_OK, START), ACTION_PERSIST, ACTION_PUBLISH, ACTION_REGISTER);
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_OK, START), ACTION_PERSIST, ACTION_PUBLISH, ACTION_REPORT);
        (void) step(&fsm, FSM_EVENT_HEALTH_CHANGED, START);
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_FORGOTTEN, START), ACTION_PUBLISH, ACTION_REGISTER);
        (void) step(&fsm, FSM_EVENT_OK, START);
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_OK, START), ACTION_PERSIST, ACTION_PUBLISH);
}

/* ---- waking up late ---- */

#define LATE (USEC_PER_SEC + LATE_WAKE_USEC + 1) /* the timer's accuracy is a second */

static void test_a_late_wake_waits_for_its_slot(void **state _unused_) {
        static const FsmState from[] = { FSM_IDLE, FSM_REPORT_WAIT };

        for (size_t i = 0; i < ELEMENTSOF(from); i++) {
                Fsm fsm = in_state(from[i]);
                usec_t slot = fsm.deadline_usec, now;

                ASSERT_ACTIONS(step(&fsm, FSM_EVENT_TIMER, slot + LATE - 1), ACTION_REPORT);

                fsm = in_state(from[i]);
                ASSERT_ACTIONS(step(&fsm, FSM_EVENT_TIMER, slot + LATE), ACTION_PUBLISH);
                assert_int_equal(fsm.state, from[i]);
                assert_int_equal(fsm.deadline_usec, slot + INTERVAL);

                /* Twice in a row, and in time for the probe: a random time; the slots stay. */
                now = slot + INTERVAL + LATE;
                ASSERT_ACTIONS(step(&fsm, FSM_EVENT_TIMER, now), ACTION_PUBLISH);
                assert_int_equal(fsm.deadline_usec, now += LATE_WAKE_PROBE_USEC);
                ASSERT_ACTIONS(step(&fsm, FSM_EVENT_TIMER, now), ACTION_PUBLISH);
                assert_int_equal(fsm.deadline_usec, now + (INTERVAL - LATE_WAKE_PROBE_USEC) / 2);
                ASSERT_ACTIONS(step(&fsm, FSM_EVENT_TIMER, fsm.deadline_usec), ACTION_REPORT);
                (void) step(&fsm, FSM_EVENT_OK, slot + 2 * INTERVAL + 1);
                assert_int_equal(fsm.deadline_usec, slot + 3 * INTERVAL);

                /* Once in time: the count starts again. */
                ASSERT_ACTIONS(step(&fsm, FSM_EVENT_TIMER, slot + 3 * INTERVAL + LATE), ACTION_PUBLISH);
                assert_int_equal(fsm.deadline_usec, slot + 4 * INTERVAL);
        }
}

/* A person does not wait, and time that the agent's own work took is not sleep. */
static void test_what_is_not_late(void **state _unused_) {
        Fsm fsm = in_state(FSM_IDLE);
        usec_t slot = fsm.deadline_usec;

        (void) step(&fsm, FSM_EVENT_TIMER, slot + LATE);
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_REPORT, slot + LATE), ACTION_REPORT);
        (void) step(&fsm, FSM_EVENT_OK, slot + LATE);

        fsm_note_acted(&fsm, slot + INTERVAL + 5 * LATE); /* an fsync that took a minute */
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_TIMER, slot + INTERVAL + 5 * LATE + 1), ACTION_REPORT);

        /* The first registration is never late, however long the start took. */
        fsm_init(&fsm, INTERVAL, START);
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_TIMER, START + INTERVAL), ACTION_REGISTER, ACTION_PUBLISH);
}

/* A slow machine is late each time, and late for the probe. */
static void test_an_overloaded_machine_reports(void **state _unused_) {
        static const struct {
                usec_t interval, late;
                unsigned n_silent; /* intervals until it is known to be slow */
        } cases[] = {
                { USEC_PER_SEC, USEC_PER_SEC, 3 },
                { 10 * USEC_PER_SEC, 3 * USEC_PER_SEC, 3 },
                { INTERVAL, 3 * USEC_PER_SEC, 3 },
                { INTERVAL, 10 * USEC_PER_SEC, 3 },
                { INTERVAL, 20 * USEC_PER_SEC, 8 }, /* at first it seems to be paused */
                { USEC_PER_HOUR, 10 * USEC_PER_SEC, 3 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                usec_t now = START, last = START;
                Fsm fsm;

                fsm_init(&fsm, cases[i].interval, START);
                (void) step(&fsm, FSM_EVENT_TIMER, START);
                (void) step(&fsm, FSM_EVENT_OK, START);
                (void) step(&fsm, FSM_EVENT_OK, START);
                for (unsigned n = 0; n < 40; n++) {
                        now = fsm.deadline_usec + cases[i].late;
                        (void) step(&fsm, FSM_EVENT_TIMER, now);
                        assert_true(now - last <= (last == START ? cases[i].n_silent : 3) *
                                                                  (cases[i].interval + cases[i].late));
                        if (fsm.state != FSM_REPORTING)
                                continue;
                        (void) step(&fsm, FSM_EVENT_OK, now);
                        last = now;
                }
                assert_true(last > START);
        }
}

/* However long it was slow, a pause after that counts as the second in a row, spread over an interval. */
static void test_a_slow_machine_that_sleeps(void **state _unused_) {
        Fsm fsm = in_state(FSM_IDLE);
        usec_t now;

        for (unsigned i = 0; i < 21; i++) {
                now = fsm.deadline_usec + LATE;
                (void) step(&fsm, FSM_EVENT_TIMER, now);
                if (fsm.state == FSM_REPORTING)
                        (void) step(&fsm, FSM_EVENT_OK, now);
        }
        assert_false(fsm.late_wake.is_put_off); /* the last late wake made a report */

        (void) step(&fsm, FSM_EVENT_TIMER, fsm.deadline_usec + USEC_PER_HOUR);
        now = fsm.deadline_usec;
        (void) step(&fsm, FSM_EVENT_TIMER, now);
        assert_int_equal(fsm.deadline_usec, now + (INTERVAL - LATE_WAKE_PROBE_USEC) / 2);
}

/* The agent's memory is swapped out while it waits: it is late after each longer wait, and never late for
 * the probe. */
static void test_a_swapped_out_agent_reports(void **state _unused_) {
        static const usec_t intervals[] = { 10 * USEC_PER_SEC, INTERVAL, USEC_PER_HOUR,
                UINT32_MAX * USEC_PER_SEC };

        for (size_t i = 0; i < ELEMENTSOF(intervals); i++) {
                usec_t now = START, last = START, ran = START;
                Fsm fsm;

                fsm_init(&fsm, intervals[i], START);
                (void) step(&fsm, FSM_EVENT_TIMER, START);
                (void) step(&fsm, FSM_EVENT_OK, START);
                (void) step(&fsm, FSM_EVENT_OK, START);
                while (now < START + 100 * intervals[i]) {
                        now = fsm.deadline_usec;
                        if (now - ran > 2 * USEC_PER_SEC)
                                now += 3 * USEC_PER_SEC;
                        ran = now;
                        (void) step(&fsm, FSM_EVENT_TIMER, now);
                        assert_true(now - last <= 5 * intervals[i]);
                        if (fsm.state != FSM_REPORTING)
                                continue;
                        (void) step(&fsm, FSM_EVENT_OK, now);
                        last = now;
                }
        }
}

/* Each random time is missed: each miss halves its span, down to a second. */
static void test_a_node_that_is_seldom_awake(void **state _unused_) {
        static const usec_t intervals[] = { USEC_PER_SEC, INTERVAL, UINT32_MAX * USEC_PER_SEC };

        for (size_t i = 0; i < ELEMENTSOF(intervals); i++) {
                usec_t range = intervals[i];
                Fsm fsm;

                fsm_init(&fsm, range, START);
                (void) step(&fsm, FSM_EVENT_TIMER, START);
                (void) step(&fsm, FSM_EVENT_OK, START);
                (void) step(&fsm, FSM_EVENT_OK, START);
                (void) step(&fsm, FSM_EVENT_TIMER, fsm.deadline_usec + LATE);
                for (unsigned n = 0; n < 200; n++) {
                        usec_t now;

                        (void) step(&fsm, FSM_EVENT_TIMER, fsm.deadline_usec + LATE);
                        now = fsm.deadline_usec;
                        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_TIMER, now), ACTION_PUBLISH);
                        assert_int_equal(fsm.deadline_usec - now,
                                        usec_between(1,
                                                        usec_later(range, 2 * LATE_WAKE_PROBE_USEC) -
                                                                        LATE_WAKE_PROBE_USEC,
                                                        HALF));
                        range /= 2;
                }
                ASSERT_ACTIONS(step(&fsm, FSM_EVENT_TIMER, fsm.deadline_usec), ACTION_REPORT);
        }
}

/* Another pause begins during the probe: a fleet with many nodes in their probe must not report together
 * after that pause. */
static void test_a_pause_while_probing(void **state _unused_) {
        Fsm fsm = in_state(FSM_IDLE);
        usec_t now;

        (void) step(&fsm, FSM_EVENT_TIMER, fsm.deadline_usec + LATE);
        (void) step(&fsm, FSM_EVENT_TIMER, fsm.deadline_usec + LATE);
        now = fsm.deadline_usec + LATE_WAKE_SLOW_MAX_USEC + 1;
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_TIMER, now), ACTION_PUBLISH);
        assert_int_equal(fsm.deadline_usec, now + (INTERVAL - LATE_WAKE_PROBE_USEC) / 2);
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_TIMER, fsm.deadline_usec), ACTION_REPORT);
}

/* A person asks for a request during the probe: the next timer is then an ordinary one. */
static void test_a_request_ends_the_probe(void **state _unused_) {
        Fsm fsm = in_state(FSM_IDLE);

        (void) step(&fsm, FSM_EVENT_TIMER, fsm.deadline_usec + LATE);
        (void) step(&fsm, FSM_EVENT_TIMER, fsm.deadline_usec + LATE);
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_REPORT, fsm.deadline_usec), ACTION_REPORT);
        (void) step(&fsm, FSM_EVENT_OK, START + 3 * INTERVAL);
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_TIMER, fsm.deadline_usec), ACTION_REPORT);
}

/* A node whose registration waits has no slots yet: it gets them. */
static void test_a_late_registration_waits_for_its_slot(void **state _unused_) {
        Fsm fsm = in_state(FSM_REGISTERING);
        usec_t now = START + USEC_PER_HOUR, slot;

        (void) step(&fsm, FSM_EVENT_FAILED, START);
        assert_int_equal(fsm.schedule.slot_usec, 0);
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_TIMER, now), ACTION_PUBLISH);
        assert_int_equal(fsm.state, FSM_REGISTER_WAIT);
        slot = fsm.deadline_usec;
        assert_true(slot > now && slot <= now + INTERVAL);

        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_TIMER, slot), ACTION_REGISTER, ACTION_PUBLISH);
        (void) step(&fsm, FSM_EVENT_OK, slot);
        (void) step(&fsm, FSM_EVENT_OK, slot + 1);
        assert_int_equal(fsm.deadline_usec, slot + INTERVAL);
}

static FsmStep step_asleep(Fsm *fsm, FsmEventType type, usec_t now, usec_t asleep) {
        FsmStep taken;

        fsm_step(fsm, &(FsmEvent){ .type = type, .now_usec = now, .random = HALF, .asleep_usec = asleep },
                        &taken);
        return taken;
}

/* After a resume all modules rewrite their files, and addresses change. That waits for the next due report,
 * even if the machine slept through no deadline. */
static void test_what_happens_on_a_resume_waits(void **state _unused_) {
        static const FsmEventType events[] = { FSM_EVENT_HEALTH_CHANGED, FSM_EVENT_ADDRESS_CHANGED };

        for (size_t i = 0; i < ELEMENTSOF(events); i++) {
                Fsm fsm = in_state(FSM_IDLE);
                usec_t slot = fsm.deadline_usec;

                (void) step(&fsm, FSM_EVENT_TIMER, slot + LATE);
                assert_int_equal(step(&fsm, events[i], slot + LATE + 1).count, 0);
                assert_int_equal(fsm.deadline_usec, slot + INTERVAL);

                fsm = in_state(FSM_IDLE);
                assert_true(step_asleep(&fsm, events[i], slot - 1, LATE_WAKE_USEC).count > 0);

                fsm = in_state(FSM_IDLE);
                assert_int_equal(step_asleep(&fsm, events[i], slot - 1, LATE_WAKE_USEC + 1).count, 0);
                assert_int_equal(fsm.deadline_usec, slot);
                (void) step_asleep(&fsm, FSM_EVENT_TIMER, slot, LATE_WAKE_USEC + 1);
                (void) step_asleep(&fsm, FSM_EVENT_OK, slot, LATE_WAKE_USEC + 1);
                while (fsm.state != FSM_IDLE)
                        (void) step_asleep(&fsm, FSM_EVENT_OK, slot, LATE_WAKE_USEC + 1);

                /* A slot right after the resume does not let later changes through, either. */
                slot += LATE_WAKE_SETTLE_USEC;
                assert_int_equal(step_asleep(&fsm, events[i], slot - 1, LATE_WAKE_USEC + 1).count, 0);
                assert_true(step_asleep(&fsm, events[i], slot, LATE_WAKE_USEC + 1).count > 0 ||
                                events[i] == FSM_EVENT_ADDRESS_CHANGED); /* already used in this interval */
        }
}

/* Also where a request was in flight all the time: what comes before its response is no request. */
static void test_what_happens_on_a_resume_with_a_request(void **state _unused_) {
        Fsm fsm = in_state(FSM_REPORTING);

        for (unsigned i = 0; i < 3; i++)
                assert_int_equal(step_asleep(&fsm, FSM_EVENT_ADDRESS_CHANGED, START, USEC_PER_MINUTE).count,
                                0);
        (void) step_asleep(&fsm, FSM_EVENT_FAILED, START, USEC_PER_MINUTE);
        assert_int_equal(step_asleep(&fsm, FSM_EVENT_ADDRESS_CHANGED, START, USEC_PER_MINUTE).count, 0);
        ASSERT_ACTIONS(step_asleep(&fsm, FSM_EVENT_TIMER, fsm.deadline_usec, USEC_PER_MINUTE),
                        ACTION_REGISTER, ACTION_PUBLISH);
}

/* Exact where somebody waits: for the first registration, and for the end. */
static void test_the_accuracy_of_the_timer(void **state _unused_) {
        static const usec_t accuracies[_FSM_STATE_MAX] = {
                [FSM_REGISTER_WAIT] = 1,
                [FSM_IDLE] = USEC_PER_SEC,
                [FSM_REPORT_WAIT] = USEC_PER_SEC,
                [FSM_STOPPING] = 1,
        };
        Fsm fsm;

        for (FsmState from = 0; from < _FSM_STATE_MAX; from++) {
                fsm = in_state(from);
                if (accuracies[from] > 0)
                        assert_int_equal(fsm_timer_accuracy(&fsm), accuracies[from]);
        }

        fsm = in_state(FSM_REGISTERING);
        (void) step(&fsm, FSM_EVENT_FAILED, START);
        assert_int_equal(fsm_timer_accuracy(&fsm), USEC_PER_SEC);
}

/* ---- a changed address ---- */

static void test_a_changed_address_registers_soon(void **state _unused_) {
        static const FsmState from[] = { FSM_IDLE, FSM_REPORT_WAIT, FSM_REPORTING };

        for (size_t i = 0; i < ELEMENTSOF(from); i++) {
                Fsm fsm = in_state(from[i]);
                usec_t now = START + 1, moment;

                (void) step(&fsm, FSM_EVENT_ADDRESS_CHANGED, now);
                moment = fsm.deadline_usec;
                assert_true(moment > now && moment <= now + INTERVAL / 6);
                ASSERT_ACTIONS(step(&fsm, FSM_EVENT_TIMER, moment), ACTION_REGISTER, ACTION_PUBLISH);
                ASSERT_ACTIONS(step(&fsm, FSM_EVENT_OK, moment), ACTION_PERSIST, ACTION_PUBLISH,
                                ACTION_REPORT);
                (void) step(&fsm, FSM_EVENT_OK, moment);

                /* A second change within the interval takes the place of the next report. */
                now = moment + 1;
                assert_int_equal(step(&fsm, FSM_EVENT_ADDRESS_CHANGED, now).count, 0);
                ASSERT_ACTIONS(step(&fsm, FSM_EVENT_TIMER, fsm.deadline_usec), ACTION_REGISTER,
                                ACTION_PUBLISH);
        }
}

/* Within a sixth of the interval, at most 10 s, and never later than what was due anyway. */
static void test_the_moment_of_a_changed_address(void **state _unused_) {
        static const struct {
                usec_t interval, spread;
        } cases[] = {
                { USEC_PER_SEC, USEC_PER_SEC / 6 },
                { 12 * USEC_PER_SEC, 2 * USEC_PER_SEC },
                { INTERVAL, FSM_ADDRESS_SPREAD_USEC },
                { USEC_PER_HOUR, FSM_ADDRESS_SPREAD_USEC },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                usec_t now = cases[i].interval / 2, slot; /* soon after the boot, too */
                FsmStep taken;
                Fsm fsm, near;

                fsm_init(&fsm, cases[i].interval, now);
                (void) step(&fsm, FSM_EVENT_TIMER, now);
                (void) step(&fsm, FSM_EVENT_OK, now);
                (void) step(&fsm, FSM_EVENT_OK, now);
                near = fsm;
                slot = fsm.deadline_usec;

                fsm_step(&fsm,
                                &(FsmEvent){ FSM_EVENT_ADDRESS_CHANGED, .now_usec = now,
                                                .random = UINT64_MAX },
                                &taken);
                ASSERT_ACTIONS(taken, ACTION_PUBLISH);
                assert_int_equal(fsm.deadline_usec, now + cases[i].spread);

                (void) step(&near, FSM_EVENT_ADDRESS_CHANGED, slot - 1);
                assert_int_equal(near.deadline_usec, slot);
        }
}

/* Later changes share one registration in the next slot, whatever was in flight. */
static void test_later_changes_take_the_next_slot(void **state _unused_) {
        static const FsmState from[] = { FSM_IDLE, FSM_REPORTING, FSM_REGISTERING };

        for (size_t i = 0; i < ELEMENTSOF(from); i++) {
                Fsm fsm = in_state(FSM_REPORTING);
                usec_t now = START;

                (void) step(&fsm, FSM_EVENT_ADDRESS_CHANGED, now);
                (void) step(&fsm, FSM_EVENT_TIMER, now = fsm.deadline_usec);
                if (from[i] != FSM_REGISTERING)
                        (void) step(&fsm, FSM_EVENT_OK, now);
                if (from[i] == FSM_IDLE)
                        (void) step(&fsm, FSM_EVENT_OK, now);
                assert_int_equal(fsm.state, from[i]);

                assert_int_equal(step(&fsm, FSM_EVENT_ADDRESS_CHANGED, now).count, 0);
                while (fsm.is_in_flight)
                        (void) step(&fsm, FSM_EVENT_OK, now);
                ASSERT_ACTIONS(step(&fsm, FSM_EVENT_TIMER, now = fsm.deadline_usec), ACTION_REGISTER,
                                ACTION_PUBLISH);
                (void) step(&fsm, FSM_EVENT_OK, now);
                (void) step(&fsm, FSM_EVENT_OK, now);
                ASSERT_ACTIONS(step(&fsm, FSM_EVENT_TIMER, fsm.deadline_usec), ACTION_REPORT);
        }
}

/* No second cancel, even if a response takes longer than an interval. */
static void test_a_changed_address_cancels_once(void **state _unused_) {
        Fsm fsm = in_state(FSM_REPORTING);
        usec_t now = START;

        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_ADDRESS_CHANGED, now), ACTION_CANCEL, ACTION_PUBLISH);
        (void) step(&fsm, FSM_EVENT_TIMER, fsm.deadline_usec);
        assert_int_equal(step(&fsm, FSM_EVENT_ADDRESS_CHANGED, now += 2 * INTERVAL).count, 0);
        (void) step(&fsm, FSM_EVENT_OK, now);
        assert_int_equal(step(&fsm, FSM_EVENT_ADDRESS_CHANGED, now += 2 * INTERVAL).count, 0);
        (void) step(&fsm, FSM_EVENT_OK, now);
        assert_int_equal(fsm.state, FSM_IDLE);

        /* A report has had its response, good or bad: the next request may be cancelled again. */
        for (FsmEventType type = FSM_EVENT_OK; type <= FSM_EVENT_FAILED; type++) {
                fsm = in_state(FSM_REPORTING);
                (void) step(&fsm, FSM_EVENT_ADDRESS_CHANGED, START);
                (void) step(&fsm, FSM_EVENT_TIMER, fsm.deadline_usec);
                (void) step(&fsm, FSM_EVENT_OK, now = START + 2 * INTERVAL);
                (void) step(&fsm, type, now);
                if (!fsm.is_in_flight)
                        (void) step(&fsm, FSM_EVENT_TIMER, now = fsm.deadline_usec);
                ASSERT_ACTIONS(step(&fsm, FSM_EVENT_ADDRESS_CHANGED, now), ACTION_CANCEL, ACTION_PUBLISH);
        }
}

/* A person who waits for a response does not wait longer because the address changed. An hour later no
 * person waits any more. */
static void test_a_changed_address_and_a_person(void **state _unused_) {
        static const struct {
                FsmState from;
                FsmEventType asked;
        } cases[] = {
                { FSM_REPORTING, FSM_EVENT_REREGISTER },
                { FSM_REPORTING, FSM_EVENT_REPORT },
                { FSM_REPORTING, FSM_EVENT_RELOAD },
                { FSM_REGISTERING, FSM_EVENT_REREGISTER },
                { FSM_REGISTERING, FSM_EVENT_REPORT },
                { FSM_IDLE, FSM_EVENT_REREGISTER },
                { FSM_IDLE, FSM_EVENT_REPORT },
                { FSM_REPORT_WAIT, FSM_EVENT_REPORT },
                { FSM_REGISTER_WAIT, FSM_EVENT_REPORT },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Fsm fsm = in_state(cases[i].from);
                usec_t now = START + USEC_PER_HOUR;

                (void) step(&fsm, cases[i].asked, START);
                ASSERT_ACTIONS(step(&fsm, FSM_EVENT_ADDRESS_CHANGED, START), ACTION_CANCEL, ACTION_REGISTER,
                                ACTION_PUBLISH);
                while (fsm.is_in_flight)
                        (void) step(&fsm, FSM_EVENT_OK, START);
                (void) step(&fsm, FSM_EVENT_HEALTH_CHANGED, now);
                ASSERT_ACTIONS(step(&fsm, FSM_EVENT_ADDRESS_CHANGED, now), ACTION_CANCEL, ACTION_PUBLISH);

                /* Nor if it was told of a failure. */
                fsm = in_state(FSM_IDLE);
                (void) step(&fsm, cases[i].asked, START);
                while (fsm.is_in_flight)
                        (void) step(&fsm, FSM_EVENT_FAILED, START);
                (void) step(&fsm, FSM_EVENT_TIMER, fsm.deadline_usec);
                ASSERT_ACTIONS(step(&fsm, FSM_EVENT_ADDRESS_CHANGED, now), ACTION_CANCEL, ACTION_PUBLISH);
        }
}

/* One registration has its response; a person who waits for the next one is not forgotten. */
static void test_a_changed_address_and_who_is_next(void **state _unused_) {
        static const FsmState from[] = { FSM_REGISTERING, FSM_REPORTING };
        static const FsmEventType responses[] = { FSM_EVENT_OK, FSM_EVENT_FAILED };

        for (size_t i = 0; i < ELEMENTSOF(from) * ELEMENTSOF(responses); i++) {
                Fsm fsm = in_state(from[i % 2]);

                (void) step(&fsm, FSM_EVENT_RELOAD, START);
                (void) step(&fsm, responses[i / 2], START);
                assert_true(fsm.is_in_flight);
                ASSERT_ACTIONS(step(&fsm, FSM_EVENT_ADDRESS_CHANGED, START), ACTION_CANCEL, ACTION_REGISTER,
                                ACTION_PUBLISH);
        }
}

/* No person asked: an outdated registration waits for the Retry-After. */
static void test_a_changed_address_and_nobody(void **state _unused_) {
        Fsm fsm = in_state(FSM_REPORTING);

        (void) step(&fsm, FSM_EVENT_OUTDATED, START);
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_ADDRESS_CHANGED, START), ACTION_CANCEL, ACTION_PUBLISH);
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_TIMER, fsm.deadline_usec), ACTION_REGISTER, ACTION_PUBLISH);
}

/* The wait for a changed address is not a back-off pause: a refusal after it does not count. */
static void test_a_changed_address_is_no_pause(void **state _unused_) {
        Fsm fsm = in_state(FSM_REGISTERING);
        usec_t now = START;

        (void) step(&fsm, FSM_EVENT_FAILED, now);
        for (unsigned i = 0; i < FSM_REFUSALS_MAX; i++) {
                (void) step_paused(&fsm, &now);
                if (i + 1 < FSM_REFUSALS_MAX)
                        (void) step(&fsm, FSM_EVENT_ID_REFUSED, now);
        }
        (void) step(&fsm, FSM_EVENT_FAILED, now);
        (void) step_paused(&fsm, &now);
        (void) step(&fsm, FSM_EVENT_ID_REFUSED, now);
        (void) step(&fsm, FSM_EVENT_ADDRESS_CHANGED, now);
        (void) step_paused(&fsm, &now);
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_ID_REFUSED, now), ACTION_PUBLISH);

        /* The next waits are back-off pauses again. */
        (void) step_paused(&fsm, &now);
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_ID_REFUSED, now), ACTION_PUBLISH);
        (void) step_paused(&fsm, &now);
        ASSERT_ACTIONS(step(&fsm, FSM_EVENT_ID_REFUSED, now), ACTION_PUBLISH, ACTION_REGISTER_WITHOUT_ID);
}

/* However an address flaps, and however slow the responses are: in the long run at most three times the
 * usual requests, and reports get their responses. */
static void test_restless_addresses(void **state _unused_) {
        static const struct {
                usec_t interval, flap, response;
                FsmEventType register_response;
        } cases[] = {
                { INTERVAL, 5 * USEC_PER_SEC, 0, FSM_EVENT_OK },
                { INTERVAL, 4 * USEC_PER_SEC, 6 * USEC_PER_SEC, FSM_EVENT_OK },
                { INTERVAL, USEC_PER_SEC, 9 * USEC_PER_SEC, FSM_EVENT_OK },
                { 4 * USEC_PER_SEC, 4 * USEC_PER_SEC, 6 * USEC_PER_SEC, FSM_EVENT_OK },
                { INTERVAL, INTERVAL + USEC_PER_SEC, 0, FSM_EVENT_OK },
                { INTERVAL, 5 * USEC_PER_SEC, 0, FSM_EVENT_FAILED },
                { USEC_PER_HOUR, 5 * USEC_PER_SEC, USEC_PER_SEC, FSM_EVENT_OK },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                unsigned n_requests = 0, n_reports = 0;
                usec_t flap = START, response = USEC_INFINITY, now = START;
                usec_t end = START + 50 * cases[i].interval;
                Fsm fsm;

                fsm_init(&fsm, cases[i].interval, START);
                while (now < end) {
                        FsmEventType type = FSM_EVENT_TIMER;
                        FsmStep taken;

                        now = usec_earlier(usec_earlier(flap, response), fsm.deadline_usec);
                        if (now == response) {
                                type = fsm.state == FSM_REGISTERING ? cases[i].register_response
                                                                    : FSM_EVENT_OK;
                                n_reports += fsm.state == FSM_REPORTING;
                                response = USEC_INFINITY;
                        } else if (now == flap) {
                                type = FSM_EVENT_ADDRESS_CHANGED;
                                flap += cases[i].flap;
                        }
                        taken = step(&fsm, type, now);
                        for (size_t n = 0; n < taken.count; n++)
                                if (taken.actions[n] == ACTION_CANCEL)
                                        response = USEC_INFINITY;
                                else if (taken.actions[n] == ACTION_REPORT ||
                                                taken.actions[n] == ACTION_REGISTER) {
                                        response = now + cases[i].response;
                                        n_requests++;
                                }
                }
                assert_true(n_requests <= 3 * 50 + 10);
                if (cases[i].register_response == FSM_EVENT_OK)
                        assert_true(n_reports * 2 * (cases[i].interval + cases[i].response) >=
                                        45 * cases[i].interval);
        }
}

static uint64_t next_random(uint64_t *seed) {
        /* splitmix64, Steele et al. 2014: small, and good enough to wander through a table. */
        uint64_t z = (*seed += 0x9E3779B97F4A7C15);

        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
}

static void check_invariants(const Fsm *fsm, const FsmStep *taken, bool was_in_flight, bool had_exit) {
        bool is_request_state = fsm->state == FSM_REGISTERING || fsm->state == FSM_REPORTING;
        bool did_persist = false, did_publish = false, did_exit = false;
        unsigned n_requests = 0;

        for (size_t i = 0; i < taken->count; i++)
                switch (taken->actions[i]) {
                case ACTION_CANCEL:
                        was_in_flight = false;
                        break;
                case ACTION_REGISTER:
                case ACTION_REGISTER_WITHOUT_ID:
                case ACTION_REPORT:
                        n_requests++;
                        break;
                case ACTION_PERSIST:
                        assert_false(did_publish);
                        did_persist = true;
                        break;
                case ACTION_PUBLISH:
                        did_publish = true;
                        break;
                case ACTION_EXIT:
                        did_exit = true;
                        break;
                default:
                        break;
                }

        assert_true(n_requests <= 1);
        if (n_requests > 0)
                assert_false(was_in_flight);
        if (did_persist)
                assert_true(did_publish);
        if (is_request_state)
                assert_true(fsm->is_in_flight);
        else if (fsm->state != FSM_STOPPING)
                assert_false(fsm->is_in_flight);
        if (fsm->want_report)
                assert_int_equal(fsm->state, FSM_REPORTING);
        assert_true(fsm->is_in_flight || fsm->deadline_usec != USEC_INFINITY || did_exit || had_exit);
        assert_true(is_request_state == (fsm->deadline_usec == USEC_INFINITY) || fsm->state == FSM_STOPPING);
}

static void test_random_sequences(void **state _unused_) {
        uint64_t seed = (uint64_t) now_usec(CLOCK_REALTIME);

        print_message("seed %#" PRIx64 "\n", seed);

        for (unsigned run = 0; run < 2000; run++) {
                usec_t now = START;
                bool has_exited = false;
                Fsm fsm;

                fsm_init(&fsm, (1 + next_random(&seed) % 120) * USEC_PER_SEC, now);
                for (unsigned i = 0; i < 300; i++) {
                        FsmEvent event = { .random = next_random(&seed) };
                        bool was_in_flight = fsm.is_in_flight;
                        FsmStep taken;

                        event.type = (FsmEventType) (next_random(&seed) % _FSM_EVENT_MAX);
                        if (event.type == FSM_EVENT_STOP && next_random(&seed) % 64 != 0)
                                event.type = FSM_EVENT_TIMER;
                        if (event.type < FSM_EVENT_TIMER && !fsm.is_in_flight)
                                event.type = FSM_EVENT_TIMER;
                        if (event.type == FSM_EVENT_TIMER && fsm.deadline_usec == USEC_INFINITY)
                                event.type = fsm.is_in_flight ? FSM_EVENT_FAILED : FSM_EVENT_OUTDATED;

                        if (event.type == FSM_EVENT_TIMER)
                                now = fsm.deadline_usec +
                                      (next_random(&seed) % 8 == 0 ? next_random(&seed) % USEC_PER_HOUR : 0);
                        else if (fsm.deadline_usec > now)
                                now += next_random(&seed) %
                                       (fsm.deadline_usec - now < USEC_PER_SEC ? fsm.deadline_usec - now
                                                                               : USEC_PER_SEC);
                        event.now_usec = now;
                        if (event.type == FSM_EVENT_FAILED && next_random(&seed) % 4 == 0)
                                event.retry_after_usec = next_random(&seed) % USEC_PER_HOUR;

                        fsm_step(&fsm, &event, &taken);
                        check_invariants(&fsm, &taken, was_in_flight && event.type >= FSM_EVENT_TIMER,
                                        has_exited);
                        if (taken.count > 0 && taken.actions[taken.count - 1] == ACTION_EXIT)
                                has_exited = true;
                        if (fsm.deadline_usec != USEC_INFINITY)
                                assert_true(fsm.deadline_usec >= now);
                }
        }
}

static void test_names(void **state _unused_) {
        assert_string_equal(fsm_state_to_string(FSM_REGISTERING), "REGISTERING");
        assert_string_equal(fsm_event_to_string(FSM_EVENT_OK), "OK");

        for (FsmState from = 0; from < _FSM_STATE_MAX; from++)
                assert_non_null(fsm_state_to_string(from));
        for (FsmEventType event = 0; event < _FSM_EVENT_MAX; event++)
                assert_non_null(fsm_event_to_string(event));
}

static void test_changes_are_wanted(void **state _unused_) {
        for (FsmState from = 0; from < _FSM_STATE_MAX; from++) {
                Fsm fsm = { .state = from };

                assert_int_equal(fsm_wants_changes(&fsm), from == FSM_IDLE || from == FSM_REPORTING);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_table),
                cmocka_unit_test(test_changes_are_wanted),
                cmocka_unit_test(test_registration_backs_off),
                cmocka_unit_test(test_a_registration_keeps_off_a_near_slot),
                cmocka_unit_test(test_timer_accuracy),
                cmocka_unit_test(test_what_is_outdated_is_told),
                cmocka_unit_test(test_slots_do_not_move),
                cmocka_unit_test(test_an_outage_keeps_the_pace),
                cmocka_unit_test(test_retry_after),
                cmocka_unit_test(test_forgotten_twice_is_a_failure),
                cmocka_unit_test(test_forgotten_twice_is_said_to_be_a_failure),
                cmocka_unit_test(test_forgotten_twice_slowly_is_a_failure),
                cmocka_unit_test(test_an_id_is_given_up_after_two_pauses),
                cmocka_unit_test(test_what_is_between_two_refusals),
                cmocka_unit_test(test_a_reload_is_not_held_back),
                cmocka_unit_test(test_only_a_report_ends_an_outage_of_reports),
                cmocka_unit_test(test_wishes_are_kept),
                cmocka_unit_test(test_reloads_do_not_starve_reports),
                cmocka_unit_test(test_changes_are_reported),
                cmocka_unit_test(test_a_late_wake_waits_for_its_slot),
                cmocka_unit_test(test_what_is_not_late),
                cmocka_unit_test(test_an_overloaded_machine_reports),
                cmocka_unit_test(test_a_slow_machine_that_sleeps),
                cmocka_unit_test(test_a_swapped_out_agent_reports),
                cmocka_unit_test(test_a_node_that_is_seldom_awake),
                cmocka_unit_test(test_a_pause_while_probing),
                cmocka_unit_test(test_a_request_ends_the_probe),
                cmocka_unit_test(test_a_late_registration_waits_for_its_slot),
                cmocka_unit_test(test_what_happens_on_a_resume_waits),
                cmocka_unit_test(test_what_happens_on_a_resume_with_a_request),
                cmocka_unit_test(test_the_accuracy_of_the_timer),
                cmocka_unit_test(test_a_changed_address_registers_soon),
                cmocka_unit_test(test_the_moment_of_a_changed_address),
                cmocka_unit_test(test_later_changes_take_the_next_slot),
                cmocka_unit_test(test_a_changed_address_cancels_once),
                cmocka_unit_test(test_a_changed_address_and_a_person),
                cmocka_unit_test(test_a_changed_address_and_who_is_next),
                cmocka_unit_test(test_a_changed_address_and_nobody),
                cmocka_unit_test(test_a_changed_address_is_no_pause),
                cmocka_unit_test(test_restless_addresses),
                cmocka_unit_test(test_random_sequences),
                cmocka_unit_test(test_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
