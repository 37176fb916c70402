/* Keeps the health files of one directory with their verdicts. What a scan finds is collected beside what is
 * known and takes its place at the scan's end, so that a reader in between never sees half a scan, and a
 * file that is read again with the same content costs neither memory nor a change. */
#include "core/health-set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/health-entry.h"
#include "util/macro.h"
#include "util/text.h"

enum { HEALTH_LISTED_MAX = HEALTH_ENTRIES_MAX + HEALTH_MISNAMED_MAX };

/* A file that is not there any more, as the log knows it. */
typedef struct GoneFile {
        char *key;
        HealthVerdict said_verdict;
} GoneFile;

struct HealthSet {
        /* Both in byte order of name. `listed` is what readers see; `entries` is that and what the scan
         * under way found new. */
        HealthEntry *listed[HEALTH_LISTED_MAX], *entries[2 * HEALTH_LISTED_MAX];
        size_t n_listed, n_entries;
        size_t listed_overflow, overflow;        /* of the last scan, of the one under way */
        size_t found_size;                       /* of all values in `found` */
        size_t last_kept;                        /* position in `entries` */
        HealthEntry *changed[HEALTH_LISTED_MAX]; /* of `listed`: their verdict is still to be handed out */
        size_t n_changed, next_change;
        GoneFile gone[HEALTH_FILES_MAX]; /* not handed out yet; more are not told */
        size_t n_gone;
        bool wants_scan;
        bool is_listing_other; /* since it was last asked for */
};

int health_set_new(HealthSet **ret) {
        HealthSet *set;

        set = calloc(1, sizeof *set);
        if (!set)
                return -ENOMEM;

        *ret = set;
        return 0;
}

HealthSet *health_set_free(HealthSet *set) {
        if (!set)
                return NULL;

        health_set_begin(set); /* forgets a scan under way: only what is listed is left */
        for (size_t i = 0; i < set->n_listed; i++)
                (void) health_entry_free(set->listed[i]);
        for (size_t i = 0; i < set->n_gone; i++)
                free(set->gone[i].key);
        free(set);
        return NULL;
}

static void set_reset_entry(HealthSet *set, HealthEntry *entry) {
        if (entry->found.value)
                set->found_size -= entry->found.value_size;
        health_entry_reset(entry);
}

/* Takes an entry out of the scan; the end of the scan takes it out of the list. */
static void set_drop_entry(HealthSet *set, HealthEntry *entry) {
        set_reset_entry(set, entry);
        if (!entry->is_listed)
                (void) health_entry_free(entry);
}

/* Returns the entry or NULL; in both cases *ret_position is its place in byte order of name. */
static HealthEntry *set_find(const HealthSet *set, const char *file_name, size_t *ret_position) {
        size_t low = 0, high = set->n_entries;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int order = strcmp(file_name, set->entries[middle]->file.file_name);

                if (order == 0) {
                        *ret_position = middle;
                        return set->entries[middle];
                }
                if (order < 0)
                        high = middle;
                else
                        low = middle + 1;
        }

        *ret_position = low;
        return NULL;
}

/* The same, of unchanged files one after another. A directory mostly has the order that it had: the first
 * guess is the file that was kept behind the last one then. */
static HealthEntry *set_find_next(HealthSet *set, const char *file_name, size_t *ret_position) {
        HealthEntry *last = set->last_kept < set->n_entries ? set->entries[set->last_kept] : NULL;
        HealthEntry *entry = last && last->next_kept < set->n_entries ? set->entries[last->next_kept] : NULL;

        if (entry && streq(entry->file.file_name, file_name))
                *ret_position = last->next_kept;
        else
                entry = set_find(set, file_name, ret_position);

        if (last)
                last->next_kept = *ret_position;
        set->last_kept = *ret_position;
        return entry;
}

static void set_note_gone(HealthSet *set, HealthEntry *entry) {
        /* Beyond the limit of remembered files it may only have made room for another; a misnamed file was
         * never reported. */
        if (set->overflow == 0 && !entry->file.is_misnamed && set->n_gone < ELEMENTSOF(set->gone))
                set->gone[set->n_gone++] = (GoneFile){ TAKE_PTR(entry->file.key), entry->said_verdict };
}

static char *set_take_gone(HealthSet *set, size_t index) {
        char *key = set->gone[index].key;

        set->n_gone--;
        memmove(set->gone + index, set->gone + index + 1, (set->n_gone - index) * sizeof *set->gone);
        return key;
}

