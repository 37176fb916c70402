/* SPDX-License-Identifier: MIT */
#include "core/health-entry.h"

#include <stdlib.h>
#include <string.h>

#include "util/macro.h"
#include "util/text.h"

enum { KEY_ESCAPED_MAX = 1024 }; /* as much as a file's name can need */

HealthEntry *health_entry_free(HealthEntry *entry) {
        free(entry->file.file_name);
        free(entry->file.key);
        free(entry->file.value);
        free(entry->reason);
        free(entry);
        return NULL;
}

HealthEntry *health_entry_new(const char *file_name, bool is_misnamed, const char *bad_name) {
        size_t key_size = strlen(file_name) - (is_misnamed ? 0 : strlen(".json"));
        HealthEntry *entry = calloc(1, sizeof *entry);

        if (!entry)
                return NULL;

        entry->bad_name = bad_name;
        entry->file.is_misnamed = is_misnamed;
        entry->file.reason = "";
        entry->file.file_name = strdup(file_name);
        entry->file.key =
                        text_escape(file_name, key_size, KEY_ESCAPED_MAX); /* leaves a good name as it is */
        return entry->file.file_name && entry->file.key ? entry : health_entry_free(entry);
}

FairDemand *health_entry_demand(HealthEntry *entry) {
        entry->claim.demand = (FairDemand){
                .owner = entry->seen.owner,
                .name = entry->file.file_name,
                .size = 1,
        };
        return &entry->claim.demand;
}

void health_entry_drop(HealthEntry *entry) {
        free(TAKE_PTR(entry->file.value));
        entry->file.value_size = 0;
}

/* Makes the text its value alone: no copy, and no memory for the white space around it. */
void health_entry_take(HealthEntry *entry, char *text, size_t size, JsonSlice value) {
        char *smaller;

        memmove(text, value.text, value.size);
        text[value.size] = '\0';
        smaller = value.size < size ? realloc(text, value.size + 1) : NULL;
        entry->file.value = smaller ? smaller : text;
        entry->file.value_size = value.size;
}
