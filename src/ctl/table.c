/* SPDX-License-Identifier: MIT */
/* A table on standard output, as `argusctl health` prints it. */
#include "ctl/table.h"

#include <limits.h>

#include "util/text.h"

enum {
        GAP = 2,
        /* A longer name has a line of its own, so that it does not push the whole table to the right. */
        NAME_COLUMNS_MIN = 20,
        NAME_COLUMNS_MAX = 40,
        /* Where the terminal is narrow, the names make room for the last column. */
        LAST_COLUMNS = 24,
};

static unsigned cell_columns(const Table *table, size_t row, size_t column) {
        char buffer[TABLE_CELL_SIZE];

        return text_columns(table->cell(table, row, column, buffer));
}

/* The widest of the column that is not wider than `max`. */
static unsigned column_width(const Table *table, size_t column, unsigned max) {
        unsigned width = text_columns(table->headings[column]), columns;

        for (size_t row = 0; row < table->n_rows; row++) {
                columns = cell_columns(table, row, column);
                if (columns > width && columns <= max)
                        width = columns;
        }
        return width;
}

/* The widths of all columns but the last, with the gaps behind them. */
static void measure(const Table *table, unsigned terminal_width, unsigned widths[static TABLE_COLUMNS_MAX]) {
        size_t last = table->n_columns - 1;
        unsigned name_max = NAME_COLUMNS_MAX, taken = GAP;

        for (size_t column = 1; column < last; column++) {
                widths[column] = column_width(table, column, UINT_MAX) + GAP;
                taken += widths[column];
        }
        taken += (unsigned) min_size(column_width(table, last, UINT_MAX), LAST_COLUMNS);

        if (terminal_width != NO_WIDTH && terminal_width < taken + NAME_COLUMNS_MIN)
                name_max = NAME_COLUMNS_MIN;
        else if (terminal_width != NO_WIDTH && terminal_width < taken + NAME_COLUMNS_MAX)
                name_max = terminal_width - taken;
        widths[0] = column_width(table, 0, name_max) + GAP;
}

static void print_headings(const Table *table, const Terminal *terminal, const unsigned *widths) {
        size_t last = table->n_columns - 1;

        (void) fputs(terminal->bold, stdout);
        for (size_t column = 0; column < last; column++)
                text_pad(stdout, table->headings[column], widths[column]);
        (void) printf("%s%s\n", table->headings[last], terminal->off);
}

static void print_name(const char *name, unsigned width) {
        if (text_columns(name) >= width) {
                (void) puts(name);
                name = "";
        }
        text_pad(stdout, name, width);
}

static void print_row(const Table *table, size_t row, const Terminal *t, const unsigned *widths) {
        size_t last = table->n_columns - 1;
        char buffer[TABLE_CELL_SIZE];
        unsigned indent = 0;

        if (cell_columns(table, row, last) == 0) /* no spaces at the end */
                last--;
        for (size_t column = 0; column < last; column++) {
                const char *text = table->cell(table, row, column, buffer);

                if (column == 0)
                        print_name(text, widths[0]);
                else {
                        (void) fputs(column > 1 ? "" : streq(text, table->good) ? t->green : t->red, stdout);
                        text_pad(stdout, text, widths[column]);
                        (void) fputs(column > 1 ? "" : t->off, stdout);
                }
                indent += widths[column];
        }
        print_wrapped(t, indent, "%s", table->cell(table, row, last, buffer));
}

void table_print(const Table *table, const Terminal *terminal) {
        unsigned widths[TABLE_COLUMNS_MAX] = {};

        measure(table, terminal->width, widths);
        print_headings(table, terminal, widths);
        for (size_t row = 0; row < table->n_rows; row++)
                print_row(table, row, terminal, widths);
}
