/* `argusctl health`: the watched units as a table. */
#include "ctl/unit-table.h"

#include <stdio.h>

#include "ctl/clock-text.h"
#include "ctl/text-layout.h"

enum {
        GAP = 2,
        /* A longer name has a line of its own: on 80 columns there is room left for the state. */
        NAME_COLUMNS_MAX = 36,
};

static unsigned wider(unsigned columns, const char *text) {
        unsigned needed = text_columns(text);

        return needed > columns ? needed : columns;
}

static const char *format_since(char buffer[static CLOCK_TEXT_SIZE + SPAN_SIZE], usec_t since, usec_t now) {
        return since > 0 ? format_ago(buffer, since, now) : "never";
}

void unit_table_print(const Terminal *terminal, const HealthDetail *detail, usec_t now) {
        unsigned name_columns = text_columns("UNIT"), since_columns = text_columns("SINCE");
        const unsigned healthy_columns = text_columns("HEALTHY") + GAP;
        const char *off = terminal_colour(terminal, COLOUR_OFF);
        char since[CLOCK_TEXT_SIZE + SPAN_SIZE];
        size_t n_healthy = 0;

        for (size_t i = 0; i < detail->n_units; i++) {
                const UnitRow *unit = &detail->units[i];

                if (text_columns(unit->name) <= NAME_COLUMNS_MAX)
                        name_columns = wider(name_columns, unit->name);
                since_columns = wider(since_columns, format_since(since, unit->since_usec, now));
        }
        name_columns += GAP;
        since_columns += GAP;

        (void) fputs(terminal_colour(terminal, COLOUR_BOLD), stdout);
        text_pad(stdout, "UNIT", name_columns);
        text_pad(stdout, "HEALTHY", healthy_columns);
        text_pad(stdout, "SINCE", since_columns);
        (void) printf("STATE%s\n", off);

        for (size_t i = 0; i < detail->n_units; i++) {
                const UnitRow *unit = &detail->units[i];

                n_healthy += unit->is_healthy;
                text_cell(stdout, unit->name, name_columns);
                (void) fputs(terminal_colour(terminal, unit->is_healthy ? COLOUR_GREEN : COLOUR_RED),
                                stdout);
                text_pad(stdout, unit->is_healthy ? "yes" : "no", healthy_columns);
                (void) fputs(off, stdout);
                text_pad(stdout, format_since(since, unit->since_usec, now), since_columns);
                text_wrap(stdout, unit->state, name_columns + healthy_columns + since_columns,
                                terminal->width);
                (void) putchar('\n');
        }

        (void) printf("\n%zu healthy, %zu not.\n", n_healthy, detail->n_units - n_healthy);
}
