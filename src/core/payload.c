/* SPDX-License-Identifier: MIT */
#include "core/payload.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static void json_delete_pointer(cJSON **json) {
        cJSON_Delete(*json);
}

/* cJSON keeps numbers as doubles, which are exact only up to 2^53: they are put in as text. */
static bool add_number(cJSON *object, const char *name, uint64_t number) {
        char text[sizeof "18446744073709551615"];

        (void) snprintf(text, sizeof text, "%" PRIu64, number);
        return cJSON_AddRawToObject(object, name, text);
}

static bool add_string_if_any(cJSON *object, const char *name, const char *string) {
        return !string || cJSON_AddStringToObject(object, name, string);
}

static bool add_meta_data(cJSON *node, const Identity *identity, const HostFacts *facts) {
        cJSON *meta_data = cJSON_AddObjectToObject(node, "meta_data");

        return meta_data && cJSON_AddStringToObject(meta_data, "hostname", facts->hostname) &&
               add_string_if_any(meta_data, "ip", facts->address) &&
               cJSON_AddStringToObject(meta_data, "env", identity->env) &&
               cJSON_AddStringToObject(meta_data, "user", identity->user) &&
               cJSON_AddStringToObject(meta_data, "instance", identity->instance) &&
               add_number(meta_data, "cpu_number", facts->cpu_number) &&
               add_number(meta_data, "memory_in_bytes", facts->memory_in_bytes) &&
               add_number(meta_data, "gpu_number", facts->gpu_number) &&
               add_string_if_any(meta_data, "machine_id", facts->machine_id);
}

int payload_build_register(const char *id_json, const Identity *identity, const HostFacts *facts,
                const char *version, Buffer *buffer) {
        _cleanup_(json_delete_pointer) cJSON *node = NULL;
        char *text;
        int r;

        node = cJSON_CreateObject();
        if (!node || (id_json && !cJSON_AddRawToObject(node, "id", id_json)) ||
                        !cJSON_AddStringToObject(node, "name", facts->hostname) ||
                        !cJSON_AddStringToObject(node, "type", "agent") ||
                        !cJSON_AddStringToObject(node, "version", version) ||
                        !add_meta_data(node, identity, facts))
                return -ENOMEM;

        text = cJSON_PrintUnformatted(node);
        if (!text)
                return -ENOMEM;

        r = buffer_append_string(buffer, text);
        cJSON_free(text);
        return r;
}
