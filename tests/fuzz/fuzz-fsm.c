/* SPDX-License-Identifier: MIT */
/* The state machine over random sequences of events, in a small world that carries its actions out: a disk
 * that may fail, a Master that answers anything. What docs/architecture.md says of every state is asserted
 * after each step:
 *
 *   - at most one request is in flight, and none after the exit;
 *   - a deadline or a request is pending until the exit, and the deadline is not far;
 *   - what is announced was persisted before;
 *   - the id on the disk is replaced by another, never dropped, and given up only after two refusals in a
 * row that each followed a pause;
 *   - the slots of the reports never move;
 *   - the Master's Retry-After is kept by all but a person;
 *   - a deadline that the machine slept through makes no request, but sets another one within an interval;
 *   - a changed address goes ahead of the slots once an interval, and cancels once per response to a report;
 *   - left alone with a Master that answers at once, whatever it says, the agent asks at a bounded pace;
 *   - and however slowly it answers, it is asked a handful of times for each deadline.
 *
 * An input: interval, start of the clock, then two bytes and more an event. The events are played again and
 * again: a Master that keeps saying the same two things is the one that could drive an agent into a loop. */
#include "fuzz.h"

#include "core/fsm.h"

enum { EVENTS_MAX = 256, REQUESTS_PER_SECOND = 8 };

/* The worst: with the id, without it, a report; forgotten, with the id, a report. */
enum { REQUESTS_PER_DEADLINE = 5 };

typedef struct World {
        Fsm fsm;
        usec_t start_usec, now_usec;
        bool is_in_flight, is_registration, is_without_id;
        bool has_exited;
        unsigned disk_id, memory_id, announced_id, next_id; /* 0: none */
        bool is_disk_full, is_unsaved; /* the disk fails now; it did, and that is known */
        usec_t not_before_usec;        /* the Master's wish, while it binds */
        bool has_slot;
        usec_t slot_usec;
        bool is_left_alone; /* only answers and timers that came in time */
        uint64_t n_requests;
        unsigned n_since_deadline; /* requests */
        bool is_behind_pause;      /* the registration in flight followed a pause, or one has just ended */
        unsigned n_refusals;       /* in a row, after pauses */
        bool was_hurried, was_probing; /* before the present step */
        usec_t acted_usec;             /* boot time when the agent's own work ended */
        usec_t asleep_usec;
        bool is_at_start, has_hurried, has_cancelled;
        usec_t hurried_usec;
} World;

static void world_request(World *world, const FsmEvent *event, FsmAction action) {
        assert(!world->is_in_flight);
        assert(event->now_usec >= world->not_before_usec);
        if (action == ACTION_REPORT)
                assert(world->memory_id != 0); /* there is a node to report */
        if (action == ACTION_REGISTER_WITHOUT_ID)
                assert(event->type == FSM_EVENT_ID_REFUSED && world->is_registration &&
                                !world->is_without_id && world->n_refusals == FSM_REFUSALS_MAX);
        world->is_behind_pause =
                        event->type == FSM_EVENT_TIMER && world->fsm.n_pauses > 0 && !world->was_hurried;

        world->is_in_flight = true;
        world->is_registration = action != ACTION_REPORT;
        world->is_without_id = action == ACTION_REGISTER_WITHOUT_ID;
        world->n_requests++;
        world->n_since_deadline++;
}

static void world_persist(World *world, const FsmEvent *event) {
        assert(event->type == FSM_EVENT_OK);

        /* A registration's node may be another; a report's is the same one. */
        if (world->is_registration && (world->is_without_id || world->memory_id == 0 || event->random & 1))
                world->memory_id = ++world->next_id;
        world->is_unsaved = world->is_disk_full;
        if (!world->is_disk_full)
                world->disk_id = world->memory_id;
}

static void world_act(World *world, const FsmEvent *event, const FsmStep *step) {
        unsigned disk_id = world->disk_id;
        bool has_published = false, has_persisted = false;

        for (size_t i = 0; i < step->count; i++) {
                FsmAction action = step->actions[i];

                assert(!world->has_exited);
                switch (action) {
                case ACTION_REGISTER:
                case ACTION_REGISTER_WITHOUT_ID:
                case ACTION_REPORT:
                        world_request(world, event, action);
                        break;
                case ACTION_CANCEL:
                        assert(world->is_in_flight);
                        assert(!world->has_cancelled ||
                                        event->type == FSM_EVENT_TIMER); /* the end of the grace */
                        world->is_in_flight = false;
                        world->has_cancelled = true;
                        break;
                case ACTION_PERSIST:
                        assert(!has_published && !has_persisted);
                        world_persist(world, event);
                        has_persisted = true;
                        break;
                case ACTION_PUBLISH:
                        world->announced_id = world->memory_id;
                        has_published = true;
                        break;
                case ACTION_EXIT:
                        assert(world->fsm.state == FSM_STOPPING);
                        world->has_exited = true;
                        break;
                default:
                        assert(false);
                }
        }

        if (event->type == FSM_EVENT_OK)
                assert(has_persisted && has_published);
        if (event->type <= FSM_EVENT_FAILED)
                assert(has_published); /* whoever waits for the answer is told */
        assert(world->announced_id == 0 || world->announced_id == world->disk_id || world->is_unsaved);
        assert(disk_id == 0 || world->disk_id != 0);
}

