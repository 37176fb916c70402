#include "ctl/health-detail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "core/health-file.h"
#include "core/json-scan.h"
#include "core/unit-set.h"
#include "util/buffer.h"
#include "util/fd-util.h"
#include "util/text.h"

#define UNIT_PREFIX "\"systemd-" /* no file's key begins so */

enum { WORD_SIZE = 256 };

/* A string of the unit, or the text of a number; empty if it is null or not there. */
static int read_word(JsonSlice unit, const char *name, char *ret, size_t size) {
        _cleanup_free_ char *text = NULL;
        JsonSlice value;
        int r;

        ret[0] = '\0';
        if (!json_object_find(unit, name, &value) || json_type(value) == JSON_NULL)
                return 0;
        if (json_type(value) != JSON_STRING) {
                text_sanitize_into(ret, size, value.text, value.size);
                return 0;
        }

        r = json_string_decode(value, &text);
        if (r < 0)
                return r == -ENOMEM ? r : -EBADMSG;
        text_sanitize_into(ret, size, text, strlen(text));
        return 0;
}

static int read_state(JsonSlice unit, bool is_healthy, char **ret) {
        UnitState state = {};
        char n_restarts[WORD_SIZE];
        const struct {
                const char *name;
                char *word;
                size_t size;
        } words[] = {
                { "load_state", state.load_state, sizeof state.load_state },
                { "active_state", state.active_state, sizeof state.active_state },
                { "sub_state", state.sub_state, sizeof state.sub_state },
                { "result", state.result, sizeof state.result },
                { "n_restarts", n_restarts, sizeof n_restarts },
        };
        _cleanup_(buffer_done) Buffer text = {};
        int r;

        for (size_t i = 0; i < ELEMENTSOF(words); i++) {
                r = read_word(unit, words[i].name, words[i].word, words[i].size);
                if (r < 0)
                        return r;
        }

        r = buffer_printf(&text, "%s (%s)", state.active_state, state.sub_state);
        if (r >= 0 && !streq(state.load_state, "loaded"))
                r = buffer_printf(&text, ", %s", state.load_state);
        if (r >= 0 && *state.result && !streq(state.result, "success"))
                r = buffer_printf(&text, ", %s", state.result);
        if (r >= 0 && *n_restarts && !streq(n_restarts, "0"))
                r = buffer_printf(&text, ", %s restart%s", n_restarts, streq(n_restarts, "1") ? "" : "s");
        if (r >= 0 && !is_healthy && unit_is_healthy(&state)) /* what else can be wrong with it */
                r = buffer_append_string(&text, ", keeps restarting");
        if (r < 0)
                return r;

        *ret = TAKE_PTR(text.data);
        return 0;
}

static int read_since(JsonSlice unit, usec_t *ret) {
        char since[WORD_SIZE];
        struct tm utc = {};
        time_t seconds;
        int r;

        r = read_word(unit, "since", since, sizeof since);
        if (r < 0)
                return r;
        if (*since && !strptime(since, "%Y-%m-%dT%H:%M:%S", &utc))
                return -EBADMSG;

        seconds = *since ? timegm(&utc) : 0;
        *ret = seconds > 0 ? (usec_t) seconds * USEC_PER_SEC : 0;
        return 0;
}

static int read_unit(JsonSlice unit, UnitRow *row) {
        char name[WORD_SIZE];
        JsonSlice healthy;
        int r;

        r = read_word(unit, "unit", name, sizeof name);
        if (r < 0)
                return r;
        row->name = strdup(name);
        if (!row->name)
                return -ENOMEM;

        row->is_healthy = json_object_find(unit, "healthy", &healthy) && healthy.text[0] == 't';
        r = read_state(unit, row->is_healthy, &row->state);
        if (r < 0)
                return r;
        return read_since(unit, &row->since_usec);
}

static int add_unit(HealthDetail *detail, JsonSlice unit) {
        UnitRow *units = reallocarray(detail->units, detail->n_units + 1, sizeof *units);

        if (!units)
                return -ENOMEM;
        detail->units = units;
        units[detail->n_units] = (UnitRow){};
        return read_unit(unit, &units[detail->n_units++]);
}

/* Both are in one order, but one may have changed since the other was read. */
static void set_size(HealthRows *rows, size_t *next, JsonSlice key, size_t size) {
        for (size_t i = *next; i < rows->n_rows; i++) {
                if (json_string_equals(key, rows->rows[i].key)) {
                        rows->rows[i].size = size;
                        *next = i + 1;
                        return;
                }
        }
}

int health_detail_read(const char *text, HealthRows *rows, HealthDetail *ret) {
        _cleanup_(health_detail_done) HealthDetail detail = {};
        JsonSlice object, key, value;
        size_t position = 0, next = 0;
        int r;

        r = json_scan(text, strlen(text), &object, NULL);
        if (r < 0)
                return r;

        while (json_object_next(object, &position, &key, &value) > 0) {
                if (strncmp(key.text, UNIT_PREFIX, strlen(UNIT_PREFIX)) != 0) {
                        set_size(rows, &next, key, value.size);
                        continue;
                }
                r = add_unit(&detail, value);
                if (r < 0)
                        return r;
        }

        *ret = detail;
        detail = (HealthDetail){};
        return 0;
}

void health_detail_done(HealthDetail *detail) {
        for (size_t i = 0; i < detail->n_units; i++) {
                free(detail->units[i].name);
                free(detail->units[i].state);
        }
        free(detail->units);
        *detail = (HealthDetail){};
}

/* ---- the files ---- */

/* 0 means that there is none: a file of the epoch or before is one of the first moment after it. */
static usec_t modified_usec(const struct stat *st) {
        return st->st_mtim.tv_sec < 0 ? 1
                                      : (usec_t) st->st_mtim.tv_sec * USEC_PER_SEC +
                                                        (usec_t) st->st_mtim.tv_nsec / 1000 + 1;
}

/* A key that is no plain name is shown escaped, and is not the file's; nothing leads out of
 * the directory. */
static void stat_row(HealthRow *row, int directory_fd) {
        char name[HEALTH_KEY_MAX + sizeof ".json"];
        const char *reason;
        struct stat st;
        int length;

        length = snprintf(name, sizeof name, "%s.json", row->key);
        if (length < 0 || (size_t) length >= sizeof name ||
                        health_name_check(name, &reason) != HEALTH_NAME_GOOD)
                return;
        if (fstatat(directory_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
                return;

        row->size = (uint64_t) st.st_size;
        row->modified_usec = modified_usec(&st);
}

void health_rows_stat(HealthRows *rows, const char *directory) {
        _cleanup_close_ int fd = -1;

        if (directory[0] != '/')
                return;
        fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return;

        for (size_t i = 0; i < rows->n_rows; i++)
                stat_row(rows->rows + i, fd);
}
