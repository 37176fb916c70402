/* SPDX-License-Identifier: MIT */
/* Each known file is an entry that lives as long as the file. A scan marks the entries that it meets and
 * puts new ones between them; what it finds out goes into the entry at once. At its end those without the
 * mark are gone. */
#include "core/health-set.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/health-entry.h"
#include "core/json-scan.h"
#include "util/macro.h"
#include "util/text.h"

enum {
        MET_MAX = 2 * HEALTH_ENTRIES_MAX, /* then a scan chooses which it goes on with */
        REASON_SIZE = 128,
};

struct HealthSet {
        HealthEntry *files[HEALTH_LISTED_MAX + MET_MAX]; /* in byte order of name */
        HealthEntry *gone[HEALTH_FILES_MAX];             /* not logged yet; more are not logged */
        size_t count, n_gone;
        unsigned scan;
        bool is_second;
        size_t n_met[2];     /* by the scan under way; the second are misnamed */
        size_t first, *next; /* the guesses: of the scan's first file, of its next one */
        size_t new_size;     /* of the texts that the scan under way brought */
        size_t overflow;
        bool is_changed, is_listing_other; /* since it was last asked for */
};

static void set_judge(HealthSet *set, HealthEntry *entry, HealthVerdict verdict, const char *reason) {
        HealthFile *file = &entry->file;

        if (file->verdict == verdict && streq(file->reason, reason)) /* what stays bad costs nothing */
                return;

        free(entry->reason);
        entry->reason = *reason ? strdup(reason) : NULL;
        file->reason = entry->reason ? entry->reason : *reason ? "out of memory" : "";
        file->verdict = verdict;
        set->is_listing_other = true;
}

/* ---- life ---- */

int health_set_new(HealthSet **ret) {
        *ret = calloc(1, sizeof **ret);
        return *ret ? 0 : -ENOMEM;
}

HealthSet *health_set_free(HealthSet *set) {
        if (!set)
                return NULL;

        while (set->count > 0)
                (void) health_entry_free(set->files[--set->count]);
        while (set->n_gone > 0)
                (void) health_entry_free(set->gone[--set->n_gone]);
        free(set);
        return NULL;
}

/* ---- which files there are ---- */

void health_set_begin(HealthSet *set, bool is_second) {
        set->scan++;
        set->is_second = is_second;
        set->next = &set->first;
        set->n_met[0] = set->n_met[1] = set->new_size = set->overflow = 0;
}

/* Returns the entry or NULL; in both cases *ret_place is its place. */
static HealthEntry *set_find(const HealthSet *set, const char *file_name, size_t *ret_place) {
        size_t low = 0, high = set->count;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int order = strcmp(file_name, set->files[middle]->file.file_name);

                if (order == 0)
                        return set->files[*ret_place = middle];
                if (order < 0)
                        high = middle;
                else
                        low = middle + 1;
        }

        *ret_place = low;
        return NULL;
}

/* A file that comes back before its loss was logged: the last logged verdict still counts. */
static HealthEntry *set_take_gone(HealthSet *set, const char *file_name) {
        for (size_t i = 0; i < set->n_gone; i++) {
                HealthEntry *entry = set->gone[i];

                if (streq(entry->file.file_name, file_name)) {
                        set->gone[i] = set->gone[--set->n_gone];
                        return entry;
                }
        }
        return NULL;
}

int health_set_meet(HealthSet *set, const char *file_name, HealthEntry **ret) {
        const char *bad_name = NULL;
        HealthEntry *entry;
        HealthName kind;
        size_t place;

        if (set->n_met[0] + set->n_met[1] >= MET_MAX || set->count == ELEMENTSOF(set->files))
                health_set_choose(set);

        /* A directory mostly has the order that it had: the first guess is what came here then. */
        place = *set->next;
        entry = place < set->count ? set->files[place] : NULL;
        if (!entry || !streq(entry->file.file_name, file_name)) {
                kind = health_name_check(file_name, &bad_name);
                if (kind == HEALTH_NAME_OTHER)
                        return 0;
                entry = set_find(set, file_name, &place);
        }
        if (!entry) {
                entry = set_take_gone(set, file_name);
                if (!entry)
                        entry = health_entry_new(file_name, kind == HEALTH_NAME_MISNAMED, bad_name);
                if (!entry)
                        return -ENOMEM;
                memmove(set->files + place + 1, set->files + place,
                                (set->count++ - place) * sizeof *set->files);
                set->files[place] = entry;
        }

        *set->next = place;
        set->next = &entry->next;
        set->n_met[entry->file.is_misnamed] += entry->scan != set->scan;
        entry->scan = set->scan;
        *ret = entry;
        return 1;
}

void health_set_miss(HealthSet *set, HealthEntry *entry) {
        entry->scan = set->scan - 1;
        set->n_met[entry->file.is_misnamed]--;
}

