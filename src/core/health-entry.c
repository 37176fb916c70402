/* What is known of one health file, what a scan finds in it, and how the one becomes the other. */
#include "core/health-entry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/health-set.h"
#include "core/json-scan.h"
#include "util/text.h"

enum { KEY_ESCAPED_MAX = 1024 }; /* as much as a file's name can need */

static void content_done(HealthContent *content) {
        free(content->reason);
        free(content->value);
        *content = (HealthContent){};
}

int health_entry_new(const char *file_name, HealthEntry **ret) {
        _cleanup_(health_entry_free_pointer) HealthEntry *entry = NULL;
        size_t key_size = strlen(file_name);

        entry = calloc(1, sizeof *entry);
        if (!entry)
                return -ENOMEM;

        entry->file.is_misnamed = health_name_check(file_name, &entry->bad_name) == HEALTH_NAME_MISNAMED;
        if (!entry->file.is_misnamed)
                key_size -= strlen(".json");
        entry->file.reason = "";
        entry->file.file_name = strdup(file_name);
        entry->file.key =
                        text_escape(file_name, key_size, KEY_ESCAPED_MAX); /* leaves a good name as it is */
        if (!entry->file.file_name || !entry->file.key)
                return -ENOMEM;

        *ret = TAKE_PTR(entry);
        return 0;
}

HealthEntry *health_entry_free(HealthEntry *entry) {
        if (!entry)
                return NULL;

        content_done(&entry->known);
        content_done(&entry->found);
        free(entry->file.file_name);
        free(entry->file.key);
        free(entry->limit_reason);
        free(entry);
        return NULL;
}

void health_entry_reset(HealthEntry *entry) {
        if (entry->sight == HEALTH_FOUND)
                content_done(&entry->found);
        entry->sight = HEALTH_NOT_SEEN;
}

bool health_entry_is_current(const HealthEntry *entry, const HealthStamp *stamp) {
        return entry->known.stamp_is_trusted && health_stamp_equal(&entry->known.stamp, stamp);
}

int health_entry_refuse(HealthEntry *entry, HealthVerdict verdict, const char *reason) {
        char *copy;

        /* The same as before: a file that stays unreadable costs nothing. */
        if (entry->is_listed && entry->known.verdict == verdict && streq(entry->known.reason, reason)) {
                entry->sight = HEALTH_KEPT;
                return 0;
        }

        copy = strdup(reason);
        if (!copy)
                return -ENOMEM;

        entry->found.verdict = verdict;
        entry->found.reason = copy;
        entry->sight = HEALTH_FOUND;
        return 0;
}

static int content_set_error(HealthContent *content, const JsonError *error) {
        char *reason;

        if (asprintf(&reason, "%s at byte %zu", error->reason, error->offset) < 0)
                return -ENOMEM;

        content->verdict = HEALTH_INVALID;
        content->reason = reason;
        return 0;
}

/* Makes the text its value alone: no copy, and no memory for the white space around it. */
static char *text_to_value(char *text, size_t size, JsonSlice value) {
        char *smaller;

        memmove(text, value.text, value.size);
        text[value.size] = '\0';
        smaller = value.size < size ? realloc(text, value.size + 1) : NULL;
        return smaller ? smaller : text;
}

int health_entry_check(
                HealthEntry *entry, const HealthStamp *stamp, bool is_trusted, char **text, size_t size) {
        const HealthContent *known = &entry->known;
        JsonError error = {};
        JsonSlice value;

        if (json_scan_portable(*text, size, &value, &error) == 0) {
                entry->found.is_same = known->value && known->value_size == value.size &&
                                       memcmp(known->value, value.text, value.size) == 0;
                entry->found.value_size = value.size;
                if (!entry->found.is_same)
                        entry->found.value = text_to_value(TAKE_PTR(*text), size, value);
        } else if (content_set_error(&entry->found, &error) < 0)
                return -ENOMEM;

        entry->found.stamp = *stamp;
        entry->found.stamp_is_trusted = is_trusted;
        entry->sight = HEALTH_FOUND;
        return error.is_incomplete ? 1 : 0;
}

static const HealthContent *entry_content(const HealthEntry *entry) {
        return entry->sight == HEALTH_FOUND ? &entry->found : &entry->known;
}

bool health_entry_claims(HealthEntry *entry) {
        const HealthContent *content = entry_content(entry);

        if (entry->sight == HEALTH_NOT_SEEN || content->verdict != HEALTH_OK)
                return false;

        entry->claim.size = content->value_size;
        entry->claim.verdict = HEALTH_OK;
        return true;
}

FairDemand *health_entry_claim(HealthEntry *entry) {
        entry->claim.demand = (FairDemand){
                .owner = entry_content(entry)->stamp.owner,
                .name = entry->file.file_name,
        };
        return &entry->claim.demand;
}

/* Makes the reason; reuses `before` if it has the same words. */
static const char *entry_limit_reason(HealthEntry *entry, HealthVerdict verdict, char **before) {
        static const char *const alone[] = {
                [HEALTH_TOO_MANY] = "more than 256 files",
                [HEALTH_TOO_LARGE] = "all files together are larger than 8 MiB",
        };
        char reason[HEALTH_CLAIM_REASON_SIZE];

        if (entry->claim.verdict != HEALTH_OK) {
                health_claim_reason(&entry->claim, reason);
                if (*before && streq(*before, reason))
                        entry->limit_reason = TAKE_PTR(*before);
                else if (*reason)
                        entry->limit_reason = strdup(reason);
        }
        return entry->limit_reason ? entry->limit_reason : alone[verdict];
}

bool health_entry_settle(HealthEntry *entry, bool *wants_scan, bool *is_listing_other) {
        bool was_reported = entry->file.value, is_reported, is_other = false;
        HealthContent *known = &entry->known, before = {};
        HealthFile *file = &entry->file, listed = entry->file;
        _cleanup_free_ char *reason_before = TAKE_PTR(entry->limit_reason); /* `listed` may show it */
        bool was_listed = entry->is_listed;
        HealthVerdict verdict;

        if (entry->sight == HEALTH_FOUND) {
                is_other = !entry->found.is_same;
                if (entry->found.is_same)
                        entry->found.value = TAKE_PTR(known->value);
                before = *known; /* holds what `listed` shows */
                *known = entry->found;
                entry->found = (HealthContent){};
        }
        entry->sight = HEALTH_NOT_SEEN;
        entry->is_listed = true;

        verdict = known->verdict;
        file->reason = strempty(known->reason);
        if (verdict == HEALTH_OK) {
                verdict = entry->claim.verdict;
                if (verdict == HEALTH_OK && !known->value) {
                        /* It has room now, but only for the next scan. */
                        verdict = file->verdict == HEALTH_TOO_MANY ? HEALTH_TOO_MANY : HEALTH_TOO_LARGE;
                        known->stamp_is_trusted = false;
                        *wants_scan = true;
                }
                if (verdict != HEALTH_OK) {
                        free(TAKE_PTR(known->value));
                        file->reason = entry_limit_reason(entry, verdict, &reason_before);
                }
        }

        is_reported = verdict == HEALTH_OK;
        file->verdict = verdict;
        file->value = known->value;
        file->value_size = is_reported ? known->value_size : 0;

        if (!was_listed || listed.verdict != verdict || !streq(listed.reason, file->reason))
                *is_listing_other = true;
        content_done(&before);
        return is_reported != was_reported || (is_reported && is_other);
}
