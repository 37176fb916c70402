/* Which of the properties on D-Bus differ between two snapshots, and how the states are written. */
#include "core/agent-status.h"

#include <string.h>

#include "util/macro.h"
#include "util/text.h"

typedef enum FieldKind {
        FIELD_PLAIN,
        FIELD_TEXT, /* an array that holds a string, and behind its NUL whatever was there before */
} FieldKind;

typedef struct Field {
        size_t offset, size;
        FieldKind kind;
} Field;

#define PLAIN(member)                                                                                       \
        { offsetof(AgentStatus, member), sizeof((AgentStatus){}.member), FIELD_PLAIN }
#define TEXT(member)                                                                                        \
        { offsetof(AgentStatus, member), 0, FIELD_TEXT }

static const Field fields[_PROPERTY_MAX] = {
        [PROPERTY_MASTER_ENDPOINT] = TEXT(master_endpoint),
        [PROPERTY_ENV] = TEXT(env),
        [PROPERTY_USER] = TEXT(user),
        [PROPERTY_INSTANCE] = TEXT(instance),
        [PROPERTY_IDENTITY_SOURCE] = PLAIN(identity_source),
        [PROPERTY_NODE_ID] = TEXT(node_id),
        [PROPERTY_REGISTERED] = PLAIN(is_registered),
        [PROPERTY_STATE_PERSISTED] = PLAIN(is_state_persisted),
        [PROPERTY_STATE] = PLAIN(state),
        [PROPERTY_ADDRESS] = TEXT(address),
        [PROPERTY_LAST_REGISTRATION_TIMESTAMP] = PLAIN(last_registration_usec),
        [PROPERTY_LAST_REPORT_STATUS] = PLAIN(last_report_status),
        [PROPERTY_LAST_REPORT_TIMESTAMP] = PLAIN(last_report_usec),
        [PROPERTY_LAST_SUCCESSFUL_REPORT_TIMESTAMP] = PLAIN(last_successful_report_usec),
        [PROPERTY_NEXT_REPORT_TIMESTAMP] = PLAIN(next_report_usec),
        [PROPERTY_LAST_REPORT_HTTP_STATUS] = PLAIN(last_report_http_status),
        [PROPERTY_LAST_REPORT_ERROR] = TEXT(last_report_error),
        [PROPERTY_CONSECUTIVE_FAILURES] = PLAIN(consecutive_failures),
        [PROPERTY_HEALTH_FILES] = PLAIN(health_generation),
};

static bool field_equal(const Field *field, const AgentStatus *a, const AgentStatus *b) {
        const char *in_a = (const char *) a + field->offset, *in_b = (const char *) b + field->offset;

        if (field->kind == FIELD_TEXT)
                return streq(in_a, in_b);
        return memcmp(in_a, in_b, field->size) == 0;
}

uint32_t agent_status_compare(const AgentStatus *a, const AgentStatus *b) {
        uint32_t mask = 0;

        static_assert(_PROPERTY_MAX <= 32, "one bit for each property");

        for (size_t i = 0; i < _PROPERTY_MAX; i++)
                if (!field_equal(fields + i, a, b))
                        mask |= UINT32_C(1) << i;
        return mask;
}

const char *agent_state_to_string(AgentState state) {
        static const char *const names[] = {
                [AGENT_REGISTERING] = "registering",
                [AGENT_ONLINE] = "online",
                [AGENT_RETRYING] = "retrying",
                [AGENT_STOPPING] = "stopping",
        };

        assert((size_t) state < ELEMENTSOF(names));
        return names[state];
}

const char *report_status_to_string(ReportStatus status) {
        static const char *const names[] = {
                [REPORT_NEVER] = "never",
                [REPORT_SUCCESS] = "success",
                [REPORT_FAILED] = "failed",
        };

        assert((size_t) status < ELEMENTSOF(names));
        return names[status];
}
