/* `argusctl status`: one screen. */
#include "ctl/status-screen.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "ctl/clock-text.h"
#include "ctl/text-layout.h"
#include "util/buffer.h"
#include "util/text.h"

enum {
        LABEL_COLUMNS = 13,
        VALUE_COLUMN = LABEL_COLUMNS + 2,
        /* The screen stays one: `argusctl health` has them all. */
        GOOD_ROWS_MAX = 20,
        BAD_ROWS_MAX = 8,
};

typedef struct Screen {
        const Terminal *terminal;
        usec_t now;
        int error; /* the first one */
} Screen;

static const char *on(const Screen *screen, Colour colour) {
        return terminal_colour(screen->terminal, colour);
}

static _printf_(3, 0) void write_value(
                Screen *screen, unsigned column, const char *format, va_list arguments) {
        _cleanup_free_ char *value = NULL;

        if (vasprintf(&value, format, arguments) < 0) {
                value = NULL;
                screen->error = -ENOMEM;
        } else
                text_wrap(stdout, value, column, screen->terminal->width);
        (void) putchar('\n');
}

/* One line, or more where the terminal is narrow. */
static _printf_(3, 4) void screen_line(Screen *screen, const char *label, const char *format, ...) {
        va_list arguments;

        (void) printf("%*s: ", LABEL_COLUMNS, label);
        va_start(arguments, format);
        write_value(screen, VALUE_COLUMN, format, arguments);
        va_end(arguments);
}

/* One of a list below a line. */
static _printf_(4, 5) void screen_item(Screen *screen, Colour colour, Glyph glyph, const char *format, ...) {
        va_list arguments;

        (void) printf("%*s%s%s%s ", VALUE_COLUMN, "", on(screen, colour),
                        terminal_glyph(screen->terminal, glyph), on(screen, COLOUR_OFF));
        va_start(arguments, format);
        write_value(screen, VALUE_COLUMN + 2, format, arguments);
        va_end(arguments);
}

Colour view_colour(const AgentView *view) {
        if (agent_view_is_well(view))
                return COLOUR_GREEN;
        return streq(view->state, "retrying") || streq(view->last_report_status, "failed") ? COLOUR_RED
                                                                                           : COLOUR_YELLOW;
}

