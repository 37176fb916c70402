/* The commands of argusctl. */
#include "ctl/verbs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "core/config.h"
#include "ctl/check-service.h"
#include "ctl/exit-status.h"
#include "ctl/health-detail.h"
#include "ctl/health-table.h"
#include "ctl/monitor.h"
#include "ctl/status-screen.h"
#include "ctl/unit-table.h"
#include "ctl/view-json.h"
#include "ctl/wait-online.h"
#include "util/text.h"

static int complain(const Session *session, const char *verb, const char *action, int r,
                const sd_bus_error *error) {
        return client_complain(&session->client, verb, action, r, error);
}

static int complain_memory(const Session *session, const char *verb) {
        return complain(session, verb, NULL, -ENOMEM, &SD_BUS_ERROR_NULL);
}

/* ---- reading ---- */

static int exit_status_of(const AgentView *view) {
        return agent_view_is_well(view) ? EXIT_SUCCESS : EXIT_NOT_ONLINE;
}

int verb_status(const Session *session) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(health_rows_done) HealthRows health = {};
        AgentView view;
        int r;

        r = client_get_all(&session->client, &view, &health, &error);
        if (r < 0)
                return complain(session, "status", NULL, r, &error);

        r = session->is_json ? json_print(view_to_json(&view, &health, PROPERTY_ALL))
                             : status_screen_print(
                                               &session->terminal, &view, &health, now_usec(CLOCK_REALTIME));
        return r < 0 ? complain_memory(session, "status") : exit_status_of(&view);
}

static int print_online(const Session *session, const AgentView *view) {
        cJSON *object;

        if (!session->is_json) {
                (void) printf("%s%s\n", view->state,
                                !streq(view->state, "online") || agent_view_is_well(view) ? ""
                                : view->last_report_usec == 0                             ? ", no report yet"
                                                              : ", the last report failed");
                return 0;
        }

        object = view_to_json(view, &(HealthRows){},
                        PROPERTY_BIT(PROPERTY_State) | PROPERTY_BIT(PROPERTY_LastReportStatus));
        if (object)
                (void) cJSON_AddBoolToObject(object, "Online", agent_view_is_well(view));
        return json_print(object);
}

int verb_is_online(const Session *session) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(health_rows_done) HealthRows health = {};
        AgentView view = {};
        int r, status;

        if (session->wait_usec > 0) {
                status = wait_online_run(&session->client, session->wait_usec, &view);
                if (isempty(view.state)) /* why was said */
                        return EXIT_FAILURE;
        } else {
                r = client_get_all(&session->client, &view, &health, &error);
                if (r < 0)
                        return complain(session, "is-online", NULL, r, &error);
                status = exit_status_of(&view);
        }

        return print_online(session, &view) < 0 ? complain_memory(session, "is-online") : status;
}

int verb_monitor(const Session *session) {
        return monitor_run(&session->client, &session->terminal, session->is_json);
}

/* ---- what only root may ask, or whom polkit allows ---- */

static int print_text(const Session *session, const char *verb, const char *method) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *text;
        int r;

        r = client_call_method(&session->client, method, &reply, &error);
        if (r >= 0)
                r = sd_bus_message_read(reply, "s", &text);
        if (r < 0)
                return complain(session, verb, AGENT_INTERFACE ".read-data", r, &error);

        json_print_text(text, session->terminal.is_terminal);
        return EXIT_SUCCESS;
}

int verb_node(const Session *session) {
        return print_text(session, "node", "GetNode");
}

/* What only root may see; a password is not worth it. Returns as health_detail_read(), or another
 * negative errno. */
static int read_detail(const Session *session, HealthRows *rows, HealthDetail *ret) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        Client client = session->client;
        const char *text;
        int r;

        client.may_ask = false;
        r = client_call_method(&client, "GetHealth", &reply, &error);
        if (r >= 0)
                r = sd_bus_message_read(reply, "s", &text);
        return r < 0 ? r : health_detail_read(text, rows, ret);
}

static bool are_all_seen(const HealthRows *health) {
        for (size_t i = 0; i < health->n_rows; i++)
                if (health->rows[i].modified_usec == 0)
                        return false;
        return true;
}

