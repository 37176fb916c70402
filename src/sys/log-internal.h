/* SPDX-License-Identifier: MIT */
/* The parts of the log: an entry as text, and the two ways out. Internal to log.c, and for its tests. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/time-util.h"

#define LOG_IDENTIFIER "argus-agent"

enum {
        LOG_LINE_MAX = 8192,  /* bytes of a message with its NUL, and of a line with its newline */
        LOG_FIELD_MAX = 2304, /* bytes of a text field: the longest endpoint fits */
        LOG_FIELDS_MAX = 10,  /* all that an entry may have */
        LOG_ENTRY_MAX = 2 * LOG_LINE_MAX, /* bytes of an entry for the journal */
};

/* Left out where there is neither a text nor a number. */
typedef struct LogField {
        const char *name;  /* in the journal and in JSON */
        const char *label; /* on the console; NULL: of no use there */
        const char *text;
        uint64_t number;
        bool is_span;     /* the number is in microseconds */
        bool is_constant; /* the text is ours, and safe to show */
} LogField;

typedef struct LogEntry {
        int level;
        usec_t realtime_usec;
        const char *message; /* UTF-8 without control characters */
        LogField fields[LOG_FIELDS_MAX];
} LogEntry;

typedef enum LogForm {
        LOG_FORM_PLAIN,
        LOG_FORM_COLOR,    /* for a terminal */
        LOG_FORM_PREFIXED, /* <priority> as sd-daemon(3) has it; no time, the reader has its own */
        LOG_FORM_JSON,
        LOG_FORM_JOURNAL, /* https://systemd.io/JOURNAL_NATIVE_PROTOCOL */
} LogForm;

/* log-entry.c: writes the entry with its newline, and no NUL, and returns its size. A line has at most `max`
 * bytes (LOG_LINE_MAX, or PIPE_BUF at least): what is too long is cut with "…", the message last. */
size_t log_entry_format(const LogEntry *entry, LogForm form, size_t max, char ret[static LOG_ENTRY_MAX]);

/* log-journal.c: one datagram to journald. Open and write return 0 or a negative errno, write -EAGAIN if
 * journald does not read. */
int log_journal_open(void);
int log_journal_write(const char *entry, size_t size);
void log_journal_close(void);

/* The path of journald's socket, for the test. */
void log_journal_set_path(const char *path);

/* log-stream.c: lines to the stdout or stderr that were inherited. */
void log_stream_open(int fd);
void log_stream_close(void);

/* How long a line may be that goes out whole or not at all. */
size_t log_stream_get_line_max(void);

/* Writes one line, or drops it: 0, or a negative errno (-EAGAIN: not now) if it did not go out whole. */
int log_stream_write(const char *line, size_t size);

/* Whether the descriptor is the stream to journald that systemd told about in JOURNAL_STREAM. */
bool log_stream_is_journal(int fd);
bool log_stream_wants_color(int fd);
