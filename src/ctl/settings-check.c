/* SPDX-License-Identifier: MIT */
#include "ctl/settings-check.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/settings-file.h"
#include "ctl/unit-copy.h"
#include "util/fd-util.h"
#include "util/text.h"

/* `line` is 0 if it is about the whole. */
static void warn(const char *path, unsigned line, const char *words) {
        char name[1024], number[16] = "";

        if (line > 0)
                (void) snprintf(number, sizeof number, ":%u", line);
        text_sanitize_into(name, sizeof name, path, strlen(path));
        (void) printf("Warning: %s%s: %s.\n", name, number, words);
}

static void on_line(const SettingsLine *line, void *path) {
        if (line->fault)
                warn(path, line->number, line->fault);
}

/* ---- one file ---- */

static void check_mode(const char *path, const struct stat *st) {
        if (st->st_uid != 0 || (st->st_mode & (S_IWGRP | S_IWOTH)))
                warn(path, 0, "other users than root may change it; chown root and chmod 0600");
        if (st->st_mode & S_IROTH)
                warn(path, 0, "every user may read it, and it may hold secrets; chmod 0600");
}

static void check_content(int fd, const char *path) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        r = fd_read_all(fd, SETTINGS_FILE_MAX, &text, &size);
        if (r >= 0)
                r = settings_file_read(text, size, on_line, (void *) path);
        if (r < 0)
                warn(path, 0,
                                r == -EFBIG ? "larger than 1 MiB, so its lines were not checked"
                                            : strerror(-r));
}

/* O_NONBLOCK: a FIFO must not hang us. */
static void check_file(const char *path) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                warn(path, 0, strerror(errno));
        else if (S_ISDIR(st.st_mode))
                warn(path, 0, "a directory, not a file; systemd ignores it");
        else if (!S_ISREG(st.st_mode))
                warn(path, 0, "not a regular file; expected one with NAME=value lines");
        else {
                check_mode(path, &st);
                check_content(fd, path);
        }
}

/* ---- those of the unit ---- */

static void check_pattern(const char *pattern, bool may_be_missing) {
        glob_t found = {};

        if (glob(pattern, 0, NULL, &found) != 0 && !may_be_missing)
                warn(pattern, 0, "missing; without it systemd does not start the service");
        for (size_t i = 0; i < found.gl_pathc; i++)
                check_file(found.gl_pathv[i]);
        globfree(&found);
}

static void print_pattern(const char *pattern, _unused_ bool may_be_missing) {
        (void) printf("  %s\n", pattern);
}

static int for_each_pattern(sd_bus *bus, void (*callback)(const char *pattern, bool may_be_missing)) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *value = NULL;
        int r, may_be_missing;
        const char *pattern;

        r = service_get(bus, SYSTEMD_SERVICE_INTERFACE, "EnvironmentFiles", "a(sb)", &value);
        if (r >= 0)
                r = sd_bus_message_enter_container(value, 'a', "(sb)");
        while (r >= 0 && (r = sd_bus_message_read(value, "(sb)", &pattern, &may_be_missing)) > 0)
                callback(pattern, may_be_missing);
        return r;
}

/* ---- conditions ---- */

static bool exists(const char *pattern) {
        glob_t found = {};
        bool is_found = glob(pattern, GLOB_NOSORT | GLOB_BRACE, NULL, &found) == 0;

        globfree(&found);
        return is_found;
}

/* Only systemd can judge these, and only when the service starts. */
static void warn_of_condition(const char *kind, bool is_negated, const char *parameter) {
        char text[512];

        text_sanitize_into(text, sizeof text, parameter, strlen(parameter));
        (void) printf("Warning: %s=%s%s was not checked; systemd skips the start if it is not met.\n", kind,
                        is_negated ? "!" : "", text);
}

static int check_conditions(sd_bus *bus) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *value = NULL;
        int r, is_trigger, is_negated, state;
        const char *kind, *pattern;

        r = service_get(bus, SYSTEMD_UNIT_INTERFACE, "Conditions", "a(sbbsi)", &value);
        if (r >= 0)
                r = sd_bus_message_enter_container(value, 'a', "(sbbsi)");
        while (r >= 0 && (r = sd_bus_message_read(value, "(sbbsi)", &kind, &is_trigger, &is_negated,
                                          &pattern, &state)) > 0)
                if (!streq(kind, "ConditionPathExistsGlob") || is_trigger || is_negated)
                        warn_of_condition(kind, is_negated, pattern);
                else if (!exists(pattern)) {
                        (void) printf("The service is not configured: systemd skips its start, because there "
                                      "is no file\n  %s\nSet MASTER_ENDPOINT in one of these; "
                                      "argus-agent.env(5) explains the settings:\n",
                                        pattern);
                        return for_each_pattern(bus, print_pattern);
                }
        return r < 0 ? r : 1;
}

int settings_check(sd_bus *bus) {
        int r = for_each_pattern(bus, check_pattern);

        return r < 0 ? r : check_conditions(bus);
}
