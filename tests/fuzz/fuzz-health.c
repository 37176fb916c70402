/* SPDX-License-Identifier: MIT */
/* The health files over many scans: what was accepted is JSON and stands in the report byte for byte, what
 * was refused does not stand in it, and a change is told exactly when the report is another. An input is a
 * list of steps: files that a scan meets, with the content that it finds, and the ends of scans. */
#include "fuzz.h"

#include <stdio.h>

#include "core/health-entry.h"
#include "core/health-set.h"
#include "core/json-scan.h"

DEFINE_CLEANUP(HealthSet *, health_set_free)

enum { FILES_MAX = 512, STEPS_MAX = 64 };

/* What a scan met, and what is to come of it. */
typedef struct Met {
        char *name, *value; /* NULL: to be left out */
        size_t value_size;
        HealthStamp stamp;
        bool is_trusted, is_torn;
        HealthVerdict logged;
} Met;

typedef struct Model {
        Met now[FILES_MAX], before[FILES_MAX]; /* the scan under way, the last one */
        size_t n_now, n_before;
        bool is_second;
        Buffer report;
        size_t n_logged;
} Model;

static Model model;

/* Lists are in byte order of name. Returns NULL if there is none; in both cases *ret_position is
 * its place. */
static Met *met_find(Met *list, size_t count, const char *name, size_t *ret_position) {
        size_t low = 0, high = count;

        while (low < high) {
                size_t middle = (low + high) / 2;
                int order = strcmp(list[middle].name, name);

                if (order == 0)
                        return &list[*ret_position = middle];
                if (order < 0)
                        low = middle + 1;
                else
                        high = middle;
        }

        *ret_position = low;
        return NULL;
}

static void met_clear(Met *list, size_t *count) {
        for (size_t i = 0; i < *count; i++) {
                free(list[i].name);
                free(list[i].value);
        }
        *count = 0;
}

/* Each once in a scan. NULL: it was met already, or there is no room in the model. */
static Met *model_meet(const char *name) {
        size_t position;
        Met *met;

        if (met_find(model.now, model.n_now, name, &position) || model.n_now == FILES_MAX)
                return NULL;

        met = &model.now[position];
        memmove(met + 1, met, (model.n_now - position) * sizeof *met);
        *met = (Met){ .name = strdup(name) };
        assert(met->name);
        model.n_now++;
        return met;
}

static HealthEntry *scan_meets(HealthSet *set, const char *name, HealthStamp stamp) {
        HealthEntry *entry;

        assert(health_set_meet(set, name, &entry) == 1);
        entry->seen = stamp;
        return entry;
}

static void met_copy_value(Met *met, const char *text, size_t size) {
        met->value_size = size;
        met->value = strndup(text, size);
        assert(met->value);
}

static void meet_refused(HealthSet *set, const char *name, HealthVerdict verdict) {
        Met *met = model_meet(name);

        if (!met)
                return;
        met->stamp = (HealthStamp){};
        met->is_trusted = met->is_torn = false;
        health_set_refuse(set, scan_meets(set, name, met->stamp), verdict, "refused");
}

/* What looks half-written for the first time stays as it was. */
static void meet_content(HealthSet *set, const char *name, HealthStamp stamp, HealthAge age,
                const char *text, size_t size) {
        size_t position;
        const Met *before = met_find(model.before, model.n_before, name, &position);
        Met *met = model_meet(name);
        JsonError error = {};
        JsonSlice value;
        bool is_good, is_torn, is_decided;
        char *copy;

        if (!met)
                return;

        is_good = json_scan_portable(text, size, &value, &error) == 0;
        is_torn = error.is_incomplete || age == HEALTH_WRITTEN;
        is_decided = !is_torn ||
                     (before && before->is_torn &&
                                     (model.is_second || health_stamp_equal(&before->stamp, &stamp)));
        met->stamp = stamp;
        met->is_torn = is_torn;
        met->is_trusted = is_decided && age == HEALTH_OLD;
        if (!is_decided && before) {
                if (before->value)
                        met_copy_value(met, before->value, before->value_size);
        } else if (is_good)
                met_copy_value(met, value.text, value.size);

        copy = malloc(size + 1);
        assert(copy);
        memcpy(copy, text, size);
        assert(health_set_content(set, scan_meets(set, name, stamp), age, copy, size) == !is_decided);
}

