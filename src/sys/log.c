/* The log's public side: which sink, which level, what an entry consists of, what was dropped. */
#include "sys/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "sys/log-internal.h"
#include "util/text.h"

/* Where nobody has raised net.unix.max_dgram_qlen journald's queue is ten entries long. */
#define PATIENCE_USEC (100 * USEC_PER_MSEC)
#define NAP_USEC (1 * USEC_PER_MSEC)

static LogTarget log_target = LOG_TARGET_CONSOLE;
static int log_max_level = LOG_INFO;
static usec_t log_patience_usec = PATIENCE_USEC; /* what is left of it, until an entry is taken at once */
static uint64_t log_dropped;                     /* since the start */
static uint64_t log_dropped_unsaid;              /* of them, what the sink has not been told yet */

int log_open(LogTarget target, int max_level) {
        int r = 0;

        log_close();
        log_set_level(max_level);

        if (target == LOG_TARGET_AUTO)
                target = log_stream_is_journal(STDERR_FILENO) ? LOG_TARGET_JOURNAL : LOG_TARGET_CONSOLE;

        if (target == LOG_TARGET_JOURNAL) {
                r = log_journal_open();
                if (r < 0)
                        target = LOG_TARGET_CONSOLE;
        }
        if (target != LOG_TARGET_JOURNAL)
                log_stream_open(target == LOG_TARGET_JSON ? STDOUT_FILENO : STDERR_FILENO);

        log_target = target;
        return r;
}

void log_close(void) {
        log_journal_close();
        log_stream_close();
        log_target = LOG_TARGET_CONSOLE;
}

int log_get_level(void) {
        return log_max_level;
}

void log_set_level(int max_level) {
        log_max_level = max_level;
}

LogTarget log_get_target(void) {
        return log_target;
}

uint64_t log_get_dropped(void) {
        return log_dropped;
}

static LogLook console_look(void) {
        if (log_stream_is_journal(STDERR_FILENO))
                return LOG_LOOK_PREFIXED;
        return log_stream_wants_color(STDERR_FILENO) ? LOG_LOOK_COLOR : LOG_LOOK_PLAIN;
}

static int entry_put(const LogEntry *entry) {
        size_t size, max = log_stream_get_line_max();
        char line[LOG_LINE_MAX];

        if (log_target == LOG_TARGET_JOURNAL)
                return log_journal_write(entry);

        if (log_target == LOG_TARGET_JSON)
                size = log_line_json(entry, line, max);
        else
                size = log_line_console(entry, console_look(), line, max);
        return log_stream_write(line, size);
}

static int entry_write(const LogEntry *entry) {
        const struct timespec nap = { .tv_nsec = NAP_USEC * 1000 };
        int r;

        r = entry_put(entry);
        if (r >= 0)
                log_patience_usec = PATIENCE_USEC;
        for (; r == -EAGAIN && log_patience_usec > 0; log_patience_usec -= NAP_USEC) {
                (void) clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
                r = entry_put(entry);
        }

        return r;
}

static void entry_add(LogEntry *entry, LogField field) {
        assert(entry->n_fields < LOG_FIELDS_MAX);
        entry->fields[entry->n_fields++] = field;
}

/* `safe` is where the text goes that is fit to be shown. */
static void entry_add_text(LogEntry *entry, const char *name, const char *label, const char *text,
                char safe[static LOG_FIELD_MAX]) {
        if (isempty(text))
                return;

        text_sanitize_into(safe, LOG_FIELD_MAX, text, strlen(text));
        entry_add(entry, (LogField){ .name = name, .label = label, .text = safe });
}

static void entry_add_number(LogEntry *entry, const char *name, const char *label, uint64_t number) {
        if (number > 0)
                entry_add(entry, (LogField){ .name = name, .label = label, .number = number });
}

static void entry_add_span(LogEntry *entry, const char *name, const char *label, usec_t span_usec) {
        LogField field = { .name = name, .label = label, .number = span_usec, .is_span = true };

        if (span_usec > 0)
                entry_add(entry, field);
}

