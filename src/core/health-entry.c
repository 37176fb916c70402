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

HealthVerdict health_tally_add(HealthTally *tally, size_t value_size) {
        if (tally->count >= HEALTH_FILES_MAX)
                return HEALTH_TOO_MANY;
        if (value_size > HEALTH_TOTAL_MAX - tally->size)
                return HEALTH_TOO_LARGE;

        tally->count++;
        tally->size += value_size;
        return HEALTH_OK;
}

static void content_done(HealthContent *content) {
        free(content->reason);
        free(content->value);
        *content = (HealthContent){};
}

int health_entry_new(const char *file_name, HealthEntry **ret) {
        _cleanup_(health_entry_free_pointer) HealthEntry *entry = NULL;
        size_t key_size = strlen(file_name) - strlen(".json");

        entry = calloc(1, sizeof *entry);
        if (!entry)
                return -ENOMEM;

        (void) health_name_check(file_name, &entry->bad_name);
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

        if (json_scan(*text, size, &value, &error) == 0) {
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

bool health_entry_settle(HealthEntry *entry, HealthTally *tally, bool *wants_scan, bool *is_listing_other) {
        static const char *const limit_reasons[] = {
                [HEALTH_TOO_MANY] = "more than 256 files",
                [HEALTH_TOO_LARGE] = "all files together are larger than 8 MiB",
        };
        bool was_reported = entry->file.value, is_reported, is_other = false;
        HealthContent *known = &entry->known, before = {};
        HealthFile *file = &entry->file, listed = entry->file;
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
                verdict = health_tally_add(tally, known->value_size);
                if (verdict == HEALTH_OK && !known->value) {
                        /* It has room now, but only for the next scan. */
                        verdict = file->verdict == HEALTH_TOO_MANY ? HEALTH_TOO_MANY : HEALTH_TOO_LARGE;
                        known->stamp_is_trusted = false;
                        *wants_scan = true;
                }
                if (verdict != HEALTH_OK) {
                        free(TAKE_PTR(known->value));
                        file->reason = limit_reasons[verdict];
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
