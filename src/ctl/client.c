/* SPDX-License-Identifier: MIT */
/* The agent as a service on the bus: one session of calls to it, and in words why one failed. */
#include "ctl/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/text.h"

/* The agent's longest reason: the Master's words, and what is said around them. */
enum { ERROR_WORDS_MAX = 1024 };

/* ---- the connection ---- */

/* sd_bus_call() would wait 90 s for a bus that accepts the connection and then is silent. */
static int wait_ready(sd_bus *bus, usec_t timeout_usec) {
        usec_t end = usec_add(now_usec(CLOCK_MONOTONIC), timeout_usec), now;
        int r;

        while ((r = sd_bus_is_ready(bus)) == 0) {
                r = sd_bus_process(bus, NULL);
                if (r < 0)
                        return r;
                if (r > 0)
                        continue;

                now = now_usec(CLOCK_MONOTONIC);
                if (now >= end)
                        return -ETIME;
                r = sd_bus_wait(bus, end - now);
                if (r < 0 && r != -EINTR)
                        return r;
        }
        return r;
}

int client_open(Session *session, usec_t timeout_usec) {
        int r;

        r = session->is_user ? sd_bus_open_user_with_description(&session->bus, "argusctl")
                             : sd_bus_open_system_with_description(&session->bus, "argusctl");
        if (r >= 0)
                /* nothing is left to send at the end that is worth waiting for */
                r = sd_bus_set_close_on_exit(session->bus, false);
        if (r >= 0)
                r = sd_bus_set_method_call_timeout(session->bus, CALL_TIMEOUT_USEC);
        if (r >= 0)
                r = wait_ready(session->bus, timeout_usec);
        if (r >= 0)
                return 0;

        (void) fprintf(stderr, "argusctl: Cannot connect to the %s bus: %s.%s\n",
                        session->is_user ? "user" : "system",
                        r == -ETIME       ? "no response"
                        : r == -ENOMEDIUM ? "neither DBUS_SESSION_BUS_ADDRESS nor XDG_RUNTIME_DIR is set"
                                          : strerror(-r),
                        session->is_user ? "" : " Is D-Bus running?");
        return r;
}

/* ---- calls ---- */

int client_call(const Session *session, const char *method, char type, void *ret_value,
                sd_bus_message **ret_reply) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_call_method(session->bus, AGENT_BUS_NAME, AGENT_PATH, AGENT_INTERFACE, method, &error,
                        ret_reply, NULL);
        if (r >= 0)
                r = sd_bus_message_read_basic(*ret_reply, type, ret_value);
        if (r < 0)
                (void) client_complain(session, r, &error);
        return r;
}

int client_try_get_all(const Session *session, usec_t timeout_usec, AgentView *ret_view,
                HealthRows *ret_health, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        AgentView view = {};
        HealthRows health = {};
        int r;

        r = sd_bus_message_new_method_call(session->bus, &call, AGENT_BUS_NAME, AGENT_PATH,
                        "org.freedesktop.DBus.Properties", "GetAll");
        if (r >= 0)
                r = sd_bus_message_append(call, "s", AGENT_INTERFACE);
        if (r >= 0)
                r = sd_bus_call(session->bus, call, timeout_usec, error, &reply);
        if (r >= 0)
                r = agent_view_read(&view, &health, reply);
        if (r < 0) {
                health_rows_done(&health);
                return r;
        }

        *ret_view = view;
        *ret_health = health;
        return 0;
}

int client_get_all(const Session *session, AgentView *ret_view, HealthRows *ret_health) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = client_try_get_all(session, CALL_TIMEOUT_USEC, ret_view, ret_health, &error);
        if (r < 0)
                (void) client_complain(session, r, &error);
        return r;
}

/* ---- failures ---- */

bool client_is_absent(const sd_bus_error *error) {
        return sd_bus_error_has_name(error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
               sd_bus_error_has_name(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER);
}

bool client_is_denied(const sd_bus_error *error) {
        return sd_bus_error_has_name(error, SD_BUS_ERROR_ACCESS_DENIED) ||
               sd_bus_error_has_name(error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED);
}

int client_complain_absent(const Session *session) {
        if (session->is_user)
                (void) fputs("argusctl: The agent is not running on the user bus; start it with AGENT_BUS=user.\n",
                                stderr);
        else
                (void) fputs("argusctl: The agent is not running, or not on the system bus.\n"
                             "See which, and why: systemctl status argus-agent\n"
                             "Start it: systemctl start argus-agent\n"
                             "Check its settings: sudo argusctl check\n",
                                stderr);
        return EXIT_FAILURE;
}

static int complain_denied(const Session *session, const char *words) {
        /* The bus daemon's own refusals list the whole message, which helps nobody here; the agent's are one
         * short sentence. */
        bool is_short = !isempty(words) && strlen(words) <= 100;

        (void) fprintf(stderr, "argusctl: Permission denied%s%s.\nRun it as root: sudo argusctl %s%s%s%s\n",
                        is_short ? ": " : "", is_short ? words : "", session->verb->name,
                        session->is_json ? " --json" : "", session->argument ? " " : "",
                        strempty(session->argument));
        if (session->verb->action)
                (void) fprintf(stderr, "A polkit rule for " AGENT_INTERFACE ".%s can allow others.\n",
                                session->verb->action);
        return EXIT_FAILURE;
}

int client_complain(const Session *session, int r, const sd_bus_error *error) {
        const OperationError *failure = operation_error_from_name(error->name);
        const char *reason;
        _cleanup_free_ char *words = NULL;

        if (client_is_absent(error))
                return client_complain_absent(session);

        if (error->message)
                words = text_sanitize(error->message, strlen(error->message), ERROR_WORDS_MAX);
        if (client_is_denied(error))
                return complain_denied(session, words);

        reason = !isempty(words) ? words : strerror(-r);
        if (failure)
                (void) fprintf(stderr, "argusctl: %s: %s\n", failure->words, reason);
        else if (sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY) || r == -ETIMEDOUT)
                (void) fputs("argusctl: Cannot reach the agent: no response.\n", stderr);
        else if (r == -ECONNRESET || r == -ENOTCONN || r == -EPIPE)
                (void) fputs("argusctl: The connection to the bus was lost.\n", stderr);
        else
                (void) fprintf(stderr, "argusctl: Cannot ask the agent: %s\n", reason);
        return EXIT_FAILURE;
}
