/* What is told of each step: to the log, to the bus, to the service manager. Nothing here changes what the
 * agent does. */
#include "agent/manager-private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "sys/log.h"
#include "sys/service-notify.h"
#include "util/macro.h"
#include "util/text.h"

static void set_text(char *array, size_t size, const char *text) {
        text_sanitize_into(array, size, strempty(text), strlen(strempty(text)));
}

#define SET_TEXT(array, text) set_text((array), sizeof(array), (text))

/* ---- the snapshot ---- */

typedef enum AgentState {
        AGENT_REGISTERING,
        AGENT_ONLINE,
        AGENT_RETRYING,
        AGENT_STOPPING,
} AgentState;

static const char *const state_names[] = {
        [AGENT_REGISTERING] = "registering",
        [AGENT_ONLINE] = "online",
        [AGENT_RETRYING] = "retrying",
        [AGENT_STOPPING] = "stopping",
};

static AgentState agent_state(const Fsm *fsm) {
        if (fsm->state == FSM_STOPPING)
                return AGENT_STOPPING;
        if (fsm->failures > 0)
                return AGENT_RETRYING;

        /* A node that is online stays so until its registration fails. */
        return fsm->has_registered ? AGENT_ONLINE : AGENT_REGISTERING;
}

/* Computed once for each deadline: the two clocks drift, and each step would signal another time. */
static void update_next_report(Manager *manager) {
        const Fsm *fsm = &manager->fsm;
        bool is_known = fsm->state == FSM_IDLE || fsm->state == FSM_REPORT_WAIT ||
                        fsm->state == FSM_REGISTER_WAIT; /* the report follows at once */
        usec_t deadline = is_known ? fsm->deadline_usec : 0;

        if (fsm->state == FSM_REPORTING || deadline == manager->announced_deadline_usec)
                return;

        manager->announced_deadline_usec = deadline;
        manager->status.next_report_usec =
                        deadline == 0 ? 0
                                      : now_usec(CLOCK_REALTIME) +
                                                        usec_sub(deadline, now_usec(CLOCK_BOOTTIME));
}

static void update_snapshot(Manager *manager) {
        AgentStatus *status = &manager->status;

        SET_TEXT(status->version, ARGUS_AGENT_VERSION);
        SET_TEXT(status->hostname, manager->config->hostname);
        SET_TEXT(status->health_directory, state_store_health_path(manager->keeper.store));
        SET_TEXT(status->master_endpoint, master_client_endpoint(manager->master)->url);
        SET_TEXT(status->env, manager->identity.env);
        SET_TEXT(status->user, manager->identity.user);
        SET_TEXT(status->instance, manager->identity.instance);
        SET_TEXT(status->identity_source, identity_source_to_string(manager->identity.source));
        SET_TEXT(status->node_id, manager->keeper.node ? manager->keeper.node->id : NULL);
        status->is_registered = manager->fsm.has_registered;
        status->is_state_persisted = manager->keeper.error == 0;
        SET_TEXT(status->state, state_names[agent_state(&manager->fsm)]);
        if (!status->last_report_status[0])
                SET_TEXT(status->last_report_status, "never");
        SET_TEXT(status->address, manager->address.registered);
        status->consecutive_failures = manager->fsm.failures;
        update_next_report(manager);
}

/* ---- STATUS= ---- */

static const char *format_clock(char buffer[static 16], usec_t realtime_usec) {
        time_t seconds = (time_t) (realtime_usec / USEC_PER_SEC);
        struct tm local = {};

        if (!localtime_r(&seconds, &local) || strftime(buffer, 16, "%H:%M:%S", &local) == 0)
                buffer[0] = '\0';
        return buffer;
}

/* When the next try is, in words; it may be under way. */
static const char *format_next_try(char buffer[static 32], const Fsm *fsm) {
        char clock[16];
        usec_t left;

        if (fsm->deadline_usec == USEC_INFINITY)
                return "trying now";

        left = usec_sub(fsm->deadline_usec, now_usec(CLOCK_BOOTTIME));
        (void) snprintf(buffer, 32, "next try at %s", format_clock(clock, now_usec(CLOCK_REALTIME) + left));
        return buffer;
}

