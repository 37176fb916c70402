/* SPDX-License-Identifier: MIT */
/* What a log entry looks like: for people on a console, for machines as a JSON object, for journald. */
#include "sys/log-internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <syslog.h>

#include "core/config.h"
#include "util/text.h"

#define ELLIPSIS "\xE2\x80\xA6" /* U+2026 */
#define COLOR_DIM "\x1B[2m"
#define COLOR_OFF "\x1B[0m"

/* Bytes of a text field in a line: all of them together leave the message a good part of a PIPE_BUF. */
enum { FIELD_SHOWN_MAX = 512 };

/* Text that is put together in an array, which it never leaves. */
typedef struct LogText {
        char *data;
        size_t size, max;
} LogText;

static void text_append(LogText *text, const char *data, size_t size) {
        size = min_size(size, text->max - text->size);
        memcpy(text->data + text->size, data, size);
        text->size += size;
}

/* Appends strings. Not printf(): each report is logged, and that would take twice the time. */
#define text_add(text, ...) text_add_all(text, (const char *const[]){ __VA_ARGS__, NULL })

static void text_add_all(LogText *text, const char *const *strings) {
        for (; *strings; strings++)
                text_append(text, *strings, strlen(*strings));
}

/* Appends the value in at most `room` bytes, with a backslash before each character of `escaped`. */
static void text_append_cut(LogText *text, const char *value, const char *escaped, size_t room) {
        size_t end = text->size + room, cut = text->size; /* where the ellipsis would go */

        if (strlen(value) <= room && !strpbrk(value, escaped)) {
                text_append(text, value, strlen(value));
                return;
        }

        for (; *value; value++) {
                bool is_escaped = strchr(escaped, *value);

                if ((*value & 0xC0) != 0x80 && text->size + strlen(ELLIPSIS) <= end)
                        cut = text->size;
                if (text->size + is_escaped + 1 > end) {
                        text->size = cut;
                        text_append(text, ELLIPSIS, strlen(ELLIPSIS));
                        return;
                }
                text_append(text, "\\", is_escaped);
                text_append(text, value, 1);
        }
}

static void append_value(LogText *text, const char *value, bool is_quoted) {
        text_append(text, "\"", is_quoted);
        text_append_cut(text, value, is_quoted ? "\"\\" : "", FIELD_SHOWN_MAX);
        text_append(text, "\"", is_quoted);
}

static void append_field(LogText *text, LogForm form, const LogField *field) {
        char buffer[LOG_FIELD_MAX];
        const char *value = field->is_constant ? field->text : buffer;

        if (field->is_span && form < LOG_FORM_JSON)
                (void) format_span(buffer, field->number);
        else if (!field->text)
                (void) snprintf(buffer, sizeof buffer, "%" PRIu64, field->number);
        else if (!field->is_constant)
                text_sanitize_into(buffer, sizeof buffer, field->text, strlen(field->text));

        if (form == LOG_FORM_JOURNAL)
                text_add(text, "\n", field->name, "=", value);
        else if (form == LOG_FORM_JSON) {
                text_add(text, ",\"", field->name, "\":");
                append_value(text, value, field->text);
        } else if (field->label) {
                text_add(text, " ", field->label, "=");
                append_value(text, value, strpbrk(value, " \"\\="));
        }
}

static void append_fields(LogText *text, LogForm form, const LogEntry *entry) {
        for (size_t i = 0; i < LOG_FIELDS_MAX; i++) {
                const LogField *field = &entry->fields[i];

                if (!isempty(field->text) || field->number > 0)
                        append_field(text, form, field);
        }
}

static void append_head(LogText *text, LogForm form, const LogEntry *entry) {
        static const char *const colors[] = {
                [LOG_ERR] = "\x1B[1;31m",
                [LOG_WARNING] = "\x1B[1;33m",
                [LOG_NOTICE] = "\x1B[1m",
                [LOG_INFO] = "",
                [LOG_DEBUG] = COLOR_DIM,
        };
        const char *level = log_level_to_string(entry->level);
        const char priority[] = { (char) ('0' + entry->level), '\0' };
        char time[TIMESTAMP_SIZE];

        if (form == LOG_FORM_JOURNAL)
                text_add(text, "MESSAGE=");
        else if (form == LOG_FORM_PREFIXED)
                text_add(text, "<", priority, ">");
        else
                (void) format_timestamp(time, entry->realtime_usec);

        if (form == LOG_FORM_PLAIN)
                text_add(text, time, " ", level, " ");
        else if (form == LOG_FORM_COLOR)
                text_add(text, COLOR_DIM, time, COLOR_OFF " ", colors[entry->level], level, COLOR_OFF " ");
        else if (form == LOG_FORM_JSON)
                text_add(text, "{\"timestamp\":\"", time, "\",\"MESSAGE\":\"");
}

static void append_tail(LogText *text, LogForm form, const LogEntry *entry) {
        const char priority[] = { (char) ('0' + entry->level), '\0' };

        if (form == LOG_FORM_JSON)
                text_add(text, "\",\"PRIORITY\":", priority,
                                ",\"SYSLOG_IDENTIFIER\":\"" LOG_IDENTIFIER "\"");
        else if (form == LOG_FORM_JOURNAL)
                text_add(text, "\nPRIORITY=", priority, "\nSYSLOG_IDENTIFIER=" LOG_IDENTIFIER);
        else if (form == LOG_FORM_COLOR)
                text_add(text, COLOR_DIM);

        append_fields(text, form, entry);
        text_add(text, form == LOG_FORM_JSON ? "}\n" : form == LOG_FORM_COLOR ? COLOR_OFF "\n" : "\n");
}

size_t log_entry_format(const LogEntry *entry, LogForm form, size_t max, char ret[static LOG_ENTRY_MAX]) {
        char tail_buffer[LOG_LINE_MAX];
        LogText text = { .data = ret, .max = LOG_ENTRY_MAX };
        LogText tail = { .data = tail_buffer, .max = sizeof tail_buffer };

        /* The tail first: the message gets what room that leaves. */
        append_tail(&tail, form, entry);
        append_head(&text, form, entry);
        text_append_cut(&text, entry->message, form == LOG_FORM_JSON ? "\"\\" : "",
                        (form == LOG_FORM_JOURNAL ? LOG_ENTRY_MAX : max) - text.size - tail.size);
        text_append(&text, tail.data, tail.size);
        return text.size;
}
