/* SPDX-License-Identifier: MIT */
/* `argusctl status`: one screen, a line for each question an administrator has, and where it is longer than
 * the terminal is wide, more lines in its column. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/clock-text.h"
#include "ctl/verbs.h"
#include "ctl/view-json.h"
#include "util/buffer.h"
#include "util/text.h"

enum {
        LABEL_COLUMNS = 13,
        VALUE_COLUMN = LABEL_COLUMNS + 2,
        /* The screen stays one: `argusctl health` has them all. */
        GOOD_ROWS_MAX = 20,
        BAD_ROWS_MAX = 8,
};

/* A label, and the value behind it. */
#define LINE(terminal, label, ...)                                                                          \
        ((void) printf("%*s: ", LABEL_COLUMNS, label), print_wrapped(terminal, VALUE_COLUMN, __VA_ARGS__))

/* One of a list below a line. */
#define ITEM(terminal, colour, glyph, ...)                                                                  \
        ((void) printf("%*s%s%s%s ", VALUE_COLUMN, "", colour, glyph, (terminal)->off),                     \
                        print_wrapped(terminal, VALUE_COLUMN + 2, __VA_ARGS__))

const char *view_colour(const Terminal *terminal, const AgentView *view) {
        if (agent_view_is_well(view))
                return terminal->green;
        return streq(view->state, "retrying") || streq(view->last_report_status, "failed")
                               ? terminal->red
                               : terminal->yellow;
}

static const char *identity_source_words(const char *source) {
        return streq(source, "environment") ? "from the environment"
               : streq(source, "node-file") ? "from the stored node object"
               : streq(source, "hostname")  ? "from the host name"
                                            : source;
}

/* ---- the lines ---- */

static void print_title(const Terminal *t, const AgentView *view) {
        (void) printf("%s%s%s %s%s%s - Argus agent %s\n", view_colour(t, view), t->dot, t->off, t->bold,
                        view->hostname, t->off, view->version);
}

static void print_state(const Terminal *t, const AgentView *view) {
        char more[48] = "";

        if (streq(view->state, "online") && view->last_report_usec == 0)
                (void) strcpy(more, ", the first report is under way");
        else if (streq(view->state, "online") && !agent_view_is_well(view))
                (void) strcpy(more, ", but the last report failed");
        else if (view->consecutive_failures > 0)
                (void) snprintf(more, sizeof more, ", %" PRIu32 " failure%s in a row",
                                view->consecutive_failures, view->consecutive_failures == 1 ? "" : "s");
        LINE(t, "State", "%s%s%s%s", view_colour(t, view), view->state, t->off, more);
}

/* A point in time, and how far away it is. */
static void print_time(const Terminal *t, const char *label, usec_t usec, const char *distance) {
        char clock[CLOCK_TEXT_SIZE];

        LINE(t, label, "%s; %s", format_clock(clock, usec), distance);
}

static void print_node(const Terminal *t, const AgentView *view, usec_t now) {
        char ago[CLOCK_TEXT_SIZE];

        if (isempty(view->node_id))
                LINE(t, "Node id", "%snone yet%s", t->yellow, t->off);
        else
                LINE(t, "Node id", "%s%s%s", t->bold, view->node_id, t->off);

        LINE(t, "Identity", "env %s, user %s, instance %s (%s)", view->env, view->user, view->instance,
                        identity_source_words(view->identity_source));
        LINE(t, "Master", "%s", view->master_endpoint);
        LINE(t, "Address", "%s", isempty(view->address) ? "none" : view->address);

        if (view->last_registration_usec > 0)
                print_time(t, "Registered", view->last_registration_usec,
                                format_ago(ago, view->last_registration_usec, now));
        else
                LINE(t, "Registered", "%snot since the agent started%s", t->yellow, t->off);

        if (!view->is_state_persisted)
                LINE(t, "State on disk",
                                "%snot saved%s: new state will be lost on restart; see journalctl -u argus-agent",
                                t->red, t->off);
}

