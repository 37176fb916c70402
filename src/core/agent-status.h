/* SPDX-License-Identifier: MIT */
/* The agent as it shows itself: one plain snapshot, of which the agent publishes one and argusctl reads one.
 * What is in it stands in agent-properties.h. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/agent-properties.h"
#include "core/endpoint.h"
#include "core/node.h"
#include "core/outcome.h"
#include "util/time-util.h"

#define AS_MEMBER(name, type, member, signal) PROPERTY_MEMBER_##type member;
#define AS_ENUMERATOR(name, type, member, signal) PROPERTY_##name,

/* All text is safe to show (text_sanitize). */
typedef struct AgentStatus {
        AGENT_PROPERTIES(AS_MEMBER)
} AgentStatus;

typedef enum AgentProperty { AGENT_PROPERTIES(AS_ENUMERATOR) _PROPERTY_MAX } AgentProperty;

#define PROPERTY_BIT(property) (UINT64_C(1) << (property))
#define PROPERTY_ALL (PROPERTY_BIT(_PROPERTY_MAX) - 1)

typedef enum PropertyType {
        PROPERTY_TYPE_STRING,
        PROPERTY_TYPE_BOOLEAN,
        PROPERTY_TYPE_UINT32,
        PROPERTY_TYPE_UINT64,
        PROPERTY_TYPE_TIME,
        PROPERTY_TYPE_HEALTH,
} PropertyType;

typedef struct PropertyInfo {
        const char *name, *signature; /* on D-Bus */
        PropertyType type;
        bool has_signal;     /* PropertiesChanged names it */
        size_t offset, size; /* of the member */
} PropertyInfo;

extern const PropertyInfo agent_properties[_PROPERTY_MAX];

/* Returns _PROPERTY_MAX if no property has this name. */
AgentProperty agent_property_from_name(const char *name);

/* The value of a STRING. */
const char *agent_status_string(const AgentStatus *status, AgentProperty property);

/* The value of any other; a BOOLEAN is 0 or 1, HEALTH the count of its changes. */
uint64_t agent_status_number(const AgentStatus *status, AgentProperty property);

/* Which properties differ, as a mask of PROPERTY_BIT(). */
uint64_t agent_status_compare(const AgentStatus *a, const AgentStatus *b);

/* Makes `shown` equal to `status` and returns what differed. Memory behind a value is not touched. */
uint64_t agent_status_update(AgentStatus *shown, const AgentStatus *status);

#define AS_RESULT(result, name, words) result,

/* How an operation that was requested over D-Bus ended. */
typedef enum OperationResult { OPERATION_OK, AGENT_ERRORS(AS_RESULT) } OperationResult;

typedef struct OperationError {
        const char *name; /* on D-Bus, the whole of it */
        const char *words;
} OperationError;

/* NULL if the result is OPERATION_OK or unknown. */
const OperationError *operation_error(OperationResult result);

/* NULL if the name (which may be NULL) is none of the agent's errors. */
const OperationError *operation_error_from_name(const char *name);
