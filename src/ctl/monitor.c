/* `argusctl monitor`: what happens to the agent, a line each, until interrupted. */
#include "ctl/monitor.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/clock-text.h"
#include "ctl/status-screen.h"
#include "ctl/text-layout.h"
#include "ctl/view-json.h"
#include "ctl/watch.h"
#include "util/text.h"

typedef struct Monitor {
        const Terminal *terminal;
        usec_t now; /* of the news that is being told */
        unsigned n_lines;
} Monitor;

static const char *on(const Monitor *monitor, Colour colour) {
        return terminal_colour(monitor->terminal, colour);
}

static _printf_(2, 3) void say(Monitor *monitor, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        char clock[CLOCK_TEXT_SIZE];
        va_list arguments;
        int length;

        va_start(arguments, format);
        length = vasprintf(&text, format, arguments);
        va_end(arguments);
        if (length < 0) {
                text = NULL;
                return;
        }

        monitor->n_lines++;
        (void) format_clock_short(clock, monitor->now);
        (void) printf("%s%s%s  ", on(monitor, COLOUR_GREY), clock, on(monitor, COLOUR_OFF));
        text_wrap(stdout, text, (unsigned) strlen(clock) + 2, monitor->terminal->width);
        (void) putchar('\n');
}

/* ---- the agent as it is ---- */

static void say_as_it_is(Monitor *monitor, const AgentView *view) {
        char ago[CLOCK_TEXT_SIZE + SPAN_SIZE];
        const char *colour = on(monitor, view_colour(view)), *off = on(monitor, COLOUR_OFF);

        if (view->last_report_usec == 0)
                say(monitor, "The agent is %s%s%s as %s at %s; no report yet", colour, view->state, off,
                                isempty(view->node_id) ? "a new node" : view->node_id,
                                view->master_endpoint);
        else
                say(monitor, "The agent is %s%s%s as %s at %s; last report %s %s", colour, view->state, off,
                                view->node_id, view->master_endpoint,
                                agent_view_is_well(view) ? "accepted" : "failed",
                                format_ago(ago, view->last_report_usec, monitor->now));
        if (!isempty(view->last_report_error))
                say(monitor, "Last error: %s", view->last_report_error);
}

/* ---- changes ---- */

static bool has_changed(const WatchNews *news, AgentProperty field) {
        return news->fields & PROPERTY_BIT(field);
}

static void say_text_change(Monitor *monitor, const WatchNews *news, AgentProperty field, const char *what) {
        const char *was = agent_status_string(news->before, field),
                   *is = agent_status_string(news->view, field);

        if (!has_changed(news, field))
                return;

        say(monitor, "%s: %s %s %s", what, isempty(was) ? "none" : was,
                        terminal_glyph(monitor->terminal, GLYPH_ARROW), isempty(is) ? "none" : is);
}

static void say_node(Monitor *monitor, const WatchNews *news) {
        const AgentView *view = news->view;

        say_text_change(monitor, news, PROPERTY_MasterEndpoint, "Master");
        say_text_change(monitor, news, PROPERTY_NodeId, "Node id");
        say_text_change(monitor, news, PROPERTY_Address, "Address");

        if (has_changed(news, PROPERTY_Env) || has_changed(news, PROPERTY_User) ||
                        has_changed(news, PROPERTY_Instance) || has_changed(news, PROPERTY_IdentitySource))
                say(monitor, "Identity: env %s, user %s, instance %s (%s)", view->env, view->user,
                                view->instance, identity_source_words(view->identity_source));
        if (has_changed(news, PROPERTY_StatePersisted)) {
                if (view->is_state_persisted)
                        say(monitor, "State on disk: saved again");
                else
                        say(monitor, "State on disk: %snot saved%s", on(monitor, COLOUR_RED),
                                        on(monitor, COLOUR_OFF));
        }
        if (has_changed(news, PROPERTY_LastRegistrationTimestamp))
                say(monitor, "%sRegistered%s as %s with address %s", on(monitor, COLOUR_GREEN),
                                on(monitor, COLOUR_OFF), view->node_id,
                                isempty(view->address) ? "none" : view->address);
}

static void say_report(Monitor *monitor, const WatchNews *news) {
        const AgentView *view = news->view;
        char until[CLOCK_TEXT_SIZE + SPAN_SIZE], next[CLOCK_TEXT_SIZE + SPAN_SIZE + 16] = "", row[32] = "";
        const char *red = on(monitor, COLOUR_RED), *off = on(monitor, COLOUR_OFF);

        if (view->next_report_usec > 0)
                (void) snprintf(next, sizeof next, "; next %s",
                                format_until(until, view->next_report_usec, monitor->now));
        if (view->consecutive_failures > 1)
                (void) snprintf(row, sizeof row, "; %" PRIu32 " in a row", view->consecutive_failures);

        if (has_changed(news, PROPERTY_LastReportTimestamp) && streq(view->last_report_status, "success"))
                say(monitor, "Report %saccepted%s, status %" PRIu32 "%s", on(monitor, COLOUR_GREEN), off,
                                view->last_report_http_status, next);
        else if (has_changed(news, PROPERTY_LastReportTimestamp))
                say(monitor, "Report %sfailed%s: %s%s%s", red, off, view->last_report_error, row, next);
        else if (has_changed(news, PROPERTY_LastReportError) && !isempty(view->last_report_error))
                say(monitor, "%sFailed%s: %s%s", red, off, view->last_report_error, row);
        else if (has_changed(news, PROPERTY_ConsecutiveFailures) && view->consecutive_failures > 0)
                say(monitor, "Registration %sfailed%s%s", red, off, row);
}