int verb_health(const Session *session) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(health_detail_done) HealthDetail detail = {};
        _cleanup_(health_rows_done) HealthRows health = {};
        AgentView view;
        usec_t now;
        int r;

        if (session->is_json)
                return print_text(session, "health --json", "GetHealth");

        r = client_get_all(&session->client, &view, &health, &error);
        if (r < 0)
                return complain(session, "health", NULL, r, &error);

        r = read_detail(session, &health, &detail);
        if (r == -ENOMEM)
                return complain_memory(session, "health");

        /* Last: a file that can be seen tells more than what is reported of it. */
        health_rows_stat(&health, view.health_directory);
        now = now_usec(CLOCK_REALTIME);
        health_table_print(&session->terminal, &health, now);
        if (detail.n_units > 0) {
                (void) putchar('\n');
                unit_table_print(&session->terminal, &detail, now);
        }
        if (r == -EACCES)
                (void) printf("\nFor %swatched units: sudo argusctl health\n",
                                are_all_seen(&health) ? "" : "sizes, ages and ");
        return EXIT_SUCCESS;
}

int verb_report(const Session *session) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        uint32_t http_status;
        cJSON *object;
        int r;

        r = client_call_method(&session->client, "Report", &reply, &error);
        if (r >= 0)
                r = sd_bus_message_read(reply, "u", &http_status);
        if (r < 0)
                return complain(session, "report", AGENT_INTERFACE ".report", r, &error);

        if (!session->is_json) {
                (void) printf("Reported; the Master answered %u.\n", (unsigned) http_status);
                return EXIT_SUCCESS;
        }

        object = cJSON_CreateObject();
        if (object)
                (void) cJSON_AddNumberToObject(object, "HttpStatus", http_status);
        return json_print(object) < 0 ? complain_memory(session, "report") : EXIT_SUCCESS;
}

static int print_pair(const Session *session, const char *key, const char *value) {
        cJSON *object = cJSON_CreateObject();

        if (object)
                (void) cJSON_AddStringToObject(object, key, value);
        return json_print(object) < 0 ? complain_memory(session, key) : EXIT_SUCCESS;
}

int verb_reregister(const Session *session) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_free_ char *id = NULL;
        const char *text;
        int r;

        r = client_call_method(&session->client, "Reregister", &reply, &error);
        if (r >= 0)
                r = sd_bus_message_read(reply, "s", &text);
        if (r < 0)
                return complain(session, "reregister", AGENT_INTERFACE ".reregister", r, &error);

        id = text_sanitize(text, strlen(text), NODE_ID_MAX);
        if (!id)
                return complain_memory(session, "reregister");
        if (session->is_json)
                return print_pair(session, agent_properties[PROPERTY_NodeId].name, id);

        (void) printf("Registered as %s.\n", id);
        return EXIT_SUCCESS;
}

int verb_log_level(const Session *session) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_free_ char *level = NULL;
        char again[64];
        int r, number;

        if (!session->argument) {
                r = client_get_log_level(&session->client, &level, &error);
                if (r < 0)
                        return complain(session, "log-level", NULL, r, &error);
                if (session->is_json)
                        return print_pair(session, "LogLevel", level);
                (void) puts(level);
                return EXIT_SUCCESS;
        }

        if (log_level_from_string(session->argument, &number) < 0) {
                (void) fprintf(stderr,
                                "argusctl: Unknown log level \"%s\"; use err, warning, notice, info or debug.\n",
                                session->argument);
                return EX_USAGE;
        }

        r = client_set_log_level(&session->client, session->argument, &error);
        if (r < 0) {
                (void) snprintf(again, sizeof again, "log-level %s", session->argument);
                return complain(session, again, NULL, r, &error);
        }
        return session->is_json ? print_pair(session, "LogLevel", session->argument) : EXIT_SUCCESS;
}

int verb_check(const Session *session) {
        if (session->is_user || session->is_json) {
                (void) fprintf(stderr, "argusctl: check does not accept %s (see --help)\n",
                                session->is_user ? "--user" : "--json");
                return EX_USAGE;
        }
        return check_service();
}
