/* SPDX-License-Identifier: MIT */
#include "agent/manager.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <syslog.h>

#include "agent/manager-private.h"
#include "sys/log.h"
#include "sys/service-notify.h"
#include "sys/event-timer.h"
#include "util/macro.h"

static uint64_t random_bits(void) {
        uint64_t bits = 0;

        /* Fails only early in a boot without entropy; then the clock spreads a fleet well enough. */
        if (getrandom(&bits, sizeof bits, GRND_NONBLOCK) != (ssize_t) sizeof bits)
                bits = now_usec(CLOCK_REALTIME) * UINT64_C(0x9E3779B97F4A7C15);
        return bits;
}

/* ---- the machine's address ---- */

static void on_net_changed(void *userdata) {
        Manager *manager = userdata;

        if (!local_address_changed(
                            &manager->address, manager->config, master_client_endpoint(manager->master)))
                return;

        /* Connections from the old address would hang until their timeout. */
        master_client_drop_connections(manager->master);
        (void) manager_step(manager, FSM_EVENT_ADDRESS_CHANGED);
}

/* ---- requests ---- */

static void manager_cancel(Manager *manager) {
        health_cancel_report(manager->health);
        master_client_cancel(manager->master);
}

/* ---- what is told ---- */

AgentFacts manager_facts(const Manager *manager) {
        return (AgentFacts){
                .fsm = &manager->fsm,
                .identity = &manager->identity,
                .endpoint = master_client_endpoint(manager->master)->url,
                .address = manager->address.registered,
                .node = manager->keeper.node,
                .found = manager->keeper.found,
                .is_found_asked = manager->is_found_asked,
                .save_error = manager->keeper.error,
        };
}

static void on_clock_set(void *userdata) {
        Manager *manager = userdata;

        announcer_clock_set(manager->announcer, manager_facts(manager));
}

/* ---- the state machine ---- */

static void manager_do(Manager *manager, FsmAction action) {
        switch (action) {
        case ACTION_REGISTER:
                manager_register(manager);
                break;
        case ACTION_REGISTER_WITHOUT_ID:
                manager_give_up_id(manager);
                break;
        case ACTION_REPORT:
                health_collect(manager->health, HEALTH_FOR_REPORT);
                break;
        case ACTION_CANCEL:
                manager_cancel(manager);
                break;
        case ACTION_PERSIST:
                manager_persist(manager);
                break;
        case ACTION_PUBLISH:
                announcer_step(manager->announcer, manager_facts(manager), manager->reply);
                announcer_publish(manager->announcer, manager_facts(manager));
                break;
        case ACTION_EXIT:
                (void) sd_event_exit(manager->event, 0);
                break;
        }
}

static void manager_arm(Manager *manager) {
        (void) sd_event_source_set_time_accuracy(manager->timer, fsm_timer_accuracy(&manager->fsm));
        event_timer_arm(manager->timer, manager->fsm.deadline_usec);
}

bool manager_step(Manager *manager, FsmEventType type) {
        usec_t now = now_usec(CLOCK_BOOTTIME);
        FsmEvent event = {
                .type = type,
                .now_usec = now,
                .asleep_usec = usec_sub(now, now_usec(CLOCK_MONOTONIC)),
                .random = random_bits(),
                .retry_after_usec = manager->reply ? manager->reply->outcome->retry_after_usec : 0,
        };
        FsmStep step;

        fsm_step(&manager->fsm, &event, &step);
        log_line(LOG_DEBUG, "Event %s: state %s.", fsm_event_to_string(type),
                        fsm_state_to_string(manager->fsm.state));
        manager_arm(manager);
        for (size_t i = 0; i < step.count; i++)
                manager_do(manager, step.actions[i]);

        return !step.is_refused;
}

static int on_timer(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        (void) manager_step(userdata, FSM_EVENT_TIMER);
        return 0;
}

/* The loop is about to wait. A deadline that came while it worked is late because of that work, not because
 * the machine slept. SIGCONT ends a wait without an event (EINTR): then the loop's time has not moved. */
