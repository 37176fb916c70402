/* What HealthFiles does not have: how large and how old each file is, and the watched units. Some of it the
 * `health` object tells, some the files themselves. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "ctl/agent-view.h"

/* All text is safe to show. */
typedef struct UnitRow {
        char *name;
        char *state; /* "active (running)", "failed (failed), exit-code, 5 restarts", … */
        bool is_healthy;
        usec_t since_usec; /* µs since the epoch; 0: never */
} UnitRow;

typedef struct HealthDetail {
        UnitRow *units;
        size_t n_units;
} HealthDetail;

/* Reads GetHealth's answer: gives the rows, which are in the order of the files, the sizes of what is
 * reported of them. Returns 0;
 * -EBADMSG if it is no such object; or -ENOMEM. */
int health_detail_read(const char *text, HealthRows *rows, HealthDetail *ret);
void health_detail_done(HealthDetail *detail);

/* Looks at the files in the agent's directory, which may be out of reach or not there: gives the rows of
 * those that can be seen their size on disk and age. */
void health_rows_stat(HealthRows *rows, const char *directory);