/* A deadline that was set is near: the agent comes back in an interval, or in a minute, behind the
 * Master's wish. */
static void check_deadline(const World *world, const FsmEvent *event) {
        const Fsm *fsm = &world->fsm;
        usec_t from = fsm->not_before_usec > event->now_usec ? fsm->not_before_usec : event->now_usec;

        switch (fsm->state) {
        case FSM_REGISTER_WAIT:
                assert(fsm->deadline_usec > event->now_usec);
                assert(fsm->deadline_usec - from <=
                                usec_later(REGISTRATION_PAUSE_MAX_USEC,
                                                FSM_REGISTER_GAP_USEC + fsm->schedule.interval_usec));
                break;
        case FSM_IDLE:
        case FSM_REPORT_WAIT:
                assert(fsm->deadline_usec > event->now_usec);
                assert(fsm->deadline_usec <= from ||
                                fsm->deadline_usec - from <= fsm->schedule.interval_usec);
                break;
        case FSM_STOPPING:
                assert(fsm->deadline_usec == event->now_usec + FSM_STOP_GRACE_USEC);
                break;
        default:
                assert(false);
        }
}

static void check_slots(World *world) {
        usec_t slot = world->fsm.schedule.slot_usec, interval = world->fsm.schedule.interval_usec;

        if (slot == 0)
                return;
        if (!world->has_slot) {
                world->has_slot = true;
                world->slot_usec = slot;
        }
        assert((slot > world->slot_usec ? slot - world->slot_usec : world->slot_usec - slot) % interval ==
                        0);
}

/* A machine that wakes late, perhaps with others, makes no request, unless it is known to be slow. */
static void check_lateness(const World *world, const FsmEvent *event, usec_t deadline, FsmState from,
                const FsmStep *step) {
        usec_t interval = world->fsm.schedule.interval_usec;
        usec_t expected = usec_later(deadline, world->acted_usec);

        if (event->type != FSM_EVENT_TIMER || from == FSM_STOPPING || world->is_at_start ||
                        world->was_probing || event->now_usec <= expected + 2 * USEC_PER_SEC)
                return;

        assert(step->count == 1 && step->actions[0] == ACTION_PUBLISH);
        assert(world->fsm.deadline_usec > event->now_usec);
        assert(world->fsm.deadline_usec - event->now_usec <= interval);
}

/* A changed address made the node wait for a registration, ahead of the slots. */
static void check_hurry(World *world, const FsmEvent *event, const FsmStep *step) {
        if (event->type != FSM_EVENT_ADDRESS_CHANGED || step->count == 0)
                return;

        assert(!world->has_hurried ||
                        event->now_usec - world->hurried_usec >= world->fsm.schedule.interval_usec);
        world->has_hurried = true;
        world->hurried_usec = event->now_usec;
}

static void check_state(World *world, const FsmEvent *event, usec_t deadline_before) {
        const Fsm *fsm = &world->fsm;

        assert(fsm->is_in_flight == world->is_in_flight);
        if (world->has_exited) {
                assert(fsm->state == FSM_STOPPING && !world->is_in_flight);
                assert(fsm->deadline_usec == USEC_INFINITY);
                return;
        }

        assert(world->is_in_flight || fsm->deadline_usec != USEC_INFINITY);
        assert(world->is_in_flight == (fsm->state == FSM_REGISTERING || fsm->state == FSM_REPORTING ||
                                                      fsm->state == FSM_STOPPING));
        if (fsm->deadline_usec != deadline_before && fsm->deadline_usec != USEC_INFINITY)
                check_deadline(world, event);
        if (world->is_in_flight && fsm->state != FSM_STOPPING)
                assert(fsm->state == (world->is_registration ? FSM_REGISTERING : FSM_REPORTING));
        check_slots(world);

        if (world->is_left_alone) {
                usec_t pace = fsm->schedule.interval_usec < USEC_PER_SEC ? fsm->schedule.interval_usec
                                                                         : USEC_PER_SEC;

                assert(world->n_requests <=
                                REQUESTS_PER_SECOND * ((world->now_usec - world->start_usec) / pace + 2));
                assert(world->n_since_deadline <= REQUESTS_PER_DEADLINE);
        }
}