HealthEntry *health_set_next(const HealthSet *set, size_t *position) {
        while (*position < set->count) {
                HealthEntry *entry = set->files[(*position)++];

                if (entry->scan == set->scan)
                        return entry;
        }
        return NULL;
}

static void set_lose(HealthSet *set, HealthEntry *entry) {
        set->is_listing_other |= entry->is_listed;
        set->is_changed |= entry->was_reported;

        /* Beyond the limit of remembered files it may only have made room for another; a misnamed file was
         * never reported. */
        if ((!entry->is_listed && entry->file.verdict != HEALTH_GONE) || set->overflow > 0 ||
                        entry->file.is_misnamed || set->n_gone == HEALTH_FILES_MAX) {
                (void) health_entry_free(entry);
                return;
        }

        health_set_refuse(set, entry, HEALTH_GONE, "");
        entry->is_listed = entry->was_reported = false;
        set->gone[set->n_gone++] = entry;
}

/* Those that are not met are lost, or only those that are not listed either. */
static void set_sweep(HealthSet *set, bool is_end) {
        size_t n_files = 0;

        for (size_t i = 0; i < set->count; i++) {
                HealthEntry *entry = set->files[i];

                if (entry->scan == set->scan || (!is_end && entry->is_listed))
                        set->files[n_files++] = entry;
                else
                        set_lose(set, entry);
        }
        set->count = n_files;
        set->next = &set->first;
}

/* Returns how many have no room. One that has none now would have none among more files. */
static size_t set_choose(HealthSet *set, bool is_misnamed, size_t max) {
        FairDemand *demands[MET_MAX];
        size_t count = 0;
        HealthEntry *entry;

        for (size_t i = 0; (entry = health_set_next(set, &i));)
                if (entry->file.is_misnamed == is_misnamed)
                        demands[count++] = health_entry_demand(entry);
        fair_order(demands, count);
        for (size_t i = max; i < count; i++)
                health_set_miss(set, (HealthEntry *) demands[i]);
        return count - max;
}

void health_set_choose(HealthSet *set) {
        bool is_crowd = set->n_met[false] > HEALTH_ENTRIES_MAX,
             is_misnamed = set->n_met[true] > HEALTH_MISNAMED_MAX;

        if (is_crowd)
                set->overflow += set_choose(set, false, HEALTH_ENTRIES_MAX);
        if (is_misnamed)
                (void) set_choose(set, true, HEALTH_MISNAMED_MAX);
        if (is_crowd || is_misnamed || set->count == ELEMENTSOF(set->files))
                set_sweep(set, false);
}

/* ---- what is in them ---- */

static void set_take_text(HealthSet *set, HealthEntry *entry, char **text, size_t size, JsonSlice value) {
        const HealthFile *file = &entry->file;

        entry->is_valid = true;
        entry->claim.size = value.size;
        if (file->value && file->value_size == value.size &&
                        memcmp(file->value, value.text, value.size) == 0)
                return;

        entry->is_other = true;
        health_entry_drop(entry);
        /* If it has room at the end it is wanted. */
        if (set->new_size + value.size > HEALTH_TOTAL_MAX)
                return;
        set->new_size += value.size;
        health_entry_take(entry, TAKE_PTR(*text), size, value);
}

int health_set_content(HealthSet *set, HealthEntry *entry, HealthAge age, char *text_taken, size_t size) {
        _cleanup_free_ char *text = text_taken;
        char reason[REASON_SIZE];
        bool is_torn, is_decided;
        JsonError error = {};
        JsonSlice value;
        int r;

        r = json_scan_portable(text, size, &value, &error);
        is_torn = error.is_incomplete || age == HEALTH_WRITTEN;
        is_decided = !is_torn ||
                     (entry->is_torn && (set->is_second || health_stamp_equal(&entry->stamp, &entry->seen)));
        entry->stamp = entry->seen;
        entry->is_torn = is_torn;
        entry->is_trusted = age == HEALTH_OLD && is_decided;
        if (!is_decided && entry->is_listed)
                return 1;

        if (r >= 0)
                set_take_text(set, entry, &text, size, value);
        else {
                (void) snprintf(reason, sizeof reason, "%s at byte %zu", error.reason, error.offset);
                entry->is_valid = false;
                health_entry_drop(entry);
                set_judge(set, entry, HEALTH_INVALID, reason);
        }
        return !is_decided;
}

void health_set_refuse(HealthSet *set, HealthEntry *entry, HealthVerdict verdict, const char *reason) {
        entry->is_trusted = entry->is_torn = entry->is_valid = false;
        health_entry_drop(entry);
        set_judge(set, entry, verdict, reason);
}

/* ---- the end of a scan ---- */

