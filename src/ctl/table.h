/* SPDX-License-Identifier: MIT */
/* A table on standard output, as `argusctl health` prints it: the first column is a name, the second a
 * verdict in green or red, the last one free text that goes on below itself where the terminal is narrow. */
#pragma once

#include <stddef.h>

#include "ctl/terminal.h"
#include "util/time-util.h"

enum { TABLE_COLUMNS_MAX = 5, TABLE_CELL_SIZE = 512 };

typedef struct Table Table;
struct Table {
        const char *headings[TABLE_COLUMNS_MAX];
        size_t n_columns, n_rows;
        /* What the cell says: text of its own, or written into `buffer`. Called more than once. */
        const char *(*cell)(
                        const Table *table, size_t row, size_t column, char buffer[static TABLE_CELL_SIZE]);
        const char *good; /* what the second column says where all is well */
        const void *rows;
        usec_t now;
};

void table_print(const Table *table, const Terminal *terminal);