static void meet_unchanged(HealthSet *set, const char *name, HealthStamp stamp) {
        size_t position;
        const Met *before = met_find(model.before, model.n_before, name, &position);
        HealthEntry *entry;
        Met *met;

        if (met_find(model.now, model.n_now, name, &position) || model.n_now == FILES_MAX)
                return;

        entry = scan_meets(set, name, stamp);
        if (!entry->is_trusted || !health_stamp_equal(&entry->stamp, &stamp)) {
                health_set_miss(set, entry);
                return;
        }

        assert(before && before->is_trusted && health_stamp_equal(&before->stamp, &stamp));
        met = model_meet(name);
        met->stamp = stamp;
        met->is_trusted = true;
        met->is_torn = before->is_torn;
        if (before->value)
                met_copy_value(met, before->value, before->value_size);
}

/* The members of the report are the files that are OK, in their order, verbatim. */
static void check_report(const HealthSet *set, const Buffer *report) {
        JsonSlice object, name, value;
        size_t position = 0;

        assert(json_scan(report->data, report->size, &object, NULL) == 0);
        assert(object.size == report->size && json_type(object) == JSON_OBJECT);

        for (size_t i = 0; i < health_set_count(set); i++) {
                const HealthFile *file = health_set_get(set, i);

                if (file->verdict != HEALTH_OK)
                        continue;
                assert(json_object_next(object, &position, &name, &value) > 0);
                assert(json_string_equals(name, file->key));
                assert(fuzz_slice_equals(value, file->value, file->value_size));
        }
        assert(json_object_next(object, &position, &name, &value) > 0); /* what was given as `more` */
        assert(json_string_equals(name, "systemd-x"));
        assert(json_object_next(object, &position, &name, &value) == 0);
}

static void check_files(const HealthSet *set) {
        size_t n_ok = 0;

        assert(health_set_count(set) == model.n_now);
        for (size_t i = 0; i < model.n_now; i++)
                n_ok += health_set_get(set, i)->verdict == HEALTH_OK;
        assert(n_ok <= HEALTH_FILES_MAX);

        for (size_t i = 0; i < model.n_now; i++) {
                const HealthFile *file = health_set_get(set, i);
                const Met *met = &model.now[i];

                assert(streq(file->file_name, met->name));
                assert(fuzz_is_safe(file->key));
                assert(!file->value == (file->verdict != HEALTH_OK) && !*file->reason == !!file->value);
                if (!met->value)
                        assert(file->verdict != HEALTH_OK && file->verdict != HEALTH_TOO_MANY);
                else if (!file->value)
                        assert(file->verdict == HEALTH_TOO_MANY && n_ok == HEALTH_FILES_MAX);
                else {
                        assert(strncmp(file->file_name, file->key, strlen(file->key)) == 0);
                        assert(file->value_size == met->value_size &&
                                        memcmp(file->value, met->value, met->value_size) == 0);
                }
        }
}

static void on_logged(const HealthFile *file) {
        size_t position;
        Met *met = met_find(model.now, model.n_now, file->file_name, &position);

        assert(*file->key && !met == (file->verdict == HEALTH_GONE));
        assert(!met || met->logged != file->verdict);
        model.n_logged++;
}

/* Each verdict that is another than the last logged one is logged, and each file that is gone, or they
 * are counted. */
static void check_log(HealthSet *set) {
        size_t position, expected = 0, n_gone = 0;
        LogCrowd crowd = {};
        const char *reason;

        for (size_t i = 0; i < model.n_now; i++) {
                const Met *before = met_find(model.before, model.n_before, model.now[i].name, &position);

                model.now[i].logged = before ? before->logged : HEALTH_OK;
                expected += model.now[i].logged != health_set_get(set, i)->verdict;
        }
        for (size_t i = 0; i < model.n_before; i++)
                n_gone += !met_find(model.now, model.n_now, model.before[i].name, &position) &&
                          health_name_check(model.before[i].name, &reason) != HEALTH_NAME_MISNAMED;

        model.n_logged = 0;
        health_set_log(set, &crowd, 0, on_logged);
        assert(model.n_logged + log_crowd_summary(&crowd, 0) ==
                        expected + min_size(n_gone, HEALTH_FILES_MAX));
        for (size_t i = 0; i < model.n_now; i++)
                model.now[i].logged = health_set_get(set, i)->verdict;
        log_crowd_done(&crowd);
}

