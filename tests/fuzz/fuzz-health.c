/* The health files over many scans: what was accepted is JSON and stands in the report byte for byte, what
 * was refused does not stand in it, and a change is told exactly when the report is another. An input is a
 * list of steps: files that a scan meets, with the content that it finds, and the ends of scans. */
#include "fuzz.h"

#include <stdio.h>

#include "core/health-set.h"

DEFINE_CLEANUP(HealthSet *, health_set_free)

enum { FILES_MAX = 512, STEPS_MAX = 64 };

/* What a scan met, and what is to come of it. */
typedef struct Met {
        char *name, *value; /* NULL: to be left out */
        size_t value_size;
        HealthStamp stamp;
        bool is_trusted;
        HealthVerdict said; /* as the log was told */
} Met;

typedef struct Model {
        Met now[FILES_MAX], before[FILES_MAX]; /* the scan under way, the last one */
        size_t n_now, n_before;
        Buffer report;
} Model;

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

/* Takes the place of what the same scan met under that name. NULL: there is no room in the model. */
static Met *model_meet(Model *model, const char *name) {
        size_t position;
        Met *met = met_find(model->now, model->n_now, name, &position);

        if (!met) {
                if (model->n_now == FILES_MAX)
                        return NULL;
                met = &model->now[position];
                memmove(met + 1, met, (model->n_now - position) * sizeof *met);
                *met = (Met){ .name = strdup(name) };
                assert(met->name);
                model->n_now++;
        }
        free(TAKE_PTR(met->value));
        return met;
}

static void meet_content(Model *model, HealthSet *set, const char *name, HealthStamp stamp, bool is_trusted,
                const char *text, size_t size) {
        Met *met = model_meet(model, name);
        const char *reason;
        JsonError error = {};
        JsonSlice value;
        char *copy;
        int r, expected = 0;

        if (!met)
                return;

        met->stamp = stamp;
        met->is_trusted = is_trusted;
        if (health_name_check(name, &reason) == HEALTH_NAME_GOOD) {
                if (json_scan_portable(text, size, &value, &error) == 0) {
                        met->value = strndup(value.text, value.size);
                        met->value_size = value.size;
                        assert(met->value);
                }
                expected = error.is_incomplete;
        } else
                met->is_trusted = false; /* it is not even read */

        copy = malloc(size + 1);
        assert(copy);
        memcpy(copy, text, size);
        r = health_set_content(set, name, &stamp, is_trusted, copy, size);
        assert(r == expected);
}

static void meet_refused(Model *model, HealthSet *set, const char *name, HealthVerdict verdict) {
        Met *met = model_meet(model, name);

        if (!met)
                return;
        met->is_trusted = false;
        assert(health_set_refuse(set, name, verdict, "refused") == 0);
}

static void meet_unchanged(Model *model, HealthSet *set, const char *name, HealthStamp stamp) {
        size_t position;
        const Met *before = met_find(model->before, model->n_before, name, &position);
        Met *met;

        if (model->n_now == FILES_MAX || !health_set_keep(set, name, &stamp))
                return;

        assert(before && before->is_trusted && health_stamp_equal(&before->stamp, &stamp));
        met = model_meet(model, name);
        met->stamp = stamp;
        met->is_trusted = true;
        met->value_size = before->value_size;
        if (before->value) {
                met->value = strndup(before->value, before->value_size);
                assert(met->value);
        }
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

static void check_files(Model *model, const HealthSet *set) {
        size_t n_ok = 0;

        assert(health_set_count(set) == model->n_now);
        for (size_t i = 0; i < model->n_now; i++)
                n_ok += health_set_get(set, i)->verdict == HEALTH_OK;
        assert(n_ok <= HEALTH_FILES_MAX);

        for (size_t i = 0; i < model->n_now; i++) {
                const HealthFile *file = health_set_get(set, i);
                const Met *met = &model->now[i];

                assert(streq(file->file_name, met->name));
                assert(fuzz_is_safe(file->key));
                assert(!file->value == (file->verdict != HEALTH_OK) && !*file->reason == !!file->value);
                if (!met->value)
                        assert(file->verdict != HEALTH_OK && file->verdict != HEALTH_TOO_MANY);
                else if (!file->value) /* there is no room, or only from the next scan on */
                        assert(file->verdict == HEALTH_TOO_MANY &&
                                        (n_ok == HEALTH_FILES_MAX || health_set_wants_scan(set)));
                else {
                        assert(strncmp(file->file_name, file->key, strlen(file->key)) == 0);
                        assert(file->value_size == met->value_size &&
                                        memcmp(file->value, met->value, met->value_size) == 0);
                }
        }
}

/* The log is told of each verdict that is another than it knows. */
static void check_said(Model *model, HealthSet *set) {
        const HealthFile *file;
        LogCrowd crowd = {};
        usec_t now = 0; /* so far apart that there is room for each */
        size_t position;
        char *gone;

        for (size_t i = 0; i < model->n_now; i++) {
                const Met *before = met_find(model->before, model->n_before, model->now[i].name, &position);

                model->now[i].said = before ? before->said : HEALTH_OK;
        }
        while ((file = health_set_next_change(set, &crowd, now += LOG_POLICY_REPEAT_USEC))) {
                Met *met = met_find(model->now, model->n_now, file->file_name, &position);

                assert(met->said != file->verdict);
                met->said = file->verdict;
        }
        for (size_t i = 0; i < model->n_now; i++)
                assert(model->now[i].said == health_set_get(set, i)->verdict);

        while ((gone = health_set_take_gone(set, &crowd, now += LOG_POLICY_REPEAT_USEC))) {
                assert(*gone);
                free(gone);
        }
        log_crowd_done(&crowd);
}

static void end_scan(Model *model, HealthSet *set) {
        Buffer report = {};
        bool is_changed, is_other;

        is_changed = health_set_end(set);
        assert(health_set_splice(set, "\"systemd-x\":{}", &report) == 0);
        check_files(model, set);
        check_report(set, &report);
        check_said(model, set);

        is_other = report.size != model->report.size ||
                   memcmp(report.data, model->report.data, report.size) != 0;
        assert(is_changed == is_other);
        buffer_done(&model->report);
        model->report = report;

        met_clear(model->before, &model->n_before);
        memcpy(model->before, model->now, model->n_now * sizeof *model->now);
        model->n_before = model->n_now;
        model->n_now = 0;
        health_set_begin(set);
}

static void take_step(Model *model, HealthSet *set, FuzzInput *input) {
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
                meet_content(model, set, name, stamp, step & 1, text, strlen(text));
                break;
        case 4:
                meet_unchanged(model, set, name, stamp);
                break;
        case 5:
                meet_refused(model, set, name, HEALTH_UNREADABLE + (step & 1));
                break;
        case 6: /* so many that the limit on files counts */
                for (unsigned i = 0; i < 150; i++) {
                        char many[32];

                        (void) snprintf(many, sizeof many, "m-%u.json", choice % 2 * 100 + i);
                        meet_content(model, set, many, stamp, true, "0", 1);
                }
                break;
        default:
                end_scan(model, set);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(health_set_free_pointer) HealthSet *set = NULL;
        FuzzInput input = { data, size };
        static Model model;

        assert(health_set_new(&set) == 0);
        health_set_begin(set);
        assert(health_set_splice(set, "\"systemd-x\":{}", &model.report) == 0);

        for (unsigned i = 0; i < STEPS_MAX && input.size > 0; i++)
                take_step(&model, set, &input);
        end_scan(&model, set);

        met_clear(model.before, &model.n_before);
        buffer_done(&model.report);
        return 0;
}
