/* The parts of the log, one outside world each. Internal to log.c, and for its test. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/macro.h"
#include "util/time-util.h"

#define LOG_IDENTIFIER "argus-agent"
#define LOG_ELLIPSIS "\xE2\x80\xA6" /* U+2026 */

enum {
        LOG_LINE_MAX = 8192,              /* bytes of a message, and of a line with its newline */
        LOG_FIELD_MAX = 2304,             /* bytes of a text field: the longest endpoint fits */
        LOG_TEXTS_MAX = 3,                /* fields whose text comes from outside */
        LOG_FIELDS_MAX = 10,              /* all that an entry may have */
        LOG_ENTRY_MAX = 2 * LOG_LINE_MAX, /* bytes of an entry for the journal */
};

/* All texts are UTF-8 without control characters: no sink needs to guard against a line break. */
typedef struct LogField {
        const char *name;  /* in the journal and in JSON */
        const char *label; /* on the console; NULL: of no use there */
        const char *text;  /* NULL: it is the number */
        uint64_t number;
        bool is_span; /* the number is in microseconds */
} LogField;

typedef struct LogEntry {
        int level;
        usec_t realtime_usec;
        const char *message;
        LogField fields[LOG_FIELDS_MAX];
        size_t n_fields;
} LogEntry;

/* Text that is put together in an array of `max` bytes, which it never leaves; always NUL-terminated. */
typedef struct LogText {
        char *data;
        size_t size, max;
} LogText;

void log_text_printf(LogText *text, const char *format, ...) _printf_(2, 3);
void log_text_append_string(LogText *text, const char *string);

/* log-line.c: an entry as one line with its newline, of at most `max` bytes (LOG_LINE_MAX, or PIPE_BUF at
 * least). What is too long is cut with "…", the message last. Return the size. */
typedef enum LogLook {
        LOG_LOOK_PLAIN,
        LOG_LOOK_COLOR,    /* for a terminal */
        LOG_LOOK_PREFIXED, /* <priority> as sd-daemon(3) has it; no time, the reader has its own */
} LogLook;

size_t log_line_console(const LogEntry *entry, LogLook look, char *line, size_t max);
size_t log_line_json(const LogEntry *entry, char *line, size_t max);

/* log-journal.c: the native protocol of journald. Open and write return 0 or a negative errno, write -EAGAIN
 * if journald does not read. */
int log_journal_open(void);
int log_journal_write(const LogEntry *entry);
void log_journal_close(void);

/* The path of journald's socket, for the test; static memory. */
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