/* Which events bind the Master's wish, and which free from it. */
static void note_wish(World *world, const FsmEvent *event) {
        switch (event->type) {
        case FSM_EVENT_OK:
        case FSM_EVENT_FORGOTTEN:
        case FSM_EVENT_ID_REFUSED:
        case FSM_EVENT_REREGISTER:
        case FSM_EVENT_REPORT:
        case FSM_EVENT_RELOAD:
                world->not_before_usec = 0;
                break;
        case FSM_EVENT_FAILED:
                world->not_before_usec =
                                event->retry_after_usec > 0 ? event->now_usec + event->retry_after_usec : 0;
                /* A person asked while this was in flight. */
                if (world->fsm.want_register == FSM_WANT_DESPITE_RETRY_AFTER)
                        world->not_before_usec = 0;
                break;
        default:
                break;
        }
}

/* The Master's word on the id, by the letter of the contract. */
static void note_refusal(World *world, const FsmEvent *event) {
        if (event->type > FSM_EVENT_FAILED || !world->is_registration)
                return;
        if (event->type == FSM_EVENT_ID_REFUSED && world->is_behind_pause)
                world->n_refusals++;
        else
                world->n_refusals = 0;
}

static bool may_come(const World *world, FsmEventType type) {
        if (type <= FSM_EVENT_FAILED)
                return world->is_in_flight;
        return type != FSM_EVENT_TIMER || world->fsm.deadline_usec != USEC_INFINITY;
}

static void take_event(World *world, FuzzInput *input) {
        uint8_t choice = fuzz_byte(input), flags = fuzz_byte(input);
        FsmEvent event = { .type = choice % _FSM_EVENT_MAX };
        usec_t deadline = world->fsm.deadline_usec;
        FsmState from = world->fsm.state;
        FsmStep step;

        if (flags & 1)
                event.random = fuzz_number(input, 8);
        if (flags & 2)
                world->now_usec += fuzz_number(input, 5);
        if (flags & 4 && event.type == FSM_EVENT_FAILED)
                event.retry_after_usec =
                                fuzz_number(input, 2) % (RETRY_AFTER_MAX_SECONDS + 1) * USEC_PER_SEC;
        world->is_disk_full = flags & 8;

        if (!may_come(world, event.type))
                event.type = world->is_in_flight ? FSM_EVENT_OK : FSM_EVENT_TIMER;
        if (event.type == FSM_EVENT_TIMER && world->now_usec < deadline)
                world->now_usec = deadline;
        if (event.type == FSM_EVENT_TIMER)
                world->n_since_deadline = 0;
        if (event.type > FSM_EVENT_TIMER)
                world->is_left_alone = false;
        event.now_usec = world->now_usec;
        if (flags & 16)
                world->asleep_usec += fuzz_number(input, 4);
        event.asleep_usec = world->asleep_usec;

        note_wish(world, &event);
        note_refusal(world, &event);
        if (event.type <= FSM_EVENT_FAILED)
                world->is_in_flight = false;
        if (event.type <= FSM_EVENT_FAILED && !world->is_registration)
                world->has_cancelled = false;
        world->is_at_start = from == FSM_REGISTER_WAIT && world->n_requests == 0;
        world->was_hurried = world->fsm.is_hurried;
        world->was_probing = world->fsm.late_wake.is_probing;
        fsm_step(&world->fsm, &event, &step);
        check_lateness(world, &event, deadline, from, &step);
        check_hurry(world, &event, &step);
        world_act(world, &event, &step);
        if (step.is_refused)
                assert(world->fsm.state == FSM_STOPPING && step.count == 0);
        check_state(world, &event, deadline);
        if (flags & 32)
                world->now_usec += fuzz_number(input, 4);
        world->acted_usec = world->now_usec;
        fsm_note_acted(&world->fsm, world->acted_usec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        FuzzInput input = { data, size }, events;
        usec_t interval = fuzz_number(&input, 4) * USEC_PER_SEC;
        World world = { .now_usec = 1 + fuzz_number(&input, 6), .is_left_alone = true };

        world.start_usec = world.now_usec;
        world.disk_id = world.memory_id = world.next_id = fuzz_byte(&input) % 2; /* one is stored, or none */
        fsm_init(&world.fsm, interval > 0 ? interval : USEC_PER_SEC, world.now_usec);

        events = input;
        for (unsigned i = 0; i < EVENTS_MAX && events.size > 0 && !world.has_exited; i++) {
                if (input.size == 0)
                        input = events;
                take_event(&world, &input);
        }
        return 0;
}