static void entry_add_event(LogEntry *entry, LogEvent event) {
        const char *name = log_event_name(event);

        if (!name)
                return;

        entry_add(entry, (LogField){ .name = "MESSAGE_ID", .text = log_event_message_id(event) });
        entry_add(entry, (LogField){ .name = "ARGUS_EVENT", .label = "event", .text = name });
}

static void entry_add_fields(
                LogEntry *entry, const LogFields *fields, char texts[static LOG_TEXTS_MAX][LOG_FIELD_MAX]) {
        entry_add_text(entry, "ARGUS_NODE_ID", "node_id", fields->node_id, texts[0]);
        entry_add_text(entry, "ARGUS_ENDPOINT", "endpoint", fields->endpoint, texts[1]);
        entry_add_number(entry, "ARGUS_HTTP_STATUS", "status", fields->http_status);
        entry_add_number(entry, "ARGUS_ATTEMPT", "attempt", fields->attempt);
        entry_add_span(entry, "ARGUS_RETRY_USEC", "retry", fields->retry_usec);
        entry_add_span(entry, "ARGUS_DURATION_USEC", "duration", fields->duration_usec);
        entry_add_text(entry, "ARGUS_HEALTH_FILE", "health_file", fields->health_file, texts[2]);
        entry_add_number(entry, "ERRNO", "errno", fields->error > 0 ? (uint64_t) fields->error : 0);
}

/* printf() into an array of LOG_LINE_MAX bytes, made safe to show; a cut is marked. */
static _printf_(2, 0) void message_format(
                char message[static LOG_LINE_MAX], const char *format, va_list arguments) {
        char raw[LOG_LINE_MAX + sizeof LOG_ELLIPSIS];
        int length;

        length = vsnprintf(raw, LOG_LINE_MAX + 1, format, arguments);
        if (length < 0) /* better the words without the values than nothing */
                length = snprintf(raw, LOG_LINE_MAX + 1, "%s", format);

        if (length > LOG_LINE_MAX) {
                length = LOG_LINE_MAX - 1;
                for (size_t i = 0; i < 3 && ((unsigned char) raw[length] & 0xC0) == 0x80; i++)
                        length--; /* not in the middle of a character */
                memcpy(raw + length, LOG_ELLIPSIS, sizeof LOG_ELLIPSIS);
                length += (int) strlen(LOG_ELLIPSIS);
        }

        text_sanitize_into(message, LOG_LINE_MAX, raw, (size_t) length);
}

/* Says how many entries were lost, as soon as the sink takes entries again. */
static int dropped_say(void) {
        LogEntry entry = { .level = LOG_WARNING, .realtime_usec = now_usec(CLOCK_REALTIME) };
        char message[64];
        int r;

        if (log_dropped_unsaid == 0)
                return 0;

        (void) snprintf(message, sizeof message,
                        log_dropped_unsaid == 1 ? "%" PRIu64 " log line was dropped"
                                                : "%" PRIu64 " log lines were dropped",
                        log_dropped_unsaid);
        entry.message = message;

        r = entry_write(&entry);
        if (r >= 0)
                log_dropped_unsaid = 0;
        return r;
}

void log_event(int level, LogEvent event, const LogFields *fields, const char *format, ...) {
        char message[LOG_LINE_MAX], texts[LOG_TEXTS_MAX][LOG_FIELD_MAX];
        LogEntry entry = { .level = level, .message = message };
        int r, saved_errno = errno;
        va_list arguments;

        assert(level >= LOG_ERR && level <= LOG_DEBUG);

        if (level > log_max_level)
                return;

        va_start(arguments, format);
        message_format(message, format, arguments); /* before anything that changes errno: it may hold %m */
        va_end(arguments);

        entry.realtime_usec = now_usec(CLOCK_REALTIME);
        entry_add_event(&entry, event);
        if (fields)
                entry_add_fields(&entry, fields, texts);

        r = dropped_say();
        if (r >= 0)
                r = entry_write(&entry);
        if (r < 0) {
                log_dropped++;
                log_dropped_unsaid++;
        }

        errno = saved_errno;
}