static void say_state(Monitor *monitor, const WatchNews *news) {
        if (!has_changed(news, PROPERTY_State))
                return;

        say(monitor, "State: %s %s %s%s%s", news->before->state,
                        terminal_glyph(monitor->terminal, GLYPH_ARROW), on(monitor, view_colour(news->view)),
                        news->view->state, on(monitor, COLOUR_OFF));
}

/* ---- health files ---- */

static const HealthRow *row_find(const HealthRows *health, const char *key) {
        for (size_t i = 0; i < health->n_rows; i++)
                if (streq(health->rows[i].key, key))
                        return health->rows + i;
        return NULL;
}

static void say_health(Monitor *monitor, const WatchNews *news) {
        const char *red = on(monitor, COLOUR_RED), *off = on(monitor, COLOUR_OFF);

        for (size_t i = 0; i < news->health->n_rows; i++) {
                const HealthRow *row = news->health->rows + i, *before;

                before = row_find(news->health_before, row->key);
                if (before && streq(before->verdict, row->verdict) && streq(before->reason, row->reason))
                        continue;

                if (!health_row_is_good(row))
                        say(monitor, "Health file %s: %sskipped%s, %s: %s", row->key, red, off, row->verdict,
                                        row->reason);
                else
                        say(monitor, "Health file %s: %s%s%s", row->key, on(monitor, COLOUR_GREEN),
                                        before ? "good again" : "new", off);
        }

        for (size_t i = 0; i < news->health_before->n_rows; i++)
                if (!row_find(news->health, news->health_before->rows[i].key))
                        say(monitor, "Health file %s: gone", news->health_before->rows[i].key);
}

static void say_changes(Monitor *monitor, const WatchNews *news) {
        char until[CLOCK_TEXT_SIZE + SPAN_SIZE];

        monitor->n_lines = 0;
        say_node(monitor, news);
        say_report(monitor, news);
        say_state(monitor, news);
        if (has_changed(news, PROPERTY_HealthFiles))
                say_health(monitor, news);

        /* Where it came with more, it was said with that. */
        if (monitor->n_lines == 0 && has_changed(news, PROPERTY_NextReportTimestamp) &&
                        news->view->next_report_usec > 0)
                say(monitor, "Next report %s",
                                format_until(until, news->view->next_report_usec, monitor->now));
}

static void on_news(_unused_ Watch *watch, const WatchNews *news, void *userdata) {
        Monitor *monitor = userdata;

        monitor->now = now_usec(CLOCK_REALTIME);
        switch (news->event) {
        case WATCH_APPEARED:
                say_as_it_is(monitor, news->view);
                break;
        case WATCH_GONE:
                say(monitor, "%sThe agent is not running%s", on(monitor, COLOUR_RED),
                                on(monitor, COLOUR_OFF));
                break;
        case WATCH_CHANGED:
                say_changes(monitor, news);
                break;
        }
        (void) fflush(stdout);
}

static cJSON *news_to_json(const WatchNews *news) {
        cJSON *object = cJSON_CreateObject();
        bool is_there = news->event != WATCH_GONE;
        struct {
                const char *name;
                cJSON *value;
        } items[] = {
                { "Timestamp", json_create_number(now_usec(CLOCK_REALTIME)) },
                { "Running", cJSON_CreateBool(is_there) },
                { "Changed", view_to_json(news->view, news->health, is_there ? news->fields : 0) },
        };
        bool is_whole = object;

        for (size_t i = 0; i < ELEMENTSOF(items); i++)
                if (!is_whole || !cJSON_AddItemToObject(object, items[i].name, items[i].value)) {
                        cJSON_Delete(items[i].value);
                        is_whole = false;
                }
        if (!is_whole) {
                cJSON_Delete(object);
                return NULL;
        }

        return object;
}

static void on_news_json(Watch *watch, const WatchNews *news, _unused_ void *userdata) {
        if (json_print(news_to_json(news)) < 0)
                watch_end(watch, EXIT_FAILURE);
        (void) fflush(stdout);
}

/* ---- the loop ---- */

/* Being interrupted is how it ends, and not a failure. */
static int end_on_signals(sd_event *event) {
        sigset_t set;
        int r;

        (void) sigemptyset(&set);
        (void) sigaddset(&set, SIGINT);
        (void) sigaddset(&set, SIGTERM);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;

        r = sd_event_add_signal(event, NULL, SIGINT, NULL, NULL);
        if (r >= 0)
                r = sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL);
        return r;
}

int monitor_run(const Client *client, const Terminal *terminal, bool is_json) {
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        Monitor monitor = { .terminal = terminal };
        int r;

        r = sd_event_new(&event);
        if (r >= 0)
                r = end_on_signals(event);
        if (r < 0)
                return client_complain(client, "monitor", NULL, r, &SD_BUS_ERROR_NULL);

        return watch_run(client, event, is_json ? on_news_json : on_news, &monitor);
}
