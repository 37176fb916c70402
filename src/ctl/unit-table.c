/* `argusctl health`: the watched units as a table. */
#include "ctl/unit-table.h"

#include <stdio.h>

#include "ctl/clock-text.h"
#include "ctl/text-layout.h"

enum { GAP = 2, COLUMNS_MAX = 48 };

static unsigned wider(unsigned columns, const char *text) {
        unsigned needed = text_columns(text);

        return needed > columns && needed <= COLUMNS_MAX ? needed : columns;
}

void unit_table_print(const Terminal *terminal, const HealthDetail *detail, usec_t now) {
        unsigned name_columns = text_columns("UNIT"), state_columns = text_columns("STATE");
        const unsigned healthy_columns = text_columns("HEALTHY") + GAP;
        const char *off = terminal_colour(terminal, COLOUR_OFF);
        size_t n_healthy = 0;

        for (size_t i = 0; i < detail->n_units; i++) {
                name_columns = wider(name_columns, detail->units[i].name);
                state_columns = wider(state_columns, detail->units[i].state);
        }
        name_columns += GAP;
        state_columns += GAP;

        (void) fputs(terminal_colour(terminal, COLOUR_BOLD), stdout);
        text_pad(stdout, "UNIT", name_columns);
        text_pad(stdout, "HEALTHY", healthy_columns);
        text_pad(stdout, "STATE", state_columns);
        (void) printf("SINCE%s\n", off);

        for (size_t i = 0; i < detail->n_units; i++) {
                const UnitRow *unit = &detail->units[i];
                char ago[CLOCK_TEXT_SIZE + SPAN_SIZE];

                n_healthy += unit->is_healthy;
                text_pad(stdout, unit->name, name_columns);
                (void) fputs(terminal_colour(terminal, unit->is_healthy ? COLOUR_GREEN : COLOUR_RED),
                                stdout);
                text_pad(stdout, unit->is_healthy ? "yes" : "no", healthy_columns);
                (void) fputs(off, stdout);
                text_pad(stdout, unit->state, state_columns);
                (void) puts(unit->since_usec > 0 ? format_ago(ago, unit->since_usec, now) : "never");
        }

        (void) printf("\n%zu healthy, %zu not.\n", n_healthy, detail->n_units - n_healthy);
}
