/* The agent as its properties on D-Bus show it. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "core/endpoint.h"
#include "core/identity.h"
#include "core/outcome.h"
#include "util/macro.h"
#include "util/time-util.h"

typedef enum ViewField {
        VIEW_VERSION,
        VIEW_HOSTNAME,
        VIEW_HEALTH_DIRECTORY,
        VIEW_MASTER_ENDPOINT,
        VIEW_ENV,
        VIEW_USER,
        VIEW_INSTANCE,
        VIEW_IDENTITY_SOURCE,
        VIEW_NODE_ID,
        VIEW_REGISTERED,
        VIEW_STATE_PERSISTED,
        VIEW_STATE,
        VIEW_ADDRESS,
        VIEW_LAST_REGISTRATION_TIMESTAMP,
        VIEW_LAST_REPORT_STATUS,
        VIEW_LAST_REPORT_TIMESTAMP,
        VIEW_LAST_SUCCESSFUL_REPORT_TIMESTAMP,
        VIEW_NEXT_REPORT_TIMESTAMP,
        VIEW_LAST_REPORT_HTTP_STATUS,
        VIEW_LAST_REPORT_ERROR,
        VIEW_CONSECUTIVE_FAILURES,
        VIEW_REPORTS_SUCCEEDED,
        VIEW_REPORTS_FAILED,
        VIEW_REGISTRATIONS,
        VIEW_HEALTH_FILES,
        _VIEW_FIELD_MAX,
} ViewField;

#define VIEW_BIT(field) (UINT64_C(1) << (field))
#define VIEW_ALL (VIEW_BIT(_VIEW_FIELD_MAX) - 1)

#define HEALTH_SIZE_UNKNOWN UINT64_MAX

typedef struct HealthRow {
        char *key, *verdict, *reason;
        uint64_t size;        /* HEALTH_SIZE_UNKNOWN unless somebody looked */
        usec_t modified_usec; /* 0: unknown */
} HealthRow;

typedef struct HealthRows {
        HealthRow *rows;
        size_t n_rows;
} HealthRows;

/* All text is safe to show; what an agent does not have is empty or 0. Times are µs since the epoch. */
typedef struct AgentView {
        char version[64], hostname[256];
        char health_directory[PATH_MAX];
        char master_endpoint[ENDPOINT_SIZE_MAX + 1];
        char env[IDENTITY_PART_MAX + 1], user[IDENTITY_PART_MAX + 1], instance[IDENTITY_PART_MAX + 1];
        char identity_source[64];
        char node_id[NODE_ID_MAX + 1];
        bool is_registered, is_state_persisted;
        char state[64];
        char address[64];
        usec_t last_registration_usec;
        char last_report_status[64];
        usec_t last_report_usec, last_successful_report_usec, next_report_usec;
        uint32_t last_report_http_status;
        char last_report_error[OUTCOME_ERROR_SIZE];
        uint32_t consecutive_failures;
        uint64_t reports_succeeded, reports_failed, registrations;
} AgentView;

/* Reads a dictionary of properties (a{sv}) where the message stands, and past it; both objects are changed
 * in what it holds. HealthFiles replaces all rows. *ret_fields is the mask of VIEW_BIT() of what it held.
 * Returns 0 or a negative errno (then the objects may be changed in part). */
int agent_view_read(AgentView *view, HealthRows *health, sd_bus_message *message, uint64_t *ret_fields);

/* The mask of the fields, of those in `fields`, that differ; HealthFiles counts as different. */
uint64_t agent_view_compare(const AgentView *a, const AgentView *b, uint64_t fields);

/* Online, and the last report succeeded. */
bool agent_view_is_well(const AgentView *view);

/* How a property is called on D-Bus, and what its value is: a string, or a number (a boolean is 0 or 1). */
const char *agent_view_name(ViewField field);
typedef enum ViewType { VIEW_TEXT, VIEW_BOOLEAN, VIEW_NUMBER, VIEW_ROWS } ViewType;
ViewType agent_view_type(ViewField field);
const char *agent_view_text(const AgentView *view, ViewField field);
uint64_t agent_view_number(const AgentView *view, ViewField field);

bool health_row_is_good(const HealthRow *row);
size_t health_rows_count_bad(const HealthRows *health);
void health_rows_done(HealthRows *health);
