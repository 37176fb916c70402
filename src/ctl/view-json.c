/* What argusctl writes for programs: one JSON object on one line. */
#include "ctl/view-json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "util/text.h"

DEFINE_CLEANUP(char *, cJSON_free)

static void json_delete(cJSON **json) {
        cJSON_Delete(*json);
}

static cJSON *rows_to_json(const HealthRows *health) {
        _cleanup_(json_delete) cJSON *array = cJSON_CreateArray();

        if (!array)
                return NULL;

        for (size_t i = 0; i < health->n_rows; i++) {
                cJSON *object = cJSON_CreateObject();

                if (!object || !cJSON_AddItemToArray(array, object)) {
                        cJSON_Delete(object);
                        return NULL;
                }
                if (!cJSON_AddStringToObject(object, "key", health->rows[i].key) ||
                                !cJSON_AddStringToObject(object, "verdict", health->rows[i].verdict) ||
                                !cJSON_AddStringToObject(object, "reason", health->rows[i].reason))
                        return NULL;
        }

        return TAKE_PTR(array);
}

cJSON *json_create_number(uint64_t number) {
        char digits[sizeof "18446744073709551615"];

        (void) snprintf(digits, sizeof digits, "%" PRIu64, number);
        return cJSON_CreateRaw(digits);
}

static cJSON *value_to_json(const AgentView *view, const HealthRows *health, AgentProperty property) {
        switch (agent_properties[property].type) {
        case PROPERTY_TYPE_STRING:
                return cJSON_CreateString(agent_status_string(view, property));
        case PROPERTY_TYPE_BOOLEAN:
                return cJSON_CreateBool(agent_status_number(view, property) != 0);
        case PROPERTY_TYPE_HEALTH:
                return rows_to_json(health);
        default:
                return json_create_number(agent_status_number(view, property));
        }
}

cJSON *view_to_json(const AgentView *view, const HealthRows *health, uint64_t properties) {
        _cleanup_(json_delete) cJSON *object = cJSON_CreateObject();

        if (!object)
                return NULL;

        for (AgentProperty i = 0; i < _PROPERTY_MAX; i++) {
                cJSON *value;

                if (!(properties & PROPERTY_BIT(i)))
                        continue;

                value = value_to_json(view, health, i);
                if (!value || !cJSON_AddItemToObject(object, agent_properties[i].name, value)) {
                        cJSON_Delete(value);
                        return NULL;
                }
        }

        return TAKE_PTR(object);
}

int json_print(cJSON *object) {
        _cleanup_(json_delete) cJSON *owned = object;
        _cleanup_(cJSON_free_pointer) char *text = NULL;

        text = owned ? cJSON_PrintUnformatted(owned) : NULL;
        if (!text)
                return -ENOMEM;

        (void) puts(text);
        return 0;
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
