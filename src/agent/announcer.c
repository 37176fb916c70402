/* SPDX-License-Identifier: MIT */
#include "agent/announcer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "core/log-policy.h"
#include "sys/log.h"
#include "sys/service-notify.h"
#include "sys/state-store.h"
#include "util/macro.h"
#include "util/text.h"

struct Announcer {
        const char *state_path;
        bool is_once;
        Bus *bus;
        bool was_on_bus;

        AgentStatus status;
        usec_t deadline_usec; /* boot time of what status.next_report_usec says */

        OutageLogLimit outage;
        const char *failed_endpoint;           /* that the last failure is from */
        char report_error[OUTCOME_ERROR_SIZE]; /* of the last report; empty if it went well */
        bool has_registration_failed;          /* the last one */
        bool is_id_refused;                    /* the Master refused the id, and has not given another yet */

        int save_error; /* that was logged last */
};

static void set_text(char *array, size_t size, const char *text) {
        text_sanitize_into(array, size, strempty(text), strlen(strempty(text)));
}

#define SET_TEXT(array, text) set_text((array), sizeof(array), (text))

/* ---- the snapshot ---- */

static const char *agent_state(const Fsm *fsm) {
        if (fsm->state == FSM_STOPPING)
                return "stopping";
        if (fsm->failures > 0)
                return "retrying";

        /* A node that is online stays so until its registration fails. */
        return fsm->has_registered ? "online" : "registering";
}

/* Computed once for each deadline: the two clocks drift, and each step would signal another time. */
static void update_next_report(Announcer *announcer, const Fsm *fsm) {
        bool is_known = fsm->state == FSM_IDLE || fsm->state == FSM_REPORT_WAIT ||
                        fsm->state == FSM_REGISTER_WAIT; /* the report follows at once */
        usec_t deadline = is_known ? fsm->deadline_usec : 0;

        if (fsm->state == FSM_REPORTING || deadline == announcer->deadline_usec)
                return;

        announcer->deadline_usec = deadline;
        announcer->status.next_report_usec =
                        deadline == 0 ? 0
                                      : now_usec(CLOCK_REALTIME) +
                                                        usec_sub(deadline, now_usec(CLOCK_BOOTTIME));
}

static void update_status(Announcer *announcer, const AgentFacts *facts) {
        AgentStatus *status = &announcer->status;

        SET_TEXT(status->master_endpoint, facts->endpoint);
        SET_TEXT(status->env, facts->identity->env);
        SET_TEXT(status->user, facts->identity->user);
        SET_TEXT(status->instance, facts->identity->instance);
        SET_TEXT(status->identity_source, identity_source_to_string(facts->identity->source));
        SET_TEXT(status->node_id, facts->node ? facts->node->id : NULL);
        status->is_registered = facts->fsm->has_registered;
        status->is_state_persisted = facts->save_error == 0;
        SET_TEXT(status->state, agent_state(facts->fsm));
        SET_TEXT(status->address, facts->address);
        status->consecutive_failures = facts->fsm->failures;
        update_next_report(announcer, facts->fsm);
}

/* ---- STATUS= ---- */

static const char *format_clock(char buffer[static 16], usec_t realtime_usec) {
        time_t seconds = (time_t) (realtime_usec / USEC_PER_SEC);
        struct tm local = {};

        if (!localtime_r(&seconds, &local) || strftime(buffer, 16, "%H:%M:%S", &local) == 0)
                buffer[0] = '\0';
        return buffer;
}

static void notify_service_manager(const Announcer *announcer, const AgentFacts *facts) {
        const AgentStatus *status = &announcer->status;
        bool is_waiting = facts->fsm->deadline_usec != USEC_INFINITY; /* for the next attempt */
        char unsaved[128] = "", clock[16];

        if (facts->save_error != 0)
                (void) snprintf(unsaved, sizeof unsaved, "; STATE NOT SAVED: %s",
                                state_store_error_text(facts->save_error));

        if (facts->fsm->state == FSM_STOPPING)
                service_notify_status("Stopping");
        else if (facts->fsm->failures > 0)
                service_notify_status("Retrying at %s, %" PRIu32 " failed; %s%s; last error: %s%s",
                                announcer->failed_endpoint ?: status->master_endpoint,
                                status->consecutive_failures, is_waiting ? "next try at " : "trying now",
                                is_waiting ? format_clock(clock, status->next_report_usec) : "",
                                status->last_report_error, unsaved);
        else if (!facts->fsm->has_registered)
                service_notify_status("Registering at %s%s", status->master_endpoint, unsaved);
        else if (status->last_report_usec == 0)
                service_notify_status("Online as %s at %s; first report under way%s", status->node_id,
                                status->master_endpoint, unsaved);
        else
                service_notify_status("Online as %s at %s; last report %" PRIu32 " at %s%s", status->node_id,
                                status->master_endpoint, status->last_report_http_status,
                                format_clock(clock, status->last_report_usec), unsaved);
}