/* A file that comes back before its loss was logged: the last logged verdict still counts. */
static void set_note_new(HealthSet *set, HealthEntry *entry) {
        for (size_t i = 0; i < set->n_gone; i++) {
                if (streq(set->gone[i].key, entry->file.key)) {
                        entry->said_verdict = set->gone[i].said_verdict;
                        free(set_take_gone(set, i));
                        return;
                }
        }
}

/* Finds the entry of a file, or makes one. Returns 0 or -ENOMEM. */
static int set_admit(HealthSet *set, const char *file_name, HealthEntry **ret) {
        HealthEntry *entry, **place;
        size_t position;
        int r;

        entry = set_find(set, file_name, &position);
        if (entry) {
                set_reset_entry(set, entry);
                *ret = entry;
                return 0;
        }

        assert(set->n_entries < ELEMENTSOF(set->entries));
        r = health_entry_new(file_name, &entry);
        if (r < 0)
                return r;

        place = set->entries + position;
        memmove(place + 1, place, (set->n_entries - position) * sizeof *place);
        *place = entry;
        set->n_entries++;

        *ret = entry;
        return 0;
}

/* Decides who has room, as far as the scan has come. */
static void set_share(HealthSet *set) {
        FairDemand *claims[ELEMENTSOF(set->entries)];
        size_t n_claims = 0, size = 0;

        for (size_t i = 0; i < set->n_entries; i++)
                if (health_entry_claims(set->entries[i])) {
                        n_claims++;
                        size += set->entries[i]->claim.size;
                }
        if (n_claims <= HEALTH_FILES_MAX && size <= HEALTH_TOTAL_MAX)
                return;

        n_claims = 0;
        for (size_t i = 0; i < set->n_entries; i++)
                if (health_entry_claims(set->entries[i]))
                        claims[n_claims++] = health_entry_claim(set->entries[i]);
        health_share(claims, n_claims);
}

/* Gives up values that will not be reported as far as the scan has come, so that a directory full of large
 * files never takes the memory of more than two reports. */
static void set_apply_limits_early(HealthSet *set) {
        set_share(set);
        for (size_t i = 0; i < set->n_entries; i++) {
                HealthEntry *entry = set->entries[i];

                if (!entry->found.value || entry->claim.verdict == HEALTH_OK)
                        continue;
                set->found_size -= entry->found.value_size;
                free(TAKE_PTR(entry->found.value));
        }
}

void health_set_begin(HealthSet *set) {
        for (size_t i = 0; i < set->n_entries; i++)
                set_drop_entry(set, set->entries[i]);

        memcpy(set->entries, set->listed, set->n_listed * sizeof *set->entries);
        set->n_entries = set->n_listed;
        set->overflow = 0;
        set->last_kept = ELEMENTSOF(set->entries); /* none yet */
}

bool health_set_keep(HealthSet *set, const char *file_name, const HealthStamp *stamp) {
        HealthEntry *entry;
        size_t position;

        entry = set_find_next(set, file_name, &position);
        if (!entry || !health_entry_is_current(entry, stamp))
                return false;

        set_reset_entry(set, entry);
        entry->sight = HEALTH_KEPT;
        return true;
}

int health_set_content(HealthSet *set, const char *file_name, const HealthStamp *stamp, bool is_trusted,
                char *text_taken, size_t size) {
        _cleanup_free_ char *text = text_taken;
        HealthEntry *entry;
        int r;

        r = set_admit(set, file_name, &entry);
        if (r < 0)
                return r;
        if (entry->bad_name)
                return health_entry_refuse(entry, HEALTH_INVALID, entry->bad_name);
        if (size > HEALTH_FILE_SIZE_MAX)
                return health_entry_refuse(entry, HEALTH_TOO_LARGE, "larger than 1 MiB");

        r = health_entry_check(entry, stamp, is_trusted, &text, size);
        if (r < 0)
                return r;

        if (entry->found.value) {
                set->found_size += entry->found.value_size;
                if (set->found_size > HEALTH_TOTAL_MAX)
                        set_apply_limits_early(set);
        }
        return r;
}

int health_set_refuse(HealthSet *set, const char *file_name, HealthVerdict verdict, const char *reason) {
        HealthEntry *entry;
        int r;

        assert(verdict != HEALTH_OK);

        r = set_admit(set, file_name, &entry);
        if (r < 0)
                return r;
        return health_entry_refuse(entry, verdict, reason);
}

