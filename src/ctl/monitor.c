/* SPDX-License-Identifier: MIT */
/* `argusctl monitor`: what changes at the agent, a line for each property, until interrupted. Which
 * properties there are, and how each is written, stands in core/agent-properties.h and agent-view.c. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ctl/follower.h"
#include "ctl/verbs.h"
#include "ctl/view-json.h"
#include "util/text.h"

enum { TEXT_COLUMN = sizeof "Nov 24 12:13:00 " };

#define LINE(terminal, ...) (print_clock(terminal), print_wrapped(terminal, TEXT_COLUMN, __VA_ARGS__))

static void print_clock(const Terminal *t) {
        char clock[CLOCK_TEXT_SIZE];

        (void) printf("%s%s%s  ", t->grey, format_clock_short(clock, now_usec(CLOCK_REALTIME)), t->off);
}

/* ---- as text ---- */

static void print_health(const Terminal *t, const Sight *before, const Sight *now) {
        for (size_t i = 0; i < now->health.n_rows; i++) {
                const HealthRow *row = now->health.rows + i,
                                *old = health_row_find(&before->health, row->key);

                if (old && streq(old->verdict, row->verdict) && streq(old->reason, row->reason))
                        continue;
                if (health_row_is_good(row))
                        LINE(t, "HealthFiles: %s: %s%s%s", row->key, t->green, row->verdict, t->off);
                else
                        LINE(t, "HealthFiles: %s: %s%s%s, %s", row->key, t->red, row->verdict, t->off,
                                        row->reason);
        }
        for (size_t i = 0; i < before->health.n_rows; i++)
                if (!health_row_find(&now->health, before->health.rows[i].key))
                        LINE(t, "HealthFiles: %s: gone", before->health.rows[i].key);
}

static void print_property(
                const Terminal *t, const Sight *before, const Sight *now, AgentProperty property) {
        char old_text[CLOCK_TEXT_SIZE], new_text[CLOCK_TEXT_SIZE];
        const char *name = agent_properties[property].name, *colour = "";

        if (property == PROPERTY_State || property == PROPERTY_LastReportStatus)
                colour = view_colour(t, &now->view);

        if (property == PROPERTY_HealthFiles)
                print_health(t, before, now);
        else if (agent_properties[property].type == PROPERTY_TYPE_TIME)
                LINE(t, "%s: %s", name, agent_view_text(&now->view, property, new_text));
        else
                LINE(t, "%s: %s %s %s%s%s", name, agent_view_text(&before->view, property, old_text),
                                t->arrow, colour, agent_view_text(&now->view, property, new_text),
                                *colour ? t->off : "");
}

static void print_news(const Terminal *t, const Sight *before, const Sight *now, uint64_t changed) {
        const AgentView *view = &now->view;

        if (!now->is_there)
                LINE(t, "%sThe agent is not running%s", t->red, t->off);
        else if (!before->is_there)
                LINE(t, "The agent is %s%s%s as %s at %s", view_colour(t, view), view->state, t->off,
                                isempty(view->node_id) ? "a new node" : view->node_id,
                                view->master_endpoint);
        else
                for (AgentProperty i = 0; i < _PROPERTY_MAX; i++)
                        if (changed & PROPERTY_BIT(i) && agent_properties[i].has_signal)
                                print_property(t, before, now, i);
}

/* ---- as JSON ---- */

static void print_news_json(const Sight *now, uint64_t changed) {
        cJSON *object = json_new_object();

        json_add_number(object, "Timestamp", now_usec(CLOCK_REALTIME));
        (void) cJSON_AddBoolToObject(object, "Running", now->is_there);
        (void) cJSON_AddItemToObject(object, "Changed", view_to_json(&now->view, &now->health, changed));
        json_print(object);
}

/* ---- until the end ---- */

/* Being interrupted is how it ends, and not a failure. */
static _Noreturn void on_interrupt(_unused_ int signal) {
        _exit(EXIT_SUCCESS);
}

int verb_monitor(Session *session) {
        _cleanup_(follower_done) Follower follower = { .session = session };

        (void) signal(SIGINT, on_interrupt);
        (void) signal(SIGTERM, on_interrupt);
        if (client_open(session, CALL_TIMEOUT_USEC) < 0)
                return EXIT_FAILURE;

        while (follower_next(&follower, USEC_INFINITY) > 0) {
                if (session->is_json)
                        print_news_json(&follower.now, follower.changed);
                else
                        print_news(&session->terminal, &follower.before, &follower.now, follower.changed);
                (void) fflush(stdout);
        }
        return EXIT_FAILURE;
}
