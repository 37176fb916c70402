/* What the agent shows of itself: one plain snapshot that D-Bus, STATUS= and the log read. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/endpoint.h"
#include "core/health-set.h"
#include "core/identity.h"
#include "core/node.h"
#include "core/outcome.h"
#include "util/time-util.h"

typedef enum AgentState {
        AGENT_REGISTERING,
        AGENT_ONLINE,
        AGENT_RETRYING,
        AGENT_STOPPING,
} AgentState;

typedef enum ReportStatus {
        REPORT_NEVER,
        REPORT_SUCCESS,
        REPORT_FAILED,
} ReportStatus;

/* All text is safe to show (text_sanitize). Times are CLOCK_REALTIME in µs, 0 for never. */
typedef struct AgentStatus {
        const char *version, *hostname, *health_directory; /* constant */
        char master_endpoint[ENDPOINT_SIZE_MAX + 1];
        char env[IDENTITY_PART_MAX + 1], user[IDENTITY_PART_MAX + 1], instance[IDENTITY_PART_MAX + 1];
        IdentitySource identity_source;
        char node_id[NODE_ID_MAX + 1];
        bool is_registered;
        bool is_state_persisted;
        AgentState state;
        char address[64];
        usec_t last_registration_usec;
        ReportStatus last_report_status;
        usec_t last_report_usec, last_successful_report_usec, next_report_usec;
        uint32_t last_report_http_status;
        char last_report_error[OUTCOME_ERROR_SIZE];
        uint32_t consecutive_failures;
        uint64_t reports_succeeded, reports_failed, registrations;
        uint64_t health_generation; /* counts up when HealthFiles changed */
} AgentStatus;

/* One bit for each property that can change, in the contract's order. */
typedef enum AgentProperty {
        PROPERTY_MASTER_ENDPOINT,
        PROPERTY_ENV,
        PROPERTY_USER,
        PROPERTY_INSTANCE,
        PROPERTY_IDENTITY_SOURCE,
        PROPERTY_NODE_ID,
        PROPERTY_REGISTERED,
        PROPERTY_STATE_PERSISTED,
        PROPERTY_STATE,
        PROPERTY_ADDRESS,
        PROPERTY_LAST_REGISTRATION_TIMESTAMP,
        PROPERTY_LAST_REPORT_STATUS,
        PROPERTY_LAST_REPORT_TIMESTAMP,
        PROPERTY_LAST_SUCCESSFUL_REPORT_TIMESTAMP,
        PROPERTY_NEXT_REPORT_TIMESTAMP,
        PROPERTY_LAST_REPORT_HTTP_STATUS,
        PROPERTY_LAST_REPORT_ERROR,
        PROPERTY_CONSECUTIVE_FAILURES,
        PROPERTY_HEALTH_FILES,
        _PROPERTY_MAX,
} AgentProperty;

/* Which properties differ, as a mask of 1 << AgentProperty. */
uint32_t agent_status_compare(const AgentStatus *a, const AgentStatus *b);

const char *agent_state_to_string(AgentState state);
const char *report_status_to_string(ReportStatus status);

/* How an operation that was asked for over D-Bus ended. */
typedef enum OperationResult {
        OPERATION_OK,
        OPERATION_NOT_REGISTERED,
        OPERATION_UNREACHABLE,
        OPERATION_REJECTED,
        OPERATION_STOPPING,
} OperationResult;