static int on_about_to_wait(sd_event_source *source _unused_, void *userdata) {
        Manager *manager = userdata;
        usec_t woke;

        if (sd_event_now(manager->event, CLOCK_BOOTTIME, &woke) != 0 || woke == manager->woke_usec)
                return 0;

        manager->woke_usec = woke;
        if (woke <= manager->fsm.deadline_usec)
                fsm_note_acted(&manager->fsm, now_usec(CLOCK_BOOTTIME));
        return 0;
}

/* After a pause of the machine, the timer must be dispatched before any other event. */
static int manager_add_timer(Manager *manager) {
        int r;

        r = event_timer_new(manager->event, CLOCK_BOOTTIME, 1, on_timer, manager, &manager->timer);
        if (r >= 0)
                r = sd_event_source_set_priority(manager->timer, SD_EVENT_PRIORITY_IMPORTANT);
        if (r >= 0)
                r = sd_event_source_set_prepare(manager->timer, on_about_to_wait);
        if (r < 0)
                return r;
        fsm_init(&manager->fsm, manager->config->report_interval_usec, now_usec(CLOCK_BOOTTIME));
        manager_arm(manager);
        return 0;
}

/* --once ends with a report that was accepted and leaves nothing to correct, or with the first failure. */
static void manager_end_once(Manager *manager, const MasterReply *reply) {
        if (manager->fsm.is_in_flight)
                return;

        if (reply->kind == REQUEST_REPORT && reply->outcome->class == OUTCOME_OK)
                manager->exit_code = 0;
        (void) manager_step(manager, FSM_EVENT_STOP);
}

static void on_master_reply(const MasterReply *reply, void *userdata) {
        static const FsmEventType events[] = {
                [OUTCOME_OK] = FSM_EVENT_OK,
                [OUTCOME_FORGOTTEN] = FSM_EVENT_FORGOTTEN,
                [OUTCOME_ID_REFUSED] = FSM_EVENT_ID_REFUSED,
                [OUTCOME_FAILED] = FSM_EVENT_FAILED,
        };
        Manager *manager = userdata;
        bool is_address_other, is_outdated;

        is_address_other = local_address_learn(&manager->address, manager->config, reply->local_address,
                        reply->remote_address, now_usec(CLOCK_BOOTTIME));

        buffer_done(&manager->body); /* it may be large, and what is read for the next one too */

        manager->reply = reply;
        if (reply->kind == REQUEST_REPORT && reply->outcome->http_status == 413)
                reporting_explain_size(manager, reply->outcome);
        /* Persisted is what was accepted; but a disk may be mended while the Master is away. */
        if (reply->outcome->class != OUTCOME_OK)
                manager_persist(manager);
        (void) manager_step(manager, events[reply->outcome->class]);
        manager->reply = NULL;

        /* An attempt of --once that failed is not followed by another. */
        is_outdated = is_address_other || (!manager->is_once && manager_has_other_id(manager));
        if (is_outdated && (!manager->is_once || reply->outcome->class == OUTCOME_OK))
                (void) manager_step(manager, FSM_EVENT_OUTDATED);
        if (manager->is_once)
                manager_end_once(manager, reply);
}

/* ---- signals ---- */

static int on_stop_signal(
                sd_event_source *source _unused_, const struct signalfd_siginfo *info, void *userdata) {
        log_event(LOG_NOTICE, LOG_EVENT_STOPPING, NULL, "Stopping on signal %s.",
                        info->ssi_signo == SIGINT ? "INT" : "TERM");
        service_notify_stopping();
        (void) manager_step(userdata, FSM_EVENT_STOP);
        return 0;
}

static int on_reload_signal(sd_event_source *source _unused_, const struct signalfd_siginfo *info _unused_,
                void *userdata) {
        Manager *manager = userdata;

        if (manager->fsm.state == FSM_STOPPING)
                return 0;

        /* The end of a reload is said with READY=1, which must not be said for the start. */
        if (manager->is_ready)
                service_notify_reloading();
        log_event(LOG_NOTICE, LOG_EVENT_REREGISTER, &(LogFields){ .node_id = manager_node_id(manager) },
                        "Reloading: secrets are read again and the node registers again. The environment of a running "
                        "process cannot change: restart for new settings.");
        (void) manager_step(manager, FSM_EVENT_RELOAD);
        if (manager->is_ready)
                service_notify_ready();
        return 0;
}