static void notify_service_manager(const Manager *manager) {
        const AgentStatus *status = &manager->status;
        const char *unsaved = status->is_state_persisted ? "" : "; STATE NOT SAVED: ";
        const char *why = status->is_state_persisted ? "" : state_store_error_text(manager->keeper.error);
        char clock[16], next[32];

        switch (agent_state(&manager->fsm)) {
        case AGENT_REGISTERING:
                service_notify_status("Registering at %s%s%s", status->master_endpoint, unsaved, why);
                break;
        case AGENT_ONLINE:
                if (status->last_report_usec == 0)
                        service_notify_status("Online as %s at %s; first report under way%s%s",
                                        status->node_id, status->master_endpoint, unsaved, why);
                else
                        service_notify_status("Online as %s at %s; last report %" PRIu32 " at %s%s%s",
                                        status->node_id, status->master_endpoint,
                                        status->last_report_http_status,
                                        format_clock(clock, status->last_report_usec), unsaved, why);
                break;
        case AGENT_RETRYING:
                service_notify_status("Retrying at %s, %" PRIu32 " failed; %s; last error: %s%s%s",
                                manager->failed_endpoint ? manager->failed_endpoint
                                                         : status->master_endpoint,
                                status->consecutive_failures, format_next_try(next, &manager->fsm),
                                status->last_report_error, unsaved, why);
                break;
        case AGENT_STOPPING:
                service_notify_status("Stopping");
                break;
        }
}

void announce_status(Manager *manager) {
        update_snapshot(manager);
        notify_service_manager(manager);
        if (manager->bus_api)
                bus_api_publish(manager->bus_api);
}

void announce_clock(void *userdata) {
        Manager *manager = userdata;

        manager->announced_deadline_usec = USEC_INFINITY; /* no deadline equals this: compute it anew */
        announce_status(manager);
}

/* ---- replies ---- */

static LogFields reply_fields(const Manager *manager) {
        const MasterReply *reply = manager->reply;

        return (LogFields){
                .node_id = manager->keeper.node ? manager->keeper.node->id : NULL,
                .endpoint = reply->endpoint,
                .http_status = reply->outcome->http_status,
                .duration_usec = reply->duration_usec,
        };
}

/* An outage says its first failure and then one line every ten minutes; the others are for debugging. */
static void log_failure(Manager *manager, LogEvent event, const char *what) {
        const Fsm *fsm = &manager->fsm;
        usec_t now = now_usec(CLOCK_BOOTTIME);
        LogFields fields = reply_fields(manager);
        char pause[SPAN_SIZE];
        int level = log_policy_failed(&manager->outage, now) ? LOG_WARNING : LOG_DEBUG;

        manager->failed_endpoint = manager->reply->endpoint;
        fields.attempt = manager->outage.attempts;
        if (manager->is_once)
                level = LOG_ERR;
        if (manager->is_once || fsm->deadline_usec == USEC_INFINITY || fsm->state == FSM_STOPPING) {
                log_event(level, event, &fields, "%s failed: %s", what, manager->reply->outcome->error);
                return;
        }

        fields.retry_usec = usec_sub(fsm->deadline_usec, now);
        log_event(level, event, &fields, "%s failed: %s; retrying in %s%s.", what,
                        manager->reply->outcome->error, format_span(pause, fields.retry_usec),
                        fsm->not_before_usec > now ? " (Retry-After)" : "");
}

static OperationResult failure_of(const Outcome *outcome) {
        return outcome->transport == TRANSPORT_ANSWERED ? OPERATION_REJECTED : OPERATION_UNREACHABLE;
}