void announcer_publish(Announcer *announcer, AgentFacts facts) {
        update_status(announcer, &facts);
        notify_service_manager(announcer, &facts);
        bus_publish(announcer->bus, &announcer->status);
}

void announcer_clock_set(Announcer *announcer, AgentFacts facts) {
        announcer->deadline_usec = USEC_INFINITY; /* no deadline equals this: it is computed anew */
        announcer_publish(announcer, facts);
}

/* ---- replies ---- */

static LogFields reply_fields(const AgentFacts *facts, const MasterReply *reply) {
        return (LogFields){
                .node_id = facts->node ? facts->node->id : NULL,
                .endpoint = reply->endpoint,
                .http_status = reply->outcome->http_status,
                .duration_usec = reply->duration_usec,
        };
}

/* The first failure of an outage, and then one every ten minutes; the others are for debugging. */
static void log_failure(Announcer *announcer, const AgentFacts *facts, const MasterReply *reply,
                LogEvent event, const char *what) {
        const Fsm *fsm = facts->fsm;
        usec_t now = now_usec(CLOCK_BOOTTIME);
        LogFields fields = reply_fields(facts, reply);
        char pause[SPAN_SIZE];
        int level = outage_log_failed(&announcer->outage, now) ? LOG_WARNING : LOG_DEBUG;

        announcer->failed_endpoint = reply->endpoint;
        fields.attempt = announcer->outage.attempts;
        if (announcer->is_once)
                level = LOG_ERR;
        if (announcer->is_once || fsm->deadline_usec == USEC_INFINITY || fsm->state == FSM_STOPPING) {
                log_event(level, event, &fields, "%s failed: %s", what, reply->outcome->error);
                return;
        }

        fields.retry_usec = usec_sub(fsm->deadline_usec, now);
        log_event(level, event, &fields, "%s failed: %s; retrying in %s%s.", what, reply->outcome->error,
                        format_span(pause, fields.retry_usec),
                        fsm->not_before_usec > now ? " (Retry-After)" : "");
}

static OperationResult failure_of(const Outcome *outcome) {
        return outcome->transport == TRANSPORT_ANSWERED ? OPERATION_REJECTED : OPERATION_UNREACHABLE;
}

static void announce_registered(Announcer *announcer, const AgentFacts *facts, const MasterReply *reply) {
        AgentStatus *status = &announcer->status;
        LogFields fields = reply_fields(facts, reply);
        bool is_first = !status->is_registered;
        /* A Master that accepts registrations but no reports causes one per report: already logged. */
        bool is_noise = !is_first && announcer->outage.attempts > 0 && !announcer->has_registration_failed;
        char node_id[sizeof status->node_id]; /* as the one before is kept: made safe to show */

        SET_TEXT(node_id, fields.node_id);
        status->registrations++;
        status->last_registration_usec = now_usec(CLOCK_REALTIME);
        announcer->has_registration_failed = false;
        SET_TEXT(status->last_report_error, announcer->report_error);

        if (status->node_id[0] && !streq(status->node_id, node_id))
                log_event(LOG_WARNING, LOG_EVENT_ID_REPLACED, &fields,
                                "The Master replaced the node's id %s by %s%s.", status->node_id, node_id,
                                announcer->is_id_refused ? ": it does not know the old one"
                                : facts->is_found_asked  ? ": a node.json with that id appeared"
                                                         : "");
        announcer->is_id_refused = false;

        log_event(is_noise ? LOG_DEBUG : LOG_NOTICE, LOG_EVENT_REGISTERED, &fields,
                        "%s as %s at %s with address %s.", is_first ? "Registered" : "Registered again",
                        node_id, fields.endpoint, facts->address[0] ? facts->address : "none");
        bus_complete(announcer->bus, METHOD_REREGISTER, OPERATION_OK, 0, node_id);
}

static void announce_not_registered(
                Announcer *announcer, const AgentFacts *facts, const MasterReply *reply) {
        const Outcome *outcome = reply->outcome;

        announcer->has_registration_failed = true;
        /* Whoever asks why nothing is reported looks there. */
        (void) snprintf(announcer->status.last_report_error, sizeof announcer->status.last_report_error,
                        "registration failed: %.*s", (int) sizeof announcer->status.last_report_error - 32,
                        outcome->error);
        log_failure(announcer, facts, reply, LOG_EVENT_REGISTER_FAILED, "Registration");
        bus_complete(announcer->bus, METHOD_REREGISTER, failure_of(outcome), 0, outcome->error);
        /* A report that was requested would have followed. */
        bus_complete(announcer->bus, METHOD_REPORT,
                        facts->fsm->has_registered ? failure_of(outcome) : OPERATION_NOT_REGISTERED,
                        outcome->http_status, outcome->error);
}

