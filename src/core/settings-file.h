/* SPDX-License-Identifier: MIT */
/* A settings file as EnvironmentFile= of systemd 247 to 257 reads it (systemd.exec(5)): which variables it
 * sets, and which of its lines systemd drops, silently or with a line in its own log only.
 *
 * It is not shell: a value is the rest of its line, quotes count only at its beginning, a backslash hides
 * the next character or continues the line, nothing is expanded, and "export" belongs to the name. */
#pragma once

#include <stddef.h>

/* The smallest limit of the three releases (247: 4 MiB) is far above this. */
enum { SETTINGS_FILE_MAX = 1024 * 1024 };

/* One assignment as systemd sets it, or one fault: then `fault` is set, and name and value are NULL. Later
 * assignments of a name replace earlier ones. */
typedef struct SettingsLine {
        unsigned number; /* the line where it begins, from 1 */
        const char *name, *value;
        const char *fault; /* what is wrong and what systemd does then; never with text of the file */
} SettingsLine;

typedef void settings_line_cb(const SettingsLine *line, void *userdata);

/* Calls back for each assignment and fault of the `size` bytes at `text`. Text with a NUL byte is one fault,
 * as systemd ignores the whole file. Returns 0 or -ENOMEM. */
int settings_file_read(const char *text, size_t size, settings_line_cb *callback, void *userdata);