static void announce_registered(Manager *manager) {
        AgentStatus *status = &manager->status;
        LogFields fields = reply_fields(manager);
        bool is_first = !status->is_registered;
        /* A Master that accepts registrations but no reports causes one per report: already logged. */
        bool is_noise = !is_first && manager->outage.attempts > 0 && !manager->registration_error[0];
        char node_id[sizeof status->node_id]; /* as the one before is kept: made safe to show */

        SET_TEXT(node_id, manager->keeper.node->id);
        status->registrations++;
        status->last_registration_usec = now_usec(CLOCK_REALTIME);
        manager->registration_error[0] = '\0';
        SET_TEXT(status->last_report_error, manager->report_error);

        if (status->node_id[0] && !streq(status->node_id, node_id))
                log_event(LOG_WARNING, LOG_EVENT_ID_REPLACED, &fields,
                                "The Master replaced the node's id %s by %s%s.", status->node_id, node_id,
                                manager->is_id_refused    ? ": it does not know the old one"
                                : manager->is_found_asked ? ": a node.json turned up with that id"
                                                          : "");
        manager->is_id_refused = false;

        log_event(is_noise ? LOG_DEBUG : LOG_NOTICE, LOG_EVENT_REGISTERED, &fields,
                        "%s as %s at %s with address %s.", is_first ? "Registered" : "Registered again",
                        node_id, fields.endpoint,
                        manager->address.registered[0] ? manager->address.registered : "none");
        bus_api_complete_reregister(manager->bus_api, OPERATION_OK, node_id);
}

static void announce_not_registered(Manager *manager) {
        const Outcome *outcome = manager->reply->outcome;

        SET_TEXT(manager->registration_error, outcome->error);
        /* Whoever asks why nothing is reported looks there. */
        (void) snprintf(manager->status.last_report_error, sizeof manager->status.last_report_error,
                        "registration failed: %.*s", (int) sizeof manager->status.last_report_error - 32,
                        outcome->error);
        log_failure(manager, LOG_EVENT_REGISTER_FAILED, "Registration");
        bus_api_complete_reregister(manager->bus_api, failure_of(outcome), outcome->error);
        /* A report that was asked for would have followed. */
        bus_api_complete_report(manager->bus_api,
                        manager->fsm.has_registered ? failure_of(outcome) : OPERATION_NOT_REGISTERED,
                        outcome->http_status, outcome->error);
}

static void announce_id_given_up(Manager *manager) {
        const Node *found = manager->keeper.found;

        /* Only debug: the outcome is logged as a replaced id, a file set aside, or a failure. */
        log_line(LOG_DEBUG, "The Master refuses the id %s again (%u): registering %s.",
                        found ? found->id_json : manager->keeper.node->id_json,
                        manager->reply->outcome->http_status, found ? "with this node's own" : "without it");
}

static void announce_report(Manager *manager) {
        const Outcome *outcome = manager->reply->outcome;
        AgentStatus *status = &manager->status;

        if (manager->fsm.is_forgotten) /* no failure: that is said of the report behind the registration */
                return;

        status->last_report_usec = now_usec(CLOCK_REALTIME);
        status->last_report_http_status = outcome->http_status;
        SET_TEXT(manager->report_error, outcome->error);
        SET_TEXT(status->last_report_error, outcome->error);
        if (outcome->class == OUTCOME_OK) {
                SET_TEXT(status->last_report_status, "success");
                status->last_successful_report_usec = status->last_report_usec;
                status->reports_succeeded++;
        } else {
                SET_TEXT(status->last_report_status, "failed");
                status->reports_failed++;
        }
}

static void announce_report_ok(Manager *manager) {
        const Outcome *outcome = manager->reply->outcome;
        LogFields fields = reply_fields(manager);
        char span[SPAN_SIZE];
        usec_t duration;

        if (log_policy_succeeded(&manager->outage, now_usec(CLOCK_BOOTTIME), &duration, &fields.attempt)) {
                fields.duration_usec = duration;
                log_event(LOG_NOTICE, LOG_EVENT_REPORT_RECOVERED, &fields,
                                "Reports are accepted%s after %s and %" PRIu64 " failed %s.",
                                manager->status.reports_succeeded > 1 ? " again" : "",
                                format_span(span, duration), fields.attempt,
                                fields.attempt == 1 ? "attempt" : "attempts");
        } else
                log_event(LOG_INFO, LOG_EVENT_REPORT_OK, &fields, "Report accepted (%u) in %s.",
                                outcome->http_status, format_span(span, fields.duration_usec));

        bus_api_complete_report(manager->bus_api, OPERATION_OK, outcome->http_status, "");
}