/* What has room by now is read again. */
static void give_wanted(HealthSet *set) {
        HealthEntry *entry;
        size_t position;

        for (size_t i = 0; (entry = health_set_next(set, &i));) {
                Met *met = met_find(model.now, model.n_now, entry->file.file_name, &position);
                char *copy;

                if (!entry->is_wanted)
                        continue;
                copy = malloc(met->value_size + 1);
                assert(copy && met->value);
                memcpy(copy, met->value, met->value_size);
                met->is_trusted = met->is_torn = false;
                assert(health_set_content(set, entry, HEALTH_YOUNG, copy, met->value_size) == 0);
        }
        assert(health_set_end(set) == 0);
}

static void end_scan(HealthSet *set, bool is_second) {
        Buffer report = {};
        bool is_other;

        health_set_choose(set);
        if (health_set_end(set) > 0)
                give_wanted(set);
        assert(health_set_splice(set, "\"systemd-x\":{}", &report) == 0);
        check_files(set);
        check_report(set, &report);
        check_log(set);

        is_other = report.size != model.report.size ||
                   memcmp(report.data, model.report.data, report.size) != 0;
        assert(health_set_take_change(set) == is_other);
        buffer_done(&model.report);
        model.report = report;

        met_clear(model.before, &model.n_before);
        memcpy(model.before, model.now, model.n_now * sizeof *model.now);
        model.n_before = model.n_now;
        model.n_now = 0;
        model.is_second = is_second;
        health_set_begin(set, is_second);
}

static void take_step(HealthSet *set, FuzzInput *input) {
        static const char *const names[] = { "a-b.json", "log-fluentbit.json", "log-x.json",
                "systemd-x.json", "a-\xFF.json", "z-z-z.json" };
        uint8_t step = fuzz_byte(input), choice = fuzz_byte(input);
        const char *name = names[choice % ELEMENTSOF(names)];
        HealthStamp stamp = { .inode = choice / 32, .modified_usec = step / 32, .owner = choice / 64 };
        _cleanup_free_ char *own_name = NULL, *text = NULL;
        const char *reason;

        if (choice % 16 == 15) {
                own_name = fuzz_string(input);
                if (health_name_check(own_name, &reason) != HEALTH_NAME_OTHER)
                        name = own_name;
        }

        switch (step % 8) {
        case 0:
        case 1:
        case 2:
        case 3:
                text = fuzz_string(input);
                if (health_name_check(name, &reason) != HEALTH_NAME_GOOD) /* it is not even read */
                        meet_refused(set, name, HEALTH_INVALID);
                else
                        meet_content(set, name, stamp, (HealthAge) (step % 4 % 3), text, strlen(text));
                break;
        case 4:
                meet_unchanged(set, name, stamp);
                break;
        case 5:
                meet_refused(set, name, HEALTH_UNREADABLE + (step & 1));
                break;
        case 6: /* so many that the limit on files counts */
                for (unsigned i = 0; i < 150; i++) {
                        char many[32];

                        (void) snprintf(many, sizeof many, "m-%u.json", choice % 2 * 100 + i);
                        meet_content(set, many, stamp, HEALTH_OLD, "0", 1);
                }
                break;
        default:
                end_scan(set, choice & 1);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(health_set_free_pointer) HealthSet *set = NULL;
        FuzzInput input = { data, size };

        assert(health_set_new(&set) == 0);
        model.is_second = false;
        health_set_begin(set, false);
        assert(health_set_splice(set, "\"systemd-x\":{}", &model.report) == 0);

        for (unsigned i = 0; i < STEPS_MAX && input.size > 0; i++)
                take_step(set, &input);
        end_scan(set, false);

        met_clear(model.before, &model.n_before);
        buffer_done(&model.report);
        return 0;
}
