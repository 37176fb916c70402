/* The agent as its properties on D-Bus show it. */
#include "ctl/agent-view.h"

#include <errno.h>
#include <string.h>

#include "util/text.h"

/* Rows of HealthFiles are short: a key of 128 bytes, escaped, and one sentence. */
enum { ROW_TEXT_MAX = 1024 };

typedef struct Field {
        const char *name;
        char type; /* of D-Bus; 'a' for HealthFiles */
        size_t offset, size;
} Field;

#define FIELD(property, type, member)                                                                       \
        { property, type, offsetof(AgentView, member), sizeof((AgentView){}.member) }

static const Field properties[_VIEW_FIELD_MAX] = {
        [VIEW_VERSION] = FIELD("Version", 's', version),
        [VIEW_HOSTNAME] = FIELD("Hostname", 's', hostname),
        [VIEW_HEALTH_DIRECTORY] = FIELD("HealthDirectory", 's', health_directory),
        [VIEW_MASTER_ENDPOINT] = FIELD("MasterEndpoint", 's', master_endpoint),
        [VIEW_ENV] = FIELD("Env", 's', env),
        [VIEW_USER] = FIELD("User", 's', user),
        [VIEW_INSTANCE] = FIELD("Instance", 's', instance),
        [VIEW_IDENTITY_SOURCE] = FIELD("IdentitySource", 's', identity_source),
        [VIEW_NODE_ID] = FIELD("NodeId", 's', node_id),
        [VIEW_REGISTERED] = FIELD("Registered", 'b', is_registered),
        [VIEW_STATE_PERSISTED] = FIELD("StatePersisted", 'b', is_state_persisted),
        [VIEW_STATE] = FIELD("State", 's', state),
        [VIEW_ADDRESS] = FIELD("Address", 's', address),
        [VIEW_LAST_REGISTRATION_TIMESTAMP] = FIELD("LastRegistrationTimestamp", 't', last_registration_usec),
        [VIEW_LAST_REPORT_STATUS] = FIELD("LastReportStatus", 's', last_report_status),
        [VIEW_LAST_REPORT_TIMESTAMP] = FIELD("LastReportTimestamp", 't', last_report_usec),
        [VIEW_LAST_SUCCESSFUL_REPORT_TIMESTAMP] =
                        FIELD("LastSuccessfulReportTimestamp", 't', last_successful_report_usec),
        [VIEW_NEXT_REPORT_TIMESTAMP] = FIELD("NextReportTimestamp", 't', next_report_usec),
        [VIEW_LAST_REPORT_HTTP_STATUS] = FIELD("LastReportHttpStatus", 'u', last_report_http_status),
        [VIEW_LAST_REPORT_ERROR] = FIELD("LastReportError", 's', last_report_error),
        [VIEW_CONSECUTIVE_FAILURES] = FIELD("ConsecutiveFailures", 'u', consecutive_failures),
        [VIEW_REPORTS_SUCCEEDED] = FIELD("ReportsSucceeded", 't', reports_succeeded),
        [VIEW_REPORTS_FAILED] = FIELD("ReportsFailed", 't', reports_failed),
        [VIEW_REGISTRATIONS] = FIELD("Registrations", 't', registrations),
        [VIEW_HEALTH_FILES] = { .name = "HealthFiles", .type = 'a' },
};

/* ---- reading ---- */

static int rows_append(HealthRows *health, const char *key, const char *verdict, const char *reason) {
        HealthRow *rows, *row;

        rows = reallocarray(health->rows, health->n_rows + 1, sizeof *rows);
        if (!rows)
                return -ENOMEM;
        health->rows = rows;

        row = rows + health->n_rows++;
        *row = (HealthRow){
                .key = text_sanitize(key, strlen(key), ROW_TEXT_MAX),
                .verdict = text_sanitize(verdict, strlen(verdict), ROW_TEXT_MAX),
                .reason = text_sanitize(reason, strlen(reason), ROW_TEXT_MAX),
                .size = HEALTH_SIZE_UNKNOWN,
        };
        return row->key && row->verdict && row->reason ? 0 : -ENOMEM;
}