/* ---- life ---- */

static int manager_add_signals(Manager *manager) {
        static const struct {
                int number;
                sd_event_signal_handler_t handler;
        } signals[] = {
                { SIGTERM, on_stop_signal },
                { SIGINT, on_stop_signal },
                { SIGHUP, on_reload_signal },
        };
        int r;

        for (size_t i = 0; i < ELEMENTSOF(signals); i++) {
                r = sd_event_add_signal(
                                manager->event, NULL, signals[i].number, signals[i].handler, manager);
                if (r < 0)
                        return r;
        }

        return 0;
}

static int manager_build(Manager *manager) {
        int r;

        r = sd_event_default(&manager->event);
        if (r >= 0)
                r = service_notify_attach(manager->event);
        if (r >= 0)
                r = manager_add_signals(manager);
        if (r >= 0)
                r = master_client_new(
                                manager->event, manager->config, on_master_reply, manager, &manager->master);
        if (r >= 0)
                r = manager_add_timer(manager);
        if (r < 0)
                return r;

        r = net_watch_new(manager->event, on_net_changed, manager, &manager->net_watch);
        if (r < 0)
                log_line(LOG_WARNING, "Changes of addresses are only seen at the next connection: %s",
                                strerror(-r));

        r = clock_watch_new(manager->event, on_clock_set, manager, &manager->clock_watch);
        if (r < 0)
                return r;

        r = manager_start_health(manager);
        if (r < 0)
                return r;

        (void) host_info_machine_id(manager->machine_id);
        announcer_publish(manager->announcer, manager_facts(manager));
        return manager_start_bus(manager);
}

int manager_new(const Config *config, ManagerStart *start, Manager **ret) {
        Manager *manager;
        int r;

        assert(config);
        assert(start);
        assert(ret);

        manager = calloc(1, sizeof *manager);
        if (!manager)
                return -ENOMEM;

        manager->config = config;
        manager->identity = start->identity;
        start->identity = (Identity){};
        node_keeper_init(&manager->keeper, config->hostname, TAKE_PTR(start->store), TAKE_PTR(start->node),
                        start->lock_error, now_usec(CLOCK_BOOTTIME));
        manager->is_once = start->is_once;
        manager->exit_code = start->is_once ? 1 : 0; /* until the Master has accepted it */

        manager->announcer = announcer_new(config->hostname, state_store_path(manager->keeper.store),
                        state_store_health_path(manager->keeper.store), start->is_once, start->lock_error);

        r = manager->announcer ? manager_build(manager) : -ENOMEM;
        if (r < 0) {
                manager_free(manager);
                return r;
        }

        *ret = manager;
        return 0;
}

int manager_run(Manager *manager) {
        int r;

        assert(manager);

        r = sd_event_loop(manager->event);
        if (r < 0)
                return r;

        if (node_keeper_flush(&manager->keeper, now_usec(CLOCK_BOOTTIME)))
                announcer_saved(manager->announcer, manager_facts(manager));
        return manager->exit_code;
}

Manager *manager_free(Manager *manager) {
        if (!manager)
                return NULL;

        if (manager->master)
                master_client_cancel(manager->master);
        health_free(manager->health);
        bus_free(manager->bus);
        net_watch_free(manager->net_watch);
        clock_watch_free(manager->clock_watch);
        announcer_free(manager->announcer);
        master_client_free(manager->master);
        sd_event_source_disable_unref(manager->timer);
        sd_event_source_disable_unref(manager->ready_timer);
        service_notify_detach();
        sd_event_unref(manager->event);
        identity_done(&manager->identity);
        node_keeper_done(&manager->keeper);
        buffer_done(&manager->body);
        free(manager);
        return NULL;
}
