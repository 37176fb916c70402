/* SPDX-License-Identifier: MIT */
/* What argusctl writes for programs: one JSON object on one line. */
#include "ctl/view-json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/terminal.h"
#include "util/text.h"

static void *allocate(size_t size) {
        void *memory = malloc(size);

        if (!memory)
                exit_out_of_memory();
        return memory;
}

cJSON *json_new_object(void) {
        cJSON_InitHooks(&(cJSON_Hooks){ .malloc_fn = allocate, .free_fn = free });
        return cJSON_CreateObject();
}

void json_add_number(cJSON *object, const char *name, uint64_t number) {
        char digits[sizeof "18446744073709551615"];

        (void) snprintf(digits, sizeof digits, "%" PRIu64, number);
        (void) cJSON_AddRawToObject(object, name, digits);
}

static void add_rows(cJSON *object, const char *name, const HealthRows *health) {
        cJSON *array = cJSON_AddArrayToObject(object, name);

        for (size_t i = 0; i < health->n_rows; i++) {
                cJSON *row = cJSON_CreateObject();

                (void) cJSON_AddStringToObject(row, "key", health->rows[i].key);
                (void) cJSON_AddStringToObject(row, "verdict", health->rows[i].verdict);
                (void) cJSON_AddStringToObject(row, "reason", health->rows[i].reason);
                (void) cJSON_AddItemToArray(array, row);
        }
}

cJSON *view_to_json(const AgentView *view, const HealthRows *health, uint64_t properties) {
        cJSON *object = json_new_object();

        for (AgentProperty i = 0; i < _PROPERTY_MAX; i++) {
                const char *name = agent_properties[i].name;
                PropertyType type = agent_properties[i].type;

                if (!(properties & PROPERTY_BIT(i)))
                        continue;
                if (type == PROPERTY_TYPE_STRING)
                        (void) cJSON_AddStringToObject(object, name, agent_status_string(view, i));
                else if (type == PROPERTY_TYPE_BOOLEAN)
                        (void) cJSON_AddBoolToObject(object, name, agent_status_number(view, i) != 0);
                else if (type == PROPERTY_TYPE_HEALTH)
                        add_rows(object, name, health);
                else
                        json_add_number(object, name, agent_status_number(view, i));
        }
        return object;
}

void json_print(cJSON *object) {
        char *text = cJSON_PrintUnformatted(object);

        (void) puts(text);
        free(text);
        cJSON_Delete(object);
}

void json_print_text(const char *text, bool is_terminal) {
        const char *end = text + strlen(text), *p = text;

        if (!is_terminal)
                (void) fputs(text, stdout);

        while (is_terminal && p < end) {
                uint32_t code_point = 0;
                size_t size = text_decode_utf8(p, (size_t) (end - p), &code_point);

                if (size == 0) /* D-Bus lets no such text through */
                        break;
                if (!text_is_hidden(code_point) || code_point == '\n' || code_point == '\t')
                        (void) fwrite(p, 1, size, stdout);
                else if (code_point > 0xFFFF)
                        (void) printf("\\u%04x\\u%04x", (unsigned) (0xD7C0 + (code_point >> 10)),
                                        (unsigned) (0xDC00 + (code_point & 0x3FF)));
                else if (code_point != '\r') /* white space; the others can be in strings only */
                        (void) printf("\\u%04x", (unsigned) code_point);
                p += size;
        }

        if (end == text || end[-1] != '\n')
                (void) putchar('\n');
}
