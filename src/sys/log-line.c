/* What a log entry looks like as a line: for people on a console, for machines as a JSON object. */
#include "sys/log-internal.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>

#include "core/config.h"
#include "util/text.h"

#define COLOR_DIM "\x1B[2m"
#define COLOR_OFF "\x1B[0m"

/* Bytes of a text field in a line: all of them together leave the message a good part of a PIPE_BUF. */
enum { FIELD_SHOWN_MAX = 512 };

void log_text_printf(LogText *text, const char *format, ...) {
        size_t room = text->max - text->size;
        va_list arguments;
        int length;

        va_start(arguments, format);
        length = vsnprintf(text->data + text->size, room, format, arguments);
        va_end(arguments);

        if (length > 0)
                text->size += min_size((size_t) length, room - 1);
}

static void text_append(LogText *text, const char *data, size_t size) {
        size = min_size(size, text->max - text->size - 1);
        memcpy(text->data + text->size, data, size);
        text->size += size;
        text->data[text->size] = '\0';
}

void log_text_append_string(LogText *text, const char *string) {
        text_append(text, string, strlen(string));
}

/* Appends `value`, with a backslash before each character of `escaped`, in at most `room` bytes. */
static void text_append_cut(LogText *text, const char *value, const char *escaped, size_t room) {
        size_t size = strlen(value), n_escaped = 0, left;

        for (const char *p = value; (p = strpbrk(p, escaped)); p++)
                n_escaped++;
        if (n_escaped == 0 && size <= room) {
                text_append(text, value, size);
                return;
        }

        left = size + n_escaped <= room ? room : room - strlen(LOG_ELLIPSIS);
        for (size_t length; size > 0; value += length, size -= length) {
                uint32_t code_point;
                bool is_escaped = strchr(escaped, *value);

                length = text_decode_utf8(value, size, &code_point);
                assert(length > 0);

                if (length + is_escaped > left) {
                        text_append(text, LOG_ELLIPSIS, strlen(LOG_ELLIPSIS));
                        break;
                }

                text_append(text, "\\", is_escaped);
                text_append(text, value, length);
                left -= length + is_escaped;
        }
}

/* `before`, then as much of the message as the rest leaves room for, then `after` and the newline. */
static size_t line_compose(const LogEntry *entry, const char *escaped, const LogText *before,
                const LogText *after, char *line, size_t max) {
        char buffer[LOG_LINE_MAX + 1];
        LogText text = { .data = buffer, .max = sizeof buffer };

        assert(max <= LOG_LINE_MAX);
        assert(before->size + after->size + sizeof LOG_ELLIPSIS < max);

        text_append(&text, before->data, before->size);
        text_append_cut(&text, entry->message, escaped, max - before->size - after->size - 1);
        text_append(&text, after->data, after->size);
        text_append(&text, "\n", 1);

        memcpy(line, text.data, text.size); /* without a NUL */
        return text.size;
}

static void console_append_field(LogText *text, const LogField *field) {
        char buffer[SPAN_SIZE];
        const char *value = field->text;

        if (field->is_span)
                value = format_span(buffer, field->number);

        text_append(text, " ", 1);
        log_text_append_string(text, field->label);
        text_append(text, "=", 1);
        if (!value)
                log_text_printf(text, "%" PRIu64, field->number);
        else if (!isempty(value) && !strpbrk(value, " \"\\="))
                text_append_cut(text, value, "", FIELD_SHOWN_MAX);
        else {
                text_append(text, "\"", 1);
                text_append_cut(text, value, "\"\\", FIELD_SHOWN_MAX);
                text_append(text, "\"", 1);
        }
}

size_t log_line_console(const LogEntry *entry, LogLook look, char *line, size_t max) {
        static const char *const colors[] = {
                [LOG_ERR] = "\x1B[1;31m",
                [LOG_WARNING] = "\x1B[1;33m",
                [LOG_NOTICE] = "\x1B[1m",
                [LOG_INFO] = "",
                [LOG_DEBUG] = COLOR_DIM,
        };
        char timestamp[TIMESTAMP_SIZE], before_buffer[128], after_buffer[PIPE_BUF];
        LogText before = { .data = before_buffer, .max = sizeof before_buffer };
        LogText after = { .data = after_buffer, .max = sizeof after_buffer };
        const char *level = log_level_to_string(entry->level);

        (void) format_timestamp(timestamp, entry->realtime_usec);
        switch (look) {
        case LOG_LOOK_PLAIN:
                log_text_printf(&before, "%s %s ", timestamp, level);
                break;
        case LOG_LOOK_COLOR:
                log_text_printf(&before, COLOR_DIM "%s" COLOR_OFF " %s%s" COLOR_OFF " ", timestamp,
                                colors[entry->level], level);
                break;
        case LOG_LOOK_PREFIXED:
                log_text_printf(&before, "<%i>", entry->level);
                break;
        }

        log_text_append_string(&after, look == LOG_LOOK_COLOR ? COLOR_DIM : "");
        for (size_t i = 0; i < entry->n_fields; i++) {
                if (entry->fields[i].label)
                        console_append_field(&after, &entry->fields[i]);
        }
        log_text_append_string(&after, look == LOG_LOOK_COLOR ? COLOR_OFF : "");

        return line_compose(entry, "", &before, &after, line, max);
}

size_t log_line_json(const LogEntry *entry, char *line, size_t max) {
        char timestamp[TIMESTAMP_SIZE], before_buffer[128], after_buffer[PIPE_BUF];
        LogText before = { .data = before_buffer, .max = sizeof before_buffer };
        LogText after = { .data = after_buffer, .max = sizeof after_buffer };

        (void) format_timestamp(timestamp, entry->realtime_usec);
        log_text_printf(&before, "{\"timestamp\":\"%s\",\"MESSAGE\":\"", timestamp);

        log_text_printf(&after, "\",\"PRIORITY\":%i,\"SYSLOG_IDENTIFIER\":\"" LOG_IDENTIFIER "\"",
                        entry->level);
        for (size_t i = 0; i < entry->n_fields; i++) {
                const LogField *field = &entry->fields[i];

                log_text_append_string(&after, ",\"");
                log_text_append_string(&after, field->name);
                log_text_append_string(&after, "\":");
                if (field->text) {
                        text_append(&after, "\"", 1);
                        text_append_cut(&after, field->text, "\"\\", FIELD_SHOWN_MAX);
                        text_append(&after, "\"", 1);
                } else
                        log_text_printf(&after, "%" PRIu64, field->number);
        }
        log_text_append_string(&after, "}");

        return line_compose(entry, "\"\\", &before, &after, line, max);
}
