/* SPDX-License-Identifier: MIT */
/* What the two lists of agent-properties.h say, as tables; reading and comparing properties by them. */
#include "core/agent-status.h"

#include <string.h>

#include "util/macro.h"
#include "util/text.h"

#define PROPERTY_TYPE_STRING(max) PROPERTY_TYPE_STRING

enum { SIGNAL_CONSTANT = false, SIGNAL_CHANGES = true, SIGNAL_INVALIDATES = true, SIGNAL_COUNTS = false };

#define AS_ROW(property, kind, member, signal)                                                              \
        { #property, PROPERTY_SIGNATURE_##kind, PROPERTY_TYPE_##kind, SIGNAL_##signal,                      \
                offsetof(AgentStatus, member), sizeof(((AgentStatus *) NULL)->member) },

const PropertyInfo agent_properties[_PROPERTY_MAX] = { AGENT_PROPERTIES(AS_ROW) };

static_assert(_PROPERTY_MAX < 64, "one bit for each property");

AgentProperty agent_property_from_name(const char *name) {
        AgentProperty property = 0;

        while (property < _PROPERTY_MAX && !streq(agent_properties[property].name, name))
                property++;
        return property;
}

static const void *member_of(const AgentStatus *status, AgentProperty property) {
        return (const char *) status + agent_properties[property].offset;
}

const char *agent_status_string(const AgentStatus *status, AgentProperty property) {
        assert(agent_properties[property].type == PROPERTY_TYPE_STRING);
        return member_of(status, property);
}

uint64_t agent_status_number(const AgentStatus *status, AgentProperty property) {
        switch (agent_properties[property].size) {
        case sizeof(bool):
                return *(const bool *) member_of(status, property);
        case sizeof(uint32_t):
                return *(const uint32_t *) member_of(status, property);
        default:
                assert(agent_properties[property].size == sizeof(uint64_t));
                return *(const uint64_t *) member_of(status, property);
        }
}

/* Behind the NUL of a string is whatever was there before. */
static bool is_equal(const AgentStatus *a, const AgentStatus *b, AgentProperty property) {
        if (agent_properties[property].type == PROPERTY_TYPE_STRING)
                return streq(agent_status_string(a, property), agent_status_string(b, property));
        return agent_status_number(a, property) == agent_status_number(b, property);
}

uint64_t agent_status_compare(const AgentStatus *a, const AgentStatus *b) {
        uint64_t mask = 0;

        for (AgentProperty i = 0; i < _PROPERTY_MAX; i++)
                if (!is_equal(a, b, i))
                        mask |= PROPERTY_BIT(i);
        return mask;
}

uint64_t agent_status_update(AgentStatus *shown, const AgentStatus *status) {
        uint64_t mask = agent_status_compare(shown, status);

        for (AgentProperty i = 0; i < _PROPERTY_MAX; i++) {
                const PropertyInfo *info = agent_properties + i;

                if (mask & PROPERTY_BIT(i))
                        memcpy((char *) shown + info->offset, member_of(status, i),
                                        info->type == PROPERTY_TYPE_STRING
                                                        ? strlen(agent_status_string(status, i)) + 1
                                                        : info->size);
        }
        return mask;
}

#define AS_ERROR(result, error, text) [result] = { AGENT_ERROR_PREFIX error, text },

static const OperationError errors[] = { AGENT_ERRORS(AS_ERROR) };

const OperationError *operation_error(OperationResult result) {
        return (size_t) result < ELEMENTSOF(errors) && errors[result].name ? errors + result : NULL;
}

const OperationError *operation_error_from_name(const char *name) {
        for (size_t i = OPERATION_OK + 1; name && i < ELEMENTSOF(errors); i++)
                if (streq(errors[i].name, name))
                        return errors + i;
        return NULL;
}
