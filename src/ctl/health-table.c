/* `argusctl health`: the health files as a table. */
#include "ctl/health-table.h"

#include <inttypes.h>
#include <stdio.h>

#include "ctl/clock-text.h"
#include "ctl/text-layout.h"
#include "util/macro.h"

enum {
        GAP = 2,
        /* A longer key has a line of its own, so that it does not push the whole table to the right. */
        KEY_COLUMNS_MIN = 20,
        KEY_COLUMNS_MAX = 40,
        /* Where the terminal is narrow, the keys make room for the reasons. */
        REASON_COLUMNS_MIN = 24,
        SIZE_TEXT_SIZE = sizeof "1023.9 KiB",
};

#define UNKNOWN "-"

/* The widths, with the gaps behind them. */
typedef struct Columns {
        unsigned key, verdict, size, age;
} Columns;

static const char *format_size(char buffer[static SIZE_TEXT_SIZE], uint64_t size) {
        static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
        double number = (double) size;
        size_t unit = 0;

        if (size == HEALTH_SIZE_UNKNOWN)
                return UNKNOWN;
        if (size < 1024) {
                (void) snprintf(buffer, SIZE_TEXT_SIZE, "%" PRIu64 " B", size);
                return buffer;
        }

        for (number /= 1024; number >= 1024 && unit + 1 < ELEMENTSOF(units); unit++)
                number /= 1024;
        (void) snprintf(buffer, SIZE_TEXT_SIZE, "%.1f %s", number, units[unit]);
        return buffer;
}

static const char *format_age(char buffer[static CLOCK_TEXT_SIZE + SPAN_SIZE], usec_t modified, usec_t now) {
        return modified == 0 ? UNKNOWN : format_ago(buffer, modified, now);
}

static unsigned wider(unsigned columns, const char *text) {
        unsigned needed = text_columns(text);

        return needed > columns ? needed : columns;
}

static Columns columns_measure(const Terminal *terminal, const HealthRows *health, usec_t now) {
        Columns columns = {
                .key = text_columns("FILE"),
                .verdict = text_columns("VERDICT"),
                .size = text_columns("SIZE"),
                .age = text_columns("AGE"),
        };
        unsigned key_max = KEY_COLUMNS_MAX, others;

        for (size_t i = 0; i < health->n_rows; i++) {
                const HealthRow *row = health->rows + i;
                char size[SIZE_TEXT_SIZE], age[CLOCK_TEXT_SIZE + SPAN_SIZE];

                columns.verdict = wider(columns.verdict, row->verdict);
                columns.size = wider(columns.size, format_size(size, row->size));
                columns.age = wider(columns.age, format_age(age, row->modified_usec, now));
        }
        columns.verdict += GAP;
        columns.size += GAP;
        columns.age += GAP;

        others = GAP + columns.verdict + columns.size + columns.age + REASON_COLUMNS_MIN;
        if (terminal->width != LAYOUT_NO_WIDTH && health_rows_count_bad(health) > 0 &&
                        others + key_max > terminal->width)
                key_max = others + KEY_COLUMNS_MIN > terminal->width ? KEY_COLUMNS_MIN
                                                                     : terminal->width - others;
        for (size_t i = 0; i < health->n_rows; i++)
                if (text_columns(health->rows[i].key) <= key_max)
                        columns.key = wider(columns.key, health->rows[i].key);
        columns.key += GAP;
        return columns;
}

static void print_row(const Terminal *terminal, const HealthRow *row, const Columns *columns, usec_t now) {
        char size[SIZE_TEXT_SIZE], age[CLOCK_TEXT_SIZE + SPAN_SIZE];
        bool is_good = health_row_is_good(row);

        text_cell(stdout, row->key, columns->key);
        (void) fputs(terminal_colour(terminal, is_good ? COLOUR_GREEN : COLOUR_RED), stdout);
        text_pad(stdout, row->verdict, columns->verdict);
        (void) fputs(terminal_colour(terminal, COLOUR_OFF), stdout);
        text_pad(stdout, format_size(size, row->size), columns->size);

        if (is_good) { /* no spaces at the end */
                (void) puts(format_age(age, row->modified_usec, now));
                return;
        }
        text_pad(stdout, format_age(age, row->modified_usec, now), columns->age);
        text_wrap(stdout, row->reason, columns->key + columns->verdict + columns->size + columns->age,
                        terminal->width);
        (void) putchar('\n');
}

void health_table_print(const Terminal *terminal, const HealthRows *health, usec_t now) {
        size_t n_bad = health_rows_count_bad(health);
        Columns columns;

        if (health->n_rows == 0) {
                (void) puts("No health files.");
                return;
        }

        columns = columns_measure(terminal, health, now);
        (void) fputs(terminal_colour(terminal, COLOUR_BOLD), stdout);
        text_pad(stdout, "FILE", columns.key);
        text_pad(stdout, "VERDICT", columns.verdict);
        text_pad(stdout, "SIZE", columns.size);
        text_pad(stdout, "AGE", columns.age);
        (void) printf("REASON%s\n", terminal_colour(terminal, COLOUR_OFF));

        for (size_t i = 0; i < health->n_rows; i++)
                print_row(terminal, health->rows + i, &columns, now);

        (void) printf("\n%zu reported, %zu skipped.\n", health->n_rows - n_bad, n_bad);
}
