/* SPDX-License-Identifier: MIT */
/* `argusctl health`: the health files and the watched units as tables.
 *
 * Everyone may see the property HealthFiles: keys, verdicts, reasons. Sizes and ages come from the files
 * themselves where the caller can see them; else the sizes are those of what is reported, in the `health`
 * object of GetHealth, which also has the units. A caller who may not ask for that sees the rest, and is
 * told what is missing. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "core/health-file.h"
#include "core/json-scan.h"
#include "core/unit-set.h"
#include "ctl/clock-text.h"
#include "ctl/table.h"
#include "ctl/verbs.h"
#include "util/fd-util.h"
#include "util/text.h"

#define UNKNOWN "-"
#define UNIT_PREFIX "\"systemd-" /* no file's key begins so */

static_assert((int) TABLE_CELL_SIZE > (int) CLOCK_TEXT_SIZE, "a cell holds an age");

/* ---- the files, where they can be seen ---- */

/* A key that is no plain name is shown escaped, and is not the file's; nothing leads out of
 * the directory. */
static void stat_row(HealthRow *row, int directory_fd) {
        char name[HEALTH_KEY_MAX + sizeof ".json"];
        const char *reason;
        struct stat st;

        if (snprintf(name, sizeof name, "%s.json", row->key) >= (int) sizeof name ||
                        health_name_check(name, &reason) != HEALTH_NAME_GOOD)
                return;
        if (fstatat(directory_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
                return;

        row->size = (uint64_t) st.st_size;
        /* 0 means unknown, so a file of the epoch or before is one of the first moment after it. */
        row->modified_usec = st.st_mtim.tv_sec <= 0 ? 1 : (usec_t) st.st_mtim.tv_sec * USEC_PER_SEC;
}

/* Returns whether all could be seen. */
static bool stat_rows(HealthRows *health, const char *directory) {
        _cleanup_close_ int fd = -1;
        bool are_all_seen = true;

        if (directory[0] == '/')
                fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
        for (size_t i = 0; i < health->n_rows; i++) {
                if (fd >= 0)
                        stat_row(health->rows + i, fd);
                are_all_seen = are_all_seen && health->rows[i].modified_usec > 0;
        }
        return are_all_seen;
}

static const char *format_size(char buffer[static TABLE_CELL_SIZE], uint64_t size) {
        static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
        double number = (double) size / 1024;
        size_t unit = 0;

        if (size == HEALTH_SIZE_UNKNOWN)
                return UNKNOWN;

        for (; number >= 1024; unit++)
                number /= 1024;
        if (size < 1024)
                (void) snprintf(buffer, TABLE_CELL_SIZE, "%" PRIu64 " B", size);
        else
                (void) snprintf(buffer, TABLE_CELL_SIZE, "%.1f %s", number, units[unit]);
        return buffer;
}

static const char *file_cell(
                const Table *table, size_t row, size_t column, char buffer[static TABLE_CELL_SIZE]) {
        const HealthRow *file = (const HealthRow *) table->rows + row;

        switch (column) {
        case 0:
                return file->key;
        case 1:
                return file->verdict;
        case 2:
                return format_size(buffer, file->size);
        case 3:
                return file->modified_usec == 0 ? UNKNOWN
                                                : format_ago(buffer, file->modified_usec, table->now);
        default:
                return file->reason;
        }
}

static void print_files(const Terminal *terminal, const HealthRows *health, usec_t now) {
        size_t n_bad = health_rows_count_bad(health);
        const Table table = {
                .headings = { "FILE", "VERDICT", "SIZE", "AGE", "REASON" },
                .n_columns = 5,
                .n_rows = health->n_rows,
                .cell = file_cell,
                .good = "ok",
                .rows = health->rows,
                .now = now,
        };

        if (health->n_rows == 0) {
                (void) puts("No health files.");
                return;
        }
        table_print(&table, terminal);
        (void) printf("\n%zu reported, %zu skipped.\n", health->n_rows - n_bad, n_bad);
}

/* ---- the units ---- */

/* A member of the unit as text that is safe to show; "" if it is null or missing. */
static void read_word(JsonSlice unit, const char *name, char *ret, size_t size) {
        _cleanup_free_ char *text = NULL;
        JsonSlice value;

        ret[0] = '\0';
        if (!json_object_find(unit, name, &value) || json_type(value) == JSON_NULL)
                return;
        if (json_type(value) != JSON_STRING)
                text_sanitize_into(ret, size, value.text, value.size);
        else if (json_string_decode(value, &text) >= 0)
                text_sanitize_into(ret, size, text, strlen(text));
}

static bool is_healthy(JsonSlice unit) {
        JsonSlice healthy;

        return json_object_find(unit, "healthy", &healthy) && healthy.text[0] == 't';
}

static const char *format_state(char buffer[static TABLE_CELL_SIZE], JsonSlice unit) {
        FILE *out = fmemopen(buffer, TABLE_CELL_SIZE, "w");
        char restarts[UNIT_WORD_SIZE];
        UnitState state = {};

        if (!out)
                exit_out_of_memory();
        read_word(unit, "load_state", state.load_state, sizeof state.load_state);
        read_word(unit, "active_state", state.active_state, sizeof state.active_state);
        read_word(unit, "sub_state", state.sub_state, sizeof state.sub_state);
        read_word(unit, "result", state.result, sizeof state.result);
        read_word(unit, "n_restarts", restarts, sizeof restarts);

        (void) fprintf(out, "%s (%s)", state.active_state, state.sub_state);
        if (!streq(state.load_state, "loaded"))
                (void) fprintf(out, ", %s", state.load_state);
        if (*state.result && !streq(state.result, "success"))
                (void) fprintf(out, ", %s", state.result);
        if (*restarts && !streq(restarts, "0"))
                (void) fprintf(out, ", %s restart%s", restarts, streq(restarts, "1") ? "" : "s");
        if (!is_healthy(unit) && unit_is_healthy(&state)) /* what else can be wrong with it */
                (void) fputs(", keeps restarting", out);
        (void) fclose(out);
        return buffer;
}

static const char *format_since(char buffer[static TABLE_CELL_SIZE], JsonSlice unit, usec_t now) {
        struct tm utc = {};
        time_t seconds = 0;

        read_word(unit, "since", buffer, TABLE_CELL_SIZE);
        if (strptime(buffer, "%Y-%m-%dT%H:%M:%S", &utc))
                seconds = timegm(&utc);
        return seconds > 0 ? format_ago(buffer, (usec_t) seconds * USEC_PER_SEC, now) : "never";
}

static const char *unit_cell(
                const Table *table, size_t row, size_t column, char buffer[static TABLE_CELL_SIZE]) {
        JsonSlice unit = ((const JsonSlice *) table->rows)[row];

        switch (column) {
        case 0:
                read_word(unit, "unit", buffer, TABLE_CELL_SIZE);
                return buffer;
        case 1:
                return is_healthy(unit) ? "yes" : "no";
        case 2:
                return format_since(buffer, unit, table->now);
        default:
                return format_state(buffer, unit);
        }
}

static void print_units(const Terminal *terminal, const JsonSlice *units, size_t n_units, usec_t now) {
        size_t n_healthy = 0;
        const Table table = {
                .headings = { "UNIT", "HEALTHY", "SINCE", "STATE" },
                .n_columns = 4,
                .n_rows = n_units,
                .cell = unit_cell,
                .good = "yes",
                .rows = units,
                .now = now,
        };

        if (n_units == 0)
                return;
        for (size_t i = 0; i < n_units; i++)
                n_healthy += is_healthy(units[i]);

        (void) putchar('\n');
        table_print(&table, terminal);
        (void) printf("\n%zu healthy, %zu not.\n", n_healthy, n_units - n_healthy);
}

/* ---- the object that is reported ---- */

/* Gives the files the sizes of what is reported of them, and finds the units. Both lists have one order, but
 * one may have changed since the other was read. */
static void read_object(const char *text, HealthRows *health, JsonSlice **ret_units, size_t *ret_n_units) {
        JsonSlice object, key, value;
        size_t position = 0, row = 0;

        if (json_scan(text, strlen(text), &object, NULL) < 0)
                return;

        while (json_object_next(object, &position, &key, &value) > 0)
                if (strncmp(key.text, UNIT_PREFIX, strlen(UNIT_PREFIX)) == 0) {
                        *ret_units = reallocarray(*ret_units, *ret_n_units + 1, sizeof **ret_units);
                        if (!*ret_units)
                                exit_out_of_memory();
                        (*ret_units)[(*ret_n_units)++] = value;
                } else
                        for (size_t i = row; i < health->n_rows; i++)
                                if (json_string_equals(key, health->rows[i].key)) {
                                        health->rows[i].size = value.size;
                                        row = i + 1;
                                        break;
                                }
}

int verb_health(Session *session) {
        _cleanup_(sd_bus_error_free) sd_bus_error denial = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(health_rows_done) HealthRows health = {};
        _cleanup_free_ JsonSlice *units = NULL;
        size_t n_units = 0;
        const char *text;
        AgentView view;
        bool are_all_seen;
        usec_t now;

        if (session->is_json)
                return print_text_of(session, "GetHealth");
        if (client_get_all(session, &view, &health) < 0)
                return EXIT_FAILURE;

        if (sd_bus_call_method(session->bus, AGENT_BUS_NAME, AGENT_PATH, AGENT_INTERFACE, "GetHealth",
                            &denial, &reply, NULL) >= 0 &&
                        sd_bus_message_read(reply, "s", &text) >= 0)
                read_object(text, &health, &units, &n_units);

        /* Last: a file that can be seen tells more than what is reported of it. */
        are_all_seen = stat_rows(&health, view.health_directory);
        now = now_usec(CLOCK_REALTIME);
        print_files(&session->terminal, &health, now);
        print_units(&session->terminal, units, n_units, now);
        if (client_is_denied(&denial))
                (void) printf("\nFor %swatched units: sudo argusctl health\n",
                                are_all_seen ? "" : "sizes, ages and ");
        return EXIT_SUCCESS;
}