static void announce_id_given_up(Announcer *announcer, const AgentFacts *facts, const MasterReply *reply) {
        const Node *refused = facts->found ? facts->found : facts->node;

        announcer->is_id_refused = !facts->found;
        /* Only debug: the outcome is logged as a replaced id, a file set aside, or a failure. */
        log_line(LOG_DEBUG, "The Master refuses the id %s again (%u); registering %s.",
                        refused ? refused->id_json : "", reply->outcome->http_status,
                        facts->found ? "with this node's own" : "without it");
}

static void log_report_ok(Announcer *announcer, const AgentFacts *facts, const MasterReply *reply) {
        LogFields fields = reply_fields(facts, reply);
        char span[SPAN_SIZE];
        usec_t duration;

        if (!outage_log_succeeded(
                            &announcer->outage, now_usec(CLOCK_BOOTTIME), &duration, &fields.attempt)) {
                log_event(LOG_INFO, LOG_EVENT_REPORT_OK, &fields, "Report accepted (%u) in %s.",
                                reply->outcome->http_status, format_span(span, fields.duration_usec));
                return;
        }

        fields.duration_usec = duration;
        log_event(LOG_NOTICE, LOG_EVENT_REPORT_RECOVERED, &fields,
                        "Reports are accepted%s after %s and %" PRIu64 " failed %s.",
                        announcer->status.reports_succeeded > 1 ? " again" : "", format_span(span, duration),
                        fields.attempt, fields.attempt == 1 ? "attempt" : "attempts");
}

static void announce_report(Announcer *announcer, const AgentFacts *facts, const MasterReply *reply) {
        const Outcome *outcome = reply->outcome;
        AgentStatus *status = &announcer->status;

        status->last_report_usec = now_usec(CLOCK_REALTIME);
        status->last_report_http_status = outcome->http_status;
        SET_TEXT(announcer->report_error, outcome->error);
        SET_TEXT(status->last_report_error, outcome->error);

        if (outcome->class == OUTCOME_OK) {
                SET_TEXT(status->last_report_status, "success");
                status->last_successful_report_usec = status->last_report_usec;
                status->reports_succeeded++;
                log_report_ok(announcer, facts, reply);
                bus_complete(announcer->bus, METHOD_REPORT, OPERATION_OK, outcome->http_status, NULL);
        } else {
                SET_TEXT(status->last_report_status, "failed");
                status->reports_failed++;
                log_failure(announcer, facts, reply, LOG_EVENT_REPORT_FAILED, "Report");
                bus_complete(announcer->bus, METHOD_REPORT, failure_of(outcome), outcome->http_status,
                                outcome->error);
        }
}

/* Why nothing is sent for a while after a resume. The deadline that was missed is the one announced last. */
static void announce_put_off(const Announcer *announcer, const Fsm *fsm) {
        usec_t now = now_usec(CLOCK_BOOTTIME), late_usec = usec_sub(now, announcer->deadline_usec);
        const char *what = fsm->state == FSM_REGISTER_WAIT ? "next registration" : "next report";
        char late[SPAN_SIZE], pause[SPAN_SIZE];

        if (!fsm->late_wake.is_put_off || fsm->state == FSM_STOPPING ||
                        fsm->deadline_usec == announcer->deadline_usec)
                return;

        (void) format_span(pause, usec_sub(fsm->deadline_usec, now));
        if (late_usec <= fsm_timer_accuracy(fsm) + LATE_WAKE_USEC)
                log_line(LOG_INFO, "The machine is awake again; %s in %s.", what, pause);
        else
                log_line(LOG_INFO, "Woke up %s late, after a suspend or under overload; %s in %s.",
                                format_span(late, late_usec),
                                fsm->late_wake.is_probing ? "deciding which" : what, pause);
}

