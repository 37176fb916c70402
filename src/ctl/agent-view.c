/* SPDX-License-Identifier: MIT */
#include "ctl/agent-view.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/terminal.h"
#include "util/text.h"

static void append_row(HealthRows *health, const char *key, const char *verdict, const char *reason) {
        HealthRow *rows = reallocarray(health->rows, health->n_rows + 1, sizeof *rows), *row;

        if (!rows)
                exit_out_of_memory();
        health->rows = rows;
        row = rows + health->n_rows++;
        row->size = HEALTH_SIZE_UNKNOWN;
        row->modified_usec = 0;
        text_sanitize_into(row->key, sizeof row->key, key, strlen(key));
        text_sanitize_into(row->verdict, sizeof row->verdict, verdict, strlen(verdict));
        text_sanitize_into(row->reason, sizeof row->reason, reason, strlen(reason));
}

static int read_rows(HealthRows *health, sd_bus_message *message, const char *signature) {
        const char *key, *verdict, *reason;
        int r;

        r = sd_bus_message_enter_container(message, 'v', signature);
        if (r >= 0)
                r = sd_bus_message_enter_container(message, 'a', signature + 1);
        while (r >= 0 && (r = sd_bus_message_read(message, "(sss)", &key, &verdict, &reason)) > 0)
                append_row(health, key, verdict, reason);
        if (r >= 0)
                r = sd_bus_message_exit_container(message);
        return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int read_value(
                AgentView *view, HealthRows *health, const PropertyInfo *info, sd_bus_message *message) {
        char *member = (char *) view + info->offset;
        const char *text;
        int boolean, r;

        switch (info->type) {
        case PROPERTY_TYPE_STRING:
                r = sd_bus_message_read(message, "v", "s", &text);
                if (r >= 0)
                        text_sanitize_into(member, info->size, text, strlen(text));
                return r;
        case PROPERTY_TYPE_BOOLEAN:
                r = sd_bus_message_read(message, "v", "b", &boolean);
                if (r >= 0)
                        *(bool *) member = boolean;
                return r;
        case PROPERTY_TYPE_HEALTH:
                return read_rows(health, message, info->signature);
        default:
                return sd_bus_message_read(message, "v", info->signature, member);
        }
}

static int read_property(AgentView *view, HealthRows *health, sd_bus_message *message) {
        const char *name, *contents;
        AgentProperty property;
        int r;

        r = sd_bus_message_read_basic(message, 's', &name);
        if (r >= 0)
                r = sd_bus_message_peek_type(message, NULL, &contents);
        if (r < 0)
                return r;

        property = agent_property_from_name(name);
        if (property == _PROPERTY_MAX || !streq(contents, agent_properties[property].signature))
                return sd_bus_message_skip(message, "v");
        return read_value(view, health, agent_properties + property, message);
}

int agent_view_read(AgentView *view, HealthRows *health, sd_bus_message *message) {
        int r;

        r = sd_bus_message_enter_container(message, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
                r = read_property(view, health, message);
                if (r >= 0)
                        r = sd_bus_message_exit_container(message);
        }
        return r < 0 ? r : sd_bus_message_exit_container(message);
}

bool agent_view_is_well(const AgentView *view) {
        return streq(view->state, "online") && streq(view->last_report_status, "success");
}

const char *agent_view_text(
                const AgentView *view, AgentProperty property, char buffer[static CLOCK_TEXT_SIZE]) {
        PropertyType type = agent_properties[property].type;
        uint64_t number;

        if (type == PROPERTY_TYPE_HEALTH)
                return "changed";
        if (type == PROPERTY_TYPE_STRING) {
                const char *text = agent_status_string(view, property);

                return isempty(text) ? "none" : text;
        }

        number = agent_status_number(view, property);
        if (type == PROPERTY_TYPE_BOOLEAN)
                return number ? "yes" : "no";
        if (type == PROPERTY_TYPE_TIME)
                return number ? format_clock_short(buffer, number) : "none";
        (void) snprintf(buffer, CLOCK_TEXT_SIZE, "%" PRIu64, number);
        return buffer;
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

bool health_rows_equal(const HealthRows *a, const HealthRows *b) {
        if (a->n_rows != b->n_rows)
                return false;
        for (size_t i = 0; i < a->n_rows; i++)
                if (!streq(a->rows[i].key, b->rows[i].key) ||
                                !streq(a->rows[i].verdict, b->rows[i].verdict) ||
                                !streq(a->rows[i].reason, b->rows[i].reason))
                        return false;
        return true;
}

const HealthRow *health_row_find(const HealthRows *health, const char *key) {
        for (size_t i = 0; i < health->n_rows; i++)
                if (streq(health->rows[i].key, key))
                        return health->rows + i;
        return NULL;
}

void health_rows_done(HealthRows *health) {
        free(health->rows);
        *health = (HealthRows){};
}