static int read_rows(HealthRows *health, sd_bus_message *message) {
        _cleanup_(health_rows_done) HealthRows read = {};
        const char *key, *verdict, *reason;
        int r;

        r = sd_bus_message_enter_container(message, 'a', "(sss)");
        if (r < 0)
                return r;

        while ((r = sd_bus_message_read(message, "(sss)", &key, &verdict, &reason)) > 0) {
                r = rows_append(&read, key, verdict, reason);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;

        r = sd_bus_message_exit_container(message);
        if (r < 0)
                return r;

        health_rows_done(health);
        *health = read;
        read = (HealthRows){};
        return 0;
}

static int read_value(AgentView *view, HealthRows *health, const Field *field, sd_bus_message *message) {
        char *member = (char *) view + field->offset;
        const char *text;
        int boolean, r;

        switch (field->type) {
        case 's':
                r = sd_bus_message_read_basic(message, 's', &text);
                if (r >= 0)
                        text_sanitize_into(member, field->size, text, strlen(text));
                return r;
        case 'b':
                r = sd_bus_message_read_basic(message, 'b', &boolean);
                if (r >= 0)
                        *(bool *) member = boolean;
                return r;
        case 'u':
        case 't':
                return sd_bus_message_read_basic(message, field->type, member);
        default:
                return read_rows(health, message);
        }
}

static const Field *field_find(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(properties); i++)
                if (streq(properties[i].name, name))
                        return properties + i;
        return NULL;
}

/* A property that is unknown here or of another type is another version's: it is passed over. */
static int read_property(AgentView *view, HealthRows *health, sd_bus_message *message, uint64_t *mask) {
        const char *name, *contents;
        const Field *field;
        char type;
        int r;

        r = sd_bus_message_read_basic(message, 's', &name);
        if (r < 0)
                return r;
        r = sd_bus_message_peek_type(message, &type, &contents);
        if (r < 0)
                return r;

        field = field_find(name);
        if (!field || !streq(contents, field->type == 'a' ? "a(sss)" : (char[]){ field->type, '\0' }))
                return sd_bus_message_skip(message, "v");

        r = sd_bus_message_enter_container(message, 'v', contents);
        if (r < 0)
                return r;
        r = read_value(view, health, field, message);
        if (r < 0)
                return r;

        *mask |= VIEW_BIT(field - properties);
        return sd_bus_message_exit_container(message);
}

int agent_view_read(AgentView *view, HealthRows *health, sd_bus_message *message, uint64_t *ret_fields) {
        uint64_t mask = 0;
        int r;

        r = sd_bus_message_enter_container(message, 'a', "{sv}");
        if (r < 0)
                return r;

        while ((r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
                r = read_property(view, health, message, &mask);
                if (r < 0)
                        return r;
                r = sd_bus_message_exit_container(message);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;

        r = sd_bus_message_exit_container(message);
        if (r < 0)
                return r;

        *ret_fields = mask;
        return 0;
}

/* ---- the values ---- */

uint64_t agent_view_compare(const AgentView *a, const AgentView *b, uint64_t fields) {
        uint64_t differing = fields & VIEW_BIT(VIEW_HEALTH_FILES);

        for (ViewField i = 0; i < VIEW_HEALTH_FILES; i++) {
                const char *in_a = (const char *) a + properties[i].offset;
                const char *in_b = (const char *) b + properties[i].offset;
                bool is_same = properties[i].type == 's' ? streq(in_a, in_b)
                                                         : memcmp(in_a, in_b, properties[i].size) == 0;

                if (!is_same)
                        differing |= fields & VIEW_BIT(i);
        }

        return differing;
}

bool agent_view_is_well(const AgentView *view) {
        return streq(view->state, "online") && streq(view->last_report_status, "success");
}

const char *agent_view_name(ViewField field) {
        return properties[field].name;
}

ViewType agent_view_type(ViewField field) {
        switch (properties[field].type) {
        case 's':
                return VIEW_TEXT;
        case 'b':
                return VIEW_BOOLEAN;
        case 'a':
                return VIEW_ROWS;
        default:
                return VIEW_NUMBER;
        }
}

const char *agent_view_text(const AgentView *view, ViewField field) {
        return (const char *) view + properties[field].offset;
}

uint64_t agent_view_number(const AgentView *view, ViewField field) {
        const char *member = (const char *) view + properties[field].offset;

        switch (properties[field].type) {
        case 'b':
                return *(const bool *) member;
        case 'u':
                return *(const uint32_t *) (const void *) member;
        default:
                return *(const uint64_t *) (const void *) member;
        }
}

/* ---- health files ---- */

bool health_row_is_good(const HealthRow *row) {
        return streq(row->verdict, "ok");
}

size_t health_rows_count_bad(const HealthRows *health) {
        size_t count = 0;

        for (size_t i = 0; i < health->n_rows; i++)
                count += !health_row_is_good(health->rows + i);
        return count;
}

void health_rows_done(HealthRows *health) {
        for (size_t i = 0; i < health->n_rows; i++) {
                free(health->rows[i].key);
                free(health->rows[i].verdict);
                free(health->rows[i].reason);
        }
        free(health->rows);
        *health = (HealthRows){};
}