const char *identity_source_words(const char *source) {
        static const struct {
                const char *source, *words;
        } table[] = {
                { "environment", "from the environment" },
                { "node-file", "from the stored node object" },
                { "hostname", "from the host name" },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if (streq(table[i].source, source))
                        return table[i].words;
        return source;
}

/* ---- the lines ---- */

static void print_title(const Screen *screen, const AgentView *view) {
        (void) printf("%s%s%s %s%s%s - Argus agent %s\n", on(screen, view_colour(view)),
                        terminal_glyph(screen->terminal, GLYPH_DOT), on(screen, COLOUR_OFF),
                        on(screen, COLOUR_BOLD), view->hostname, on(screen, COLOUR_OFF), view->version);
}

static void print_state(Screen *screen, const AgentView *view) {
        const char *colour = on(screen, view_colour(view)), *off = on(screen, COLOUR_OFF);

        if (streq(view->state, "online") && view->last_report_usec == 0)
                screen_line(screen, "State", "%s%s%s, the first report is under way", colour, view->state,
                                off);
        else if (streq(view->state, "online") && !agent_view_is_well(view))
                screen_line(screen, "State", "%s%s%s, but the last report failed", colour, view->state, off);
        else if (view->consecutive_failures > 0)
                screen_line(screen, "State", "%s%s%s, %" PRIu32 " failure%s in a row", colour, view->state,
                                off, view->consecutive_failures, view->consecutive_failures == 1 ? "" : "s");
        else
                screen_line(screen, "State", "%s%s%s", colour, view->state, off);
}

static void print_node(Screen *screen, const AgentView *view) {
        char clock[CLOCK_TEXT_SIZE], ago[CLOCK_TEXT_SIZE + SPAN_SIZE];
        const char *yellow = on(screen, COLOUR_YELLOW), *off = on(screen, COLOUR_OFF);

        if (isempty(view->node_id))
                screen_line(screen, "Node id", "%snone yet%s", yellow, off);
        else
                screen_line(screen, "Node id", "%s%s%s", on(screen, COLOUR_BOLD), view->node_id, off);

        screen_line(screen, "Identity", "env %s, user %s, instance %s (%s)", view->env, view->user,
                        view->instance, identity_source_words(view->identity_source));
        screen_line(screen, "Master", "%s", view->master_endpoint);
        screen_line(screen, "Address", "%s", isempty(view->address) ? "none" : view->address);

        if (view->last_registration_usec > 0)
                screen_line(screen, "Registered", "%s; %s",
                                format_clock(clock, view->last_registration_usec),
                                format_ago(ago, view->last_registration_usec, screen->now));
        else
                screen_line(screen, "Registered", "%snot since the agent started%s", yellow, off);

        if (!view->is_state_persisted)
                screen_line(screen, "State on disk",
                                "%snot saved%s: a restart now would lose what is new. See journalctl -u argus-agent",
                                on(screen, COLOUR_RED), off);
}

static void print_report(Screen *screen, const AgentView *view) {
        char clock[CLOCK_TEXT_SIZE], ago[CLOCK_TEXT_SIZE + SPAN_SIZE], http[32] = "";
        const char *off = on(screen, COLOUR_OFF);
        bool is_failed = streq(view->last_report_status, "failed");

        if (view->last_report_http_status > 0)
                (void) snprintf(http, sizeof http, ", status %" PRIu32, view->last_report_http_status);

        if (view->last_report_usec == 0)
                screen_line(screen, "Last report", "none since the agent started");
        else
                screen_line(screen, "Last report", "%s%s%s%s; %s; %s",
                                on(screen, is_failed ? COLOUR_RED : COLOUR_GREEN),
                                is_failed ? "failed" : "accepted", off, http,
                                format_clock(clock, view->last_report_usec),
                                format_ago(ago, view->last_report_usec, screen->now));

        /* Also where there was no report: then it is the registration that fails. */
        if (!isempty(view->last_report_error))
                screen_line(screen, "Last error", "%s", view->last_report_error);
        else if (view->consecutive_failures > 0)
                screen_line(screen, "Last error", "not to register; why: journalctl -u argus-agent");

        if (is_failed && view->last_successful_report_usec > 0)
                screen_line(screen, "Last success", "%s; %s",
                                format_clock(clock, view->last_successful_report_usec),
                                format_ago(ago, view->last_successful_report_usec, screen->now));

        if (view->next_report_usec > 0)
                screen_line(screen, view->consecutive_failures > 0 ? "Next try" : "Next report", "%s; %s",
                                format_clock(clock, view->next_report_usec),
                                format_until(ago, view->next_report_usec, screen->now));

        screen_line(screen, "Reports",
                        "%" PRIu64 " accepted, %s%" PRIu64 " failed%s since the agent started",
                        view->reports_succeeded, view->reports_failed > 0 ? on(screen, COLOUR_YELLOW) : "",
                        view->reports_failed, view->reports_failed > 0 ? off : "");
}

static void print_good_health(Screen *screen, const HealthRows *health, size_t n_good) {
        _cleanup_(buffer_done) Buffer names = {};
        size_t n_shown = 0;
        int r = 0;

        for (size_t i = 0; i < health->n_rows && n_shown < GOOD_ROWS_MAX && r >= 0; i++)
                if (health_row_is_good(health->rows + i))
                        r = buffer_printf(&names, "%s%s", n_shown++ > 0 ? ", " : "", health->rows[i].key);
        if (r >= 0 && n_shown < n_good)
                r = buffer_printf(&names, " and %zu more", n_good - n_shown);

        if (r < 0)
                screen->error = r;
        else if (n_shown > 0)
                screen_item(screen, COLOUR_GREEN, GLYPH_DOT, "%s", names.data);
}

static void print_bad_health(Screen *screen, const HealthRows *health, size_t n_bad) {
        const char *red = on(screen, COLOUR_RED), *off = on(screen, COLOUR_OFF);
        size_t n_shown = 0;

        for (size_t i = 0; i < health->n_rows && n_shown < BAD_ROWS_MAX; i++) {
                const HealthRow *row = health->rows + i;

                if (health_row_is_good(row))
                        continue;

                n_shown++;
                screen_item(screen, COLOUR_RED, GLYPH_CROSS, "%s: %s%s%s, %s", row->key, red, row->verdict,
                                off, row->reason);
        }

        if (n_shown < n_bad)
                screen_item(screen, COLOUR_RED, GLYPH_CROSS, "and %zu more, see argusctl health",
                                n_bad - n_shown);
}

static void print_health(Screen *screen, const HealthRows *health) {
        size_t n_bad = health_rows_count_bad(health), n_good = health->n_rows - n_bad;

        if (health->n_rows == 0)
                screen_line(screen, "Health files", "none");
        else if (n_bad == 0)
                screen_line(screen, "Health files", "%zu reported", n_good);
        else
                screen_line(screen, "Health files", "%zu reported, %s%zu skipped%s", n_good,
                                on(screen, COLOUR_RED), n_bad, on(screen, COLOUR_OFF));

        print_good_health(screen, health, n_good);
        print_bad_health(screen, health, n_bad);
}

int status_screen_print(
                const Terminal *terminal, const AgentView *view, const HealthRows *health, usec_t now) {
        Screen screen = { .terminal = terminal, .now = now };

        print_title(&screen, view);
        print_state(&screen, view);
        print_node(&screen, view);
        print_report(&screen, view);
        print_health(&screen, health);
        return screen.error;
}
