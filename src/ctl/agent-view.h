/* SPDX-License-Identifier: MIT */
/* The agent as its properties on D-Bus say: read from a message, and put into words. What properties there
 * are stands in core/agent-properties.h. */
#pragma once

#include <systemd/sd-bus.h>

#include "core/agent-status.h"
#include "ctl/clock-text.h"

/* What an agent does not have is empty or 0. */
typedef AgentStatus AgentView;

#define HEALTH_SIZE_UNKNOWN UINT64_MAX

/* A key of 128 bytes or a file name of 255, escaped; one sentence. */
enum { ROW_TEXT_SIZE = 1025 };

typedef struct HealthRow {
        char key[ROW_TEXT_SIZE], verdict[32], reason[ROW_TEXT_SIZE];
        uint64_t size;        /* HEALTH_SIZE_UNKNOWN unless somebody looked */
        usec_t modified_usec; /* 0: unknown */
} HealthRow;

typedef struct HealthRows {
        HealthRow *rows;
        size_t n_rows;
} HealthRows;

/* Reads a dictionary of properties (a{sv}) into both objects, which begin empty. A property that is unknown
 * here or of another type is another version's, and skipped. Returns 0 or a negative errno; then too the
 * rows are to be released. */
int agent_view_read(AgentView *view, HealthRows *health, sd_bus_message *message);

/* Online, and the last report succeeded. */
bool agent_view_is_well(const AgentView *view);

/* The value for a person: "none" for nothing, a time as the journal shows it; "changed" for HealthFiles. */
const char *agent_view_text(
                const AgentView *view, AgentProperty property, char buffer[static CLOCK_TEXT_SIZE]);

bool health_row_is_good(const HealthRow *row);
size_t health_rows_count_bad(const HealthRows *health);
bool health_rows_equal(const HealthRows *a, const HealthRows *b);

/* NULL if there is none of this key. */
const HealthRow *health_row_find(const HealthRows *health, const char *key);
void health_rows_done(HealthRows *health);