static void print_last_report(const Terminal *t, const AgentView *view, usec_t now) {
        char clock[CLOCK_TEXT_SIZE], ago[CLOCK_TEXT_SIZE], http[32] = "";
        bool is_failed = streq(view->last_report_status, "failed");

        if (view->last_report_http_status > 0)
                (void) snprintf(http, sizeof http, ", status %" PRIu32, view->last_report_http_status);

        if (view->last_report_usec == 0)
                LINE(t, "Last report", "none since the agent started");
        else
                LINE(t, "Last report", "%s%s%s%s; %s; %s", is_failed ? t->red : t->green,
                                is_failed ? "failed" : "accepted", t->off, http,
                                format_clock(clock, view->last_report_usec),
                                format_ago(ago, view->last_report_usec, now));

        /* Also where there was no report: then it is the registration that fails. */
        if (!isempty(view->last_report_error))
                LINE(t, "Last error", "%s", view->last_report_error);
        else if (view->consecutive_failures > 0)
                LINE(t, "Last error", "registration failed; see journalctl -u argus-agent");

        if (is_failed && view->last_successful_report_usec > 0)
                print_time(t, "Last success", view->last_successful_report_usec,
                                format_ago(ago, view->last_successful_report_usec, now));
}

static void print_reports(const Terminal *t, const AgentView *view, usec_t now) {
        char until[CLOCK_TEXT_SIZE];

        print_last_report(t, view, now);
        if (view->next_report_usec > 0)
                print_time(t, view->consecutive_failures > 0 ? "Next attempt" : "Next report",
                                view->next_report_usec, format_until(until, view->next_report_usec, now));

        LINE(t, "Reports", "%" PRIu64 " accepted, %s%" PRIu64 " failed%s since the agent started",
                        view->reports_succeeded, view->reports_failed > 0 ? t->yellow : "",
                        view->reports_failed, view->reports_failed > 0 ? t->off : "");
}

static void print_good_files(const Terminal *t, const HealthRows *health, size_t n_good) {
        _cleanup_(buffer_done) Buffer names = {};
        size_t n_shown = 0;
        int r = 0;

        for (size_t i = 0; i < health->n_rows && n_shown < GOOD_ROWS_MAX && r >= 0; i++)
                if (health_row_is_good(health->rows + i))
                        r = buffer_printf(&names, "%s%s", n_shown++ > 0 ? ", " : "", health->rows[i].key);
        if (r >= 0 && n_shown < n_good)
                r = buffer_printf(&names, " and %zu more", n_good - n_shown);

        if (r < 0)
                exit_out_of_memory();
        if (n_shown > 0)
                ITEM(t, t->green, t->dot, "%s", names.data);
}

static void print_bad_files(const Terminal *t, const HealthRows *health, size_t n_bad) {
        size_t n_shown = 0;

        for (size_t i = 0; i < health->n_rows && n_shown < BAD_ROWS_MAX; i++) {
                const HealthRow *row = health->rows + i;

                if (health_row_is_good(row))
                        continue;

                n_shown++;
                ITEM(t, t->red, t->cross, "%s: %s%s%s, %s", row->key, t->red, row->verdict, t->off,
                                row->reason);
        }
        if (n_shown < n_bad)
                ITEM(t, t->red, t->cross, "and %zu more, see argusctl health", n_bad - n_shown);
}

static void print_health(const Terminal *t, const HealthRows *health) {
        size_t n_bad = health_rows_count_bad(health), n_good = health->n_rows - n_bad;
        char skipped[64] = "";

        if (n_bad > 0)
                (void) snprintf(skipped, sizeof skipped, ", %s%zu skipped%s", t->red, n_bad, t->off);
        if (health->n_rows == 0)
                LINE(t, "Health files", "none");
        else
                LINE(t, "Health files", "%zu reported%s", n_good, skipped);

        print_good_files(t, health, n_good);
        print_bad_files(t, health, n_bad);
}

int verb_status(Session *session) {
        _cleanup_(health_rows_done) HealthRows health = {};
        const Terminal *t = &session->terminal;
        usec_t now = now_usec(CLOCK_REALTIME);
        AgentView view;

        if (client_get_all(session, &view, &health) < 0)
                return EXIT_FAILURE;

        if (session->is_json)
                json_print(view_to_json(&view, &health, PROPERTY_ALL));
        else {
                print_title(t, &view);
                print_state(t, &view);
                print_node(t, &view, now);
                print_reports(t, &view, now);
                print_health(t, &health);
        }
        return exit_status_of(&view);
}
