/* SPDX-License-Identifier: MIT */
/* The commands of argusctl that ask the agent one question, or have it do one thing. */
#include "ctl/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "core/config.h"
#include "ctl/follower.h"
#include "ctl/view-json.h"
#include "util/text.h"

#define LOG_CONTROL AGENT_BUS_NAME, "/org/freedesktop/LogControl1", "org.freedesktop.LogControl1"

/* ---- reading ---- */

int exit_status_of(const AgentView *view) {
        return agent_view_is_well(view) ? EXIT_SUCCESS : EXIT_NOT_ONLINE;
}

static void print_online(const Session *session, const AgentView *view) {
        cJSON *object;

        if (!session->is_json) {
                (void) printf("%s%s\n", view->state,
                                !streq(view->state, "online") || agent_view_is_well(view) ? ""
                                : view->last_report_usec == 0                             ? ", no report yet"
                                                              : ", the last report failed");
                return;
        }

        object = view_to_json(view, &(HealthRows){},
                        PROPERTY_BIT(PROPERTY_State) | PROPERTY_BIT(PROPERTY_LastReportStatus));
        (void) cJSON_AddBoolToObject(object, "Online", agent_view_is_well(view));
        json_print(object);
}

int verb_is_online(Session *session) {
        _cleanup_(follower_done) Follower follower = { .session = session };
        usec_t end = usec_add(now_usec(CLOCK_MONOTONIC), session->wait_usec);
        int r;

        if (session->wait_usec == 0)
                r = client_get_all(session, &follower.now.view, &follower.now.health);
        else
                while ((r = follower_next(&follower, end)) > 0)
                        if (follower.now.is_there && agent_view_is_well(&follower.now.view))
                                break;
        if (r < 0)
                return EXIT_FAILURE;
        if (session->wait_usec > 0 && !follower.now.is_there)
                return client_complain_absent(session);

        print_online(session, &follower.now.view);
        return exit_status_of(&follower.now.view);
}

int print_text_of(const Session *session, const char *method) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *text;

        if (client_call(session, method, 's', &text, &reply) < 0)
                return EXIT_FAILURE;

        json_print_text(text, session->terminal.is_terminal);
        return EXIT_SUCCESS;
}

int verb_node(Session *session) {
        return print_text_of(session, "GetNode");
}

/* ---- acting ---- */

static void print_pair(const char *name, const char *value) {
        cJSON *object = json_new_object();

        (void) cJSON_AddStringToObject(object, name, value);
        json_print(object);
}

int verb_report(Session *session) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        uint32_t http_status;

        if (client_call(session, "Report", 'u', &http_status, &reply) < 0)
                return EXIT_FAILURE;

        (void) printf(session->is_json ? "{\"HttpStatus\":%u}\n" : "Report accepted, status %u.\n",
                        (unsigned) http_status);
        return EXIT_SUCCESS;
}

int verb_reregister(Session *session) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        char id[NODE_ID_MAX + 1];
        const char *text;

        if (client_call(session, "Reregister", 's', &text, &reply) < 0)
                return EXIT_FAILURE;

        text_sanitize_into(id, sizeof id, text, strlen(text));
        if (session->is_json)
                print_pair("NodeId", id);
        else
                (void) printf("Registered as %s.\n", id);
        return EXIT_SUCCESS;
}

int verb_log_level(Session *session) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_free_ char *shown = NULL;
        const char *level = session->argument;
        char word[64];
        int r, number;

        if (level && log_level_from_string(level, &number) < 0) {
                (void) fprintf(stderr,
                                "argusctl: Unknown log level \"%s\"; use err, warning, notice, info or debug.\n",
                                level);
                return EX_USAGE;
        }

        r = level ? sd_bus_set_property(session->bus, LOG_CONTROL, "LogLevel", &error, "s", level)
                  : sd_bus_get_property_string(session->bus, LOG_CONTROL, "LogLevel", &error, &shown);
        if (r < 0)
                return client_complain(session, r, &error);

        text_sanitize_into(word, sizeof word, level ? level : shown, strlen(level ? level : shown));
        if (session->is_json)
                print_pair("LogLevel", word);
        else if (!level)
                (void) puts(word);
        return EXIT_SUCCESS;
}