void health_set_pass_over(HealthSet *set, size_t count) {
        set->overflow += count;
}

/* In fair order: the log limits how many lines there may be. */
static void set_order_changes(HealthSet *set) {
        FairDemand *demands[ELEMENTSOF(set->changed)];

        set->n_changed = set->next_change = 0;
        for (size_t i = 0; i < set->n_listed; i++) {
                HealthEntry *entry = set->listed[i];

                if (entry->said_verdict == entry->file.verdict)
                        continue;
                demands[set->n_changed] = health_entry_claim(entry);
                demands[set->n_changed++]->size = 1;
        }
        fair_order(demands, set->n_changed);
        for (size_t i = 0; i < set->n_changed; i++)
                set->changed[i] = (HealthEntry *) demands[i];
}

bool health_set_end(HealthSet *set) {
        bool is_changed = false;
        size_t n_entries = 0;

        set->wants_scan = false;

        for (size_t i = 0; i < set->n_entries; i++) {
                HealthEntry *entry = set->entries[i];

                if (entry->sight != HEALTH_NOT_SEEN)
                        set->entries[n_entries++] = entry;
                else
                        set_drop_entry(set, entry);
        }

        set->n_entries = n_entries;
        assert(n_entries <= ELEMENTSOF(set->listed));
        set_share(set);

        /* The files that are gone, and those that had to make room. */
        for (size_t i = 0; i < set->n_listed; i++) {
                HealthEntry *entry = set->listed[i];

                if (entry->sight != HEALTH_NOT_SEEN)
                        continue;
                if (entry->file.value)
                        is_changed = true;
                set->is_listing_other = true;
                set_note_gone(set, entry);
                (void) health_entry_free(entry);
        }

        for (size_t i = 0; i < n_entries; i++) {
                if (!set->entries[i]->is_listed)
                        set_note_new(set, set->entries[i]);
                if (health_entry_settle(set->entries[i], &set->wants_scan, &set->is_listing_other))
                        is_changed = true;
        }

        memcpy(set->listed, set->entries, n_entries * sizeof *set->listed);
        set->n_listed = n_entries;
        set->listed_overflow = set->overflow;
        set->found_size = 0;
        set_order_changes(set);

        return is_changed;
}

bool health_set_take_listing_change(HealthSet *set) {
        bool is_other = set->is_listing_other;

        set->is_listing_other = false;
        return is_other;
}

bool health_set_wants_scan(const HealthSet *set) {
        return set->wants_scan;
}

int health_set_splice(const HealthSet *set, const char *more, Buffer *buffer) {
        size_t size = strlen("{}") + strlen(strempty(more));
        char *end;
        int r;

        /* All at once: millions of bytes are not moved, and either all is appended or nothing. */
        for (size_t i = 0; i < set->n_listed; i++) {
                const HealthFile *file = &set->listed[i]->file;

                if (file->value)
                        size += strlen("\"\":,") + strlen(file->key) + file->value_size;
        }
        r = buffer_reserve(buffer, size);
        if (r < 0)
                return r;

        end = stpcpy(buffer->data + buffer->size, "{");
        for (size_t i = 0; i < set->n_listed; i++) {
                const HealthFile *file = &set->listed[i]->file;

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

size_t health_set_count(const HealthSet *set) {
        return set->n_listed;
}

const HealthFile *health_set_get(const HealthSet *set, size_t index) {
        assert(index < set->n_listed);
        return &set->listed[index]->file;
}

const HealthFile *health_set_next_change(HealthSet *set, LogCrowd *crowd, usec_t now) {
        while (set->next_change < set->n_changed) {
                HealthEntry *entry = set->changed[set->next_change++];
                LogTurn turn = log_crowd_ask(crowd, entry->file.key, now);

                if (turn == LOG_TURN_LATER)
                        continue;
                entry->said_verdict = entry->file.verdict;
                if (turn == LOG_TURN_NOW)
                        return &entry->file;
        }
        return NULL;
}

char *health_set_take_gone(HealthSet *set, LogCrowd *crowd, usec_t now) {
        for (size_t i = 0; i < set->n_gone;) {
                LogTurn turn = log_crowd_ask(crowd, set->gone[i].key, now);

                if (turn == LOG_TURN_NOW)
                        return set_take_gone(set, i);
                if (turn == LOG_TURN_LATER)
                        i++;
                else
                        free(set_take_gone(set, i));
        }
        return NULL;
}

size_t health_set_overflow(const HealthSet *set) {
        return set->listed_overflow;
}