static void announce_report_failed(Manager *manager) {
        const Outcome *outcome = manager->reply->outcome;
        LogFields fields = reply_fields(manager);

        if (manager->fsm.is_forgotten) {
                log_event(manager->outage.attempts > 0 ? LOG_DEBUG : LOG_WARNING, LOG_EVENT_NODE_FORGOTTEN,
                                &fields, "Node %s is not known any more: %s; registering again.",
                                manager->keeper.node->id, outcome->error);
                return; /* callers wait for the report that follows */
        }

        log_failure(manager, LOG_EVENT_REPORT_FAILED, "Report");
        bus_api_complete_report(manager->bus_api, failure_of(outcome), outcome->http_status, outcome->error);
}

static void announce_transport(Manager *manager) {
        LogFields fields = reply_fields(manager);

        if (manager->reply->secret_reloaded)
                log_event(LOG_NOTICE, LOG_EVENT_SECRET_RELOADED, &fields,
                                "Token or certificate files were replaced; the new ones are used.");
        if (manager->reply->endpoint_changed)
                log_event(LOG_WARNING, LOG_EVENT_ENDPOINT_CHANGED, &fields, "The Master answers at %s now.",
                                fields.endpoint);
}

/* Why nothing is sent for a while after a resume. The deadline that was missed is the one announced last. */
static void announce_put_off(const Manager *manager) {
        const Fsm *fsm = &manager->fsm;
        usec_t now = now_usec(CLOCK_BOOTTIME);
        const char *what = fsm->state == FSM_REGISTER_WAIT ? "next registration" : "next report";
        char late[SPAN_SIZE], pause[SPAN_SIZE];

        if (!fsm->late_wake.is_put_off || fsm->state == FSM_STOPPING ||
                        fsm->deadline_usec == manager->announced_deadline_usec)
                return;

        (void) format_span(pause, usec_sub(fsm->deadline_usec, now));
        if (usec_sub(now, manager->announced_deadline_usec) <= fsm_timer_accuracy(fsm) + LATE_WAKE_USEC)
                log_line(LOG_INFO, "The machine is awake again; %s in %s.", what, pause);
        else
                log_line(LOG_INFO, "Woke up %s late, after a suspend or under overload; %s in %s.",
                                format_span(late, usec_sub(now, manager->announced_deadline_usec)),
                                fsm->late_wake.is_probing ? "deciding which" : what, pause);
}

void announce_reply(Manager *manager) {
        const MasterReply *reply = manager->reply;

        if (manager->fsm.state == FSM_STOPPING) {
                bus_api_complete_reregister(manager->bus_api, OPERATION_STOPPING, "the agent is stopping");
                if (!reply)
                        bus_api_complete_report(
                                        manager->bus_api, OPERATION_STOPPING, 0, "the agent is stopping");
        }
        if (!reply) {
                announce_put_off(manager);
                return;
        }

        announce_transport(manager);

        if (reply->kind == REQUEST_REPORT) {
                if (reply->outcome->http_status == 413)
                        reporting_explain_size(manager, reply->outcome);
                announce_report(manager);
                if (reply->outcome->class == OUTCOME_OK)
                        announce_report_ok(manager);
                else
                        announce_report_failed(manager);
                return;
        }

        if (reply->outcome->class == OUTCOME_OK)
                announce_registered(manager);
        else if (manager->fsm.is_without_id)
                announce_id_given_up(manager);
        else
                announce_not_registered(manager);
}

/* ---- the state on disk ---- */

void announce_saved(Manager *manager) {
        int error = manager->keeper.error, announced = manager->announced_save_error;
        LogFields fields = {
                .node_id = manager->keeper.node ? manager->keeper.node->id : NULL,
                .error = -error,
        };

        /* Once for an outage: a disk that dies says now this and now that. STATUS= has the newest. */
        if (error < 0 && announced != error)
                log_event(announced < 0 ? LOG_DEBUG : LOG_ERR, LOG_EVENT_STATE_UNWRITABLE, &fields,
                                "Cannot save the node object under %s: %s. Going on from memory; a restart now "
                                "would lose what is new. Tried again at every report.",
                                state_store_path(manager->keeper.store), state_store_error_text(error));
        else if (error == 0 && announced < 0)
                log_event(LOG_NOTICE, LOG_EVENT_STATE_RECOVERED, &fields,
                                "The node object is saved under %s again.",
                                state_store_path(manager->keeper.store));

        manager->announced_save_error = error;
}