/* Decides who has room. */
static void set_share(HealthSet *set) {
        FairDemand *claims[HEALTH_LISTED_MAX];
        size_t n_claims = 0, size = 0;

        for (size_t i = 0; i < set->count; i++) {
                HealthEntry *entry = set->files[i];

                if (!entry->is_valid)
                        continue;
                entry->claim.verdict = HEALTH_OK;
                size += entry->claim.size;
                claims[n_claims++] = &entry->claim.demand;
        }
        if (n_claims <= HEALTH_FILES_MAX && size <= HEALTH_TOTAL_MAX)
                return;

        for (size_t i = 0; i < n_claims; i++)
                (void) health_entry_demand((HealthEntry *) claims[i]);
        health_share(claims, n_claims);
}

/* Of a file that could be reported: gives it its place, or takes it. */
static void set_place(HealthSet *set, HealthEntry *entry) {
        char reason[HEALTH_CLAIM_REASON_SIZE];

        if (entry->claim.verdict != HEALTH_OK) {
                health_entry_drop(entry);
                set_judge(set, entry, entry->claim.verdict, health_claim_reason(&entry->claim, reason));
        } else if (entry->file.value)
                set_judge(set, entry, HEALTH_OK, "");
        else {
                entry->is_wanted = true;
                entry->is_trusted = false;
                if (entry->file.verdict != HEALTH_TOO_MANY)
                        set_judge(set, entry, HEALTH_TOO_LARGE, HEALTH_TOTAL_REASON);
        }
}

size_t health_set_end(HealthSet *set) {
        size_t n_wanted = 0;

        set_sweep(set, true);
        assert(set->count <= HEALTH_LISTED_MAX);
        set_share(set);
        for (size_t i = 0; i < set->count; i++) {
                HealthEntry *entry = set->files[i];
                bool is_reported;

                entry->is_wanted = false;
                if (entry->is_valid)
                        set_place(set, entry);
                n_wanted += entry->is_wanted;
                is_reported = entry->file.value;
                set->is_changed |= is_reported != entry->was_reported || (is_reported && entry->is_other);
                set->is_listing_other |= !entry->is_listed;
                entry->was_reported = is_reported;
                entry->is_listed = true;
                entry->is_other = false;
        }
        set->new_size = 0;
        return n_wanted;
}

/* ---- what readers see ---- */

size_t health_set_count(const HealthSet *set) {
        return set->count;
}

const HealthFile *health_set_get(const HealthSet *set, size_t index) {
        assert(index < set->count);
        return &set->files[index]->file;
}

size_t health_set_overflow(const HealthSet *set) {
        return set->overflow;
}

static bool take(bool *flag) {
        bool taken = *flag;

        *flag = false;
        return taken;
}

bool health_set_take_change(HealthSet *set) {
        return take(&set->is_changed);
}

bool health_set_take_listing_change(HealthSet *set) {
        return take(&set->is_listing_other);
}

int health_set_splice(const HealthSet *set, const char *more, Buffer *buffer) {
        size_t size = strlen("{}") + strlen(strempty(more));
        char *end;
        int r;

        /* All at once: millions of bytes are not moved, and either all is appended or nothing. */
        for (size_t i = 0; i < set->count; i++) {
                const HealthFile *file = &set->files[i]->file;

                if (file->value)
                        size += strlen("\"\":,") + strlen(file->key) + file->value_size;
        }
        r = buffer_reserve(buffer, size);
        if (r < 0)
                return r;

        end = stpcpy(buffer->data + buffer->size, "{");
        for (size_t i = 0; i < set->count; i++) {
                const HealthFile *file = &set->files[i]->file;

                if (!file->value)
                        continue;
                end = stpcpy(end, "\"");
                end = stpcpy(end, file->key);
                end = stpcpy(end, "\":");
                end = mempcpy(end, file->value, file->value_size);
                end = stpcpy(end, ",");
        }
        if (!isempty(more))
                end = stpcpy(end, more);
        else if (end[-1] == ',')
                end--;
        end = stpcpy(end, "}");
        buffer->size = (size_t) (end - buffer->data);
        return 0;
}

void health_set_log(HealthSet *set, LogCrowd *crowd, usec_t now, void (*log)(const HealthFile *file)) {
        FairDemand *demands[HEALTH_LISTED_MAX + HEALTH_FILES_MAX];
        size_t count = 0;

        for (size_t i = 0; i < set->count; i++)
                if (set->files[i]->logged != set->files[i]->file.verdict)
                        demands[count++] = health_entry_demand(set->files[i]);
        for (size_t i = 0; i < set->n_gone; i++)
                demands[count++] = health_entry_demand(set->gone[i]);

        fair_order(demands, count); /* `crowd` limits how many there may be */
        for (size_t i = 0; i < count; i++) {
                HealthEntry *entry = (HealthEntry *) demands[i];
                LogTurn turn = log_crowd_ask(crowd, entry->file.key, now);

                if (turn == LOG_TURN_NOW)
                        log(&entry->file);
                if (turn != LOG_TURN_LATER)
                        entry->logged = entry->file.verdict;
                if (entry->logged == HEALTH_GONE)
                        (void) health_entry_free(set_take_gone(set, entry->file.file_name));
        }
}
