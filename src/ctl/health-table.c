/* `argusctl health`: the health files as a table. */
#include "ctl/health-table.h"

#include <stdio.h>

#include "ctl/text-layout.h"

/* A longer key has a line of its own, so that it does not push the whole table to the right. */
enum { KEY_COLUMNS_MAX = 40, GAP = 2, SIZE_TEXT_SIZE = sizeof "1023.9 KiB" };

static void print_key(const char *key, unsigned columns) {
        if (text_columns(key) + GAP > columns) {
                (void) puts(key);
                key = "";
        }
        text_pad(stdout, key, columns);
}

/* A file has 1 MiB at most. */
static const char *format_size(char buffer[static SIZE_TEXT_SIZE], size_t size) {
        if (size == 0)
                buffer[0] = '\0';
        else if (size < 1024)
                (void) snprintf(buffer, SIZE_TEXT_SIZE, "%zu B", size);
        else
                (void) snprintf(buffer, SIZE_TEXT_SIZE, "%.1f KiB", (double) size / 1024);
        return buffer;
}

void health_table_print(const Terminal *terminal, const HealthRows *health, bool has_sizes) {
        const unsigned size_columns = has_sizes ? SIZE_TEXT_SIZE - 1 + GAP : 0;
        char size[SIZE_TEXT_SIZE];
        unsigned key_columns = text_columns("KEY"), verdict_columns = text_columns("VERDICT");
        const char *off = terminal_colour(terminal, COLOUR_OFF);
        size_t n_bad = health_rows_count_bad(health);

        if (health->n_rows == 0) {
                (void) puts("No health files.");
                return;
        }

        for (size_t i = 0; i < health->n_rows; i++) {
                unsigned key = text_columns(health->rows[i].key);
                unsigned verdict = text_columns(health->rows[i].verdict);

                if (key > key_columns && key <= KEY_COLUMNS_MAX)
                        key_columns = key;
                if (verdict > verdict_columns)
                        verdict_columns = verdict;
        }
        key_columns += GAP;
        verdict_columns += GAP;

        (void) fputs(terminal_colour(terminal, COLOUR_BOLD), stdout);
        text_pad(stdout, "KEY", key_columns);
        text_pad(stdout, "VERDICT", verdict_columns);
        if (has_sizes)
                text_pad(stdout, "SIZE", size_columns);
        (void) printf("REASON%s\n", off);

        for (size_t i = 0; i < health->n_rows; i++) {
                const HealthRow *row = health->rows + i;
                bool is_good = health_row_is_good(row);

                print_key(row->key, key_columns);
                (void) fputs(terminal_colour(terminal, is_good ? COLOUR_GREEN : COLOUR_RED), stdout);
                if (is_good && row->size == 0) { /* nothing follows, and no spaces at the end */
                        (void) printf("%s%s\n", row->verdict, off);
                        continue;
                }
                text_pad(stdout, row->verdict, verdict_columns);
                (void) fputs(off, stdout);

                if (is_good) {
                        (void) puts(format_size(size, row->size));
                        continue;
                }
                if (has_sizes)
                        text_pad(stdout, "", size_columns);
                text_wrap(stdout, row->reason, key_columns + verdict_columns + size_columns,
                                terminal->width);
                (void) putchar('\n');
        }

        (void) printf("\n%zu reported, %zu left out.\n", health->n_rows - n_bad, n_bad);
}