static void announce_response(Announcer *announcer, const AgentFacts *facts, const MasterReply *reply) {
        LogFields fields = reply_fields(facts, reply);

        if (reply->secret_reloaded)
                log_event(LOG_NOTICE, LOG_EVENT_SECRET_RELOADED, &fields,
                                "Token or certificate files were replaced; the new ones are used.");
        if (reply->endpoint_changed)
                log_event(LOG_WARNING, LOG_EVENT_ENDPOINT_CHANGED, &fields, "The Master now responds at %s.",
                                fields.endpoint);

        if (reply->kind == REQUEST_REPORT && facts->fsm->is_forgotten)
                /* Callers wait for the report that follows. */
                log_event(announcer->outage.attempts > 0 ? LOG_DEBUG : LOG_WARNING, LOG_EVENT_NODE_FORGOTTEN,
                                &fields, "The Master no longer knows node %s: %s; registering again.",
                                strempty(fields.node_id), reply->outcome->error);
        else if (reply->kind == REQUEST_REPORT)
                announce_report(announcer, facts, reply);
        else if (reply->outcome->class == OUTCOME_OK)
                announce_registered(announcer, facts, reply);
        else if (facts->fsm->is_without_id)
                announce_id_given_up(announcer, facts, reply);
        else
                announce_not_registered(announcer, facts, reply);
}

void announcer_step(Announcer *announcer, AgentFacts facts, const MasterReply *reply) {
        if (facts.fsm->state == FSM_STOPPING) {
                bus_complete(announcer->bus, METHOD_REREGISTER, OPERATION_STOPPING, 0, NULL);
                if (!reply)
                        bus_complete(announcer->bus, METHOD_REPORT, OPERATION_STOPPING, 0, NULL);
        }

        if (reply)
                announce_response(announcer, &facts, reply);
        else
                announce_put_off(announcer, facts.fsm);
}

/* ---- the state on disk ---- */

void announcer_saved(Announcer *announcer, AgentFacts facts) {
        int error = facts.save_error, told = announcer->save_error;
        LogFields fields = { .node_id = facts.node ? facts.node->id : NULL, .error = -error };

        /* Once for an outage: a dying disk reports one error after another. STATUS= has the newest. */
        if (error < 0 && told != error)
                log_event(told < 0 ? LOG_DEBUG : LOG_ERR, LOG_EVENT_STATE_UNWRITABLE, &fields,
                                "Cannot save the node object under %s: %s. Continuing without saving; "
                                "new state will be lost on restart. Retrying at every report.",
                                announcer->state_path, state_store_error_text(error));
        else if (error == 0 && told < 0)
                log_event(LOG_NOTICE, LOG_EVENT_STATE_RECOVERED, &fields,
                                "Saving the node object under %s again.", announcer->state_path);

        announcer->save_error = error;
}

void announcer_health_changed(Announcer *announcer, AgentFacts facts) {
        announcer->status.health_generation++;
        announcer_publish(announcer, facts);
}

/* ---- the bus ---- */

void announcer_bus_event(Announcer *announcer, BusEvent event, int error, bool is_ready) {
        LogFields fields = { .error = -error };

        switch (event) {
        case BUS_EVENT_UP:
                announcer->was_on_bus = true;
                if (error < 0)
                        log_line(LOG_WARNING, "Cannot offer %s on the bus: %s", AGENT_BUS_NAME,
                                        strerror(-error));
                break;
        case BUS_EVENT_NAME:
                if (is_ready)
                        log_event(LOG_NOTICE, LOG_EVENT_BUS_BACK, NULL, "On the bus as %s.", AGENT_BUS_NAME);
                break;
        case BUS_EVENT_NAME_REFUSED:
                log_event(LOG_WARNING, LOG_EVENT_BUS_LOST, &fields,
                                "Cannot own the bus name %s: %s; retrying every 30 s.", AGENT_BUS_NAME,
                                error == -EEXIST ? "another program owns it" : strerror(-error));
                break;
        case BUS_EVENT_LOST:
                log_event(LOG_WARNING, LOG_EVENT_BUS_LOST, &fields,
                                "%s the bus: %s; reporting continues, reconnecting in the background.",
                                announcer->was_on_bus ? "Lost" : "Cannot reach", strerror(-error));
                break;
        }
}

void announcer_set_bus(Announcer *announcer, Bus *bus) {
        announcer->bus = bus;
        bus_publish(bus, &announcer->status);
}

/* ---- life ---- */

Announcer *announcer_new(const char *hostname, const char *state_path, const char *health_path, bool is_once,
                int save_error) {
        Announcer *announcer = calloc(1, sizeof *announcer);

        if (!announcer)
                return NULL;

        announcer->state_path = state_path;
        announcer->is_once = is_once;
        announcer->save_error = save_error;
        SET_TEXT(announcer->status.version, ARGUS_AGENT_VERSION);
        SET_TEXT(announcer->status.hostname, hostname);
        SET_TEXT(announcer->status.health_directory, health_path);
        SET_TEXT(announcer->status.last_report_status, "never");
        return announcer;
}

Announcer *announcer_free(Announcer *announcer) {
        free(announcer);
        return NULL;
}
