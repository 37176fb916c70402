/* SPDX-License-Identifier: MIT */
/* The log's public side: which way out, which level, what an entry consists of, what was dropped. */
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

/* With the default net.unix.max_dgram_qlen, journald's queue is ten entries long. */
#define WAIT_MAX_USEC (100 * USEC_PER_MSEC)
#define WAIT_STEP_USEC (1 * USEC_PER_MSEC)

static LogTarget log_target = LOG_TARGET_CONSOLE;
static LogForm log_form = LOG_FORM_PLAIN;
static int log_max_level = LOG_INFO;
static usec_t log_wait_usec = WAIT_MAX_USEC; /* what is left of it, until an entry is taken at once */
static uint64_t log_dropped;                 /* since the start */
static uint64_t log_dropped_unlogged;        /* of them, those not logged yet */

static LogForm form_of(LogTarget target) {
        if (target == LOG_TARGET_JOURNAL)
                return LOG_FORM_JOURNAL;
        if (target == LOG_TARGET_JSON)
                return LOG_FORM_JSON;
        if (log_stream_is_journal(STDERR_FILENO))
                return LOG_FORM_PREFIXED;
        return log_stream_wants_color(STDERR_FILENO) ? LOG_FORM_COLOR : LOG_FORM_PLAIN;
}

static void use_target(LogTarget target) {
        log_target = target;
        log_form = form_of(target);
}

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

        use_target(target);
        return r;
}

void log_close(void) {
        log_journal_close();
        log_stream_close();
        use_target(LOG_TARGET_CONSOLE);
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

static int target_write(const char *data, size_t size) {
        return log_target == LOG_TARGET_JOURNAL ? log_journal_write(data, size)
                                                : log_stream_write(data, size);
}

/* Waits for a target that is only busy. */
static int entry_write(const LogEntry *entry) {
        const struct timespec step = { .tv_nsec = WAIT_STEP_USEC * 1000 };
        char data[LOG_ENTRY_MAX];
        size_t size = log_entry_format(entry, log_form, log_stream_get_line_max(), data);
        int r;

        r = target_write(data, size);
        if (r >= 0)
                log_wait_usec = WAIT_MAX_USEC;
        for (; r == -EAGAIN && log_wait_usec > 0; log_wait_usec -= WAIT_STEP_USEC) {
                (void) clock_nanosleep(CLOCK_MONOTONIC, 0, &step, NULL);
                r = target_write(data, size);
        }
        return r;
}

/* printf() into an array of LOG_LINE_MAX bytes, made safe to show; a cut is marked. */
static _printf_(2, 0) void message_format(
                char message[static LOG_LINE_MAX], const char *format, va_list arguments) {
        char raw[2 * LOG_LINE_MAX];

        if (vsnprintf(raw, sizeof raw, format, arguments) < 0)
                (void) snprintf(raw, sizeof raw, "%s", format); /* better without the values than nothing */
        text_sanitize_into(message, LOG_LINE_MAX, raw, strlen(raw));
}

/* Logs how many entries were lost, as soon as the target takes entries again. */
static int dropped_log(void) {
        LogEntry entry = { .level = LOG_WARNING, .realtime_usec = now_usec(CLOCK_REALTIME) };
        char message[64];
        int r;

        if (log_dropped_unlogged == 0)
                return 0;

        (void) snprintf(message, sizeof message,
                        log_dropped_unlogged == 1 ? "%" PRIu64 " log line was dropped"
                                                  : "%" PRIu64 " log lines were dropped",
                        log_dropped_unlogged);
        entry.message = message;

        r = entry_write(&entry);
        if (r >= 0)
                log_dropped_unlogged = 0;
        return r;
}

static int event_write(int level, LogEvent event, const LogFields *fields, const char *message) {
        const LogEntry entry = {
                .level = level,
                .realtime_usec = now_usec(CLOCK_REALTIME),
                .message = message,
                .fields = {
                        { .name = "MESSAGE_ID", .text = log_event_message_id(event), .is_constant = true },
                        { "ARGUS_EVENT", "event", .text = log_event_name(event), .is_constant = true },
                        { "ARGUS_NODE_ID", "node_id", .text = fields->node_id },
                        { "ARGUS_ENDPOINT", "endpoint", .text = fields->endpoint },
                        { "ARGUS_HTTP_STATUS", "status", .number = fields->http_status },
                        { "ARGUS_ATTEMPT", "attempt", .number = fields->attempt },
                        { "ARGUS_RETRY_USEC", "retry", .number = fields->retry_usec, .is_span = true },
                        { "ARGUS_DURATION_USEC", "duration", NULL, fields->duration_usec, .is_span = true },
                        { "ARGUS_HEALTH_FILE", "health_file", .text = fields->health_file },
                        { "ERRNO", "errno", .number = fields->error > 0 ? (uint64_t) fields->error : 0 },
                },
        };
        int r = dropped_log();

        return r < 0 ? r : entry_write(&entry);
}

void log_event(int level, LogEvent event, const LogFields *fields, const char *format, ...) {
        char message[LOG_LINE_MAX];
        int saved_errno = errno;
        va_list arguments;

        assert(level >= LOG_ERR && level <= LOG_DEBUG);

        if (level > log_max_level)
                return;

        va_start(arguments, format);
        message_format(message, format, arguments); /* before anything that changes errno: it may hold %m */
        va_end(arguments);

        if (event_write(level, event, fields ? fields : &(LogFields){}, message) < 0) {
                log_dropped++;
                log_dropped_unlogged++;
        }
        errno = saved_errno;
}
