/* SPDX-License-Identifier: MIT */
/* The log: to journald by its native protocol, to a console, or as one JSON object a line. A target that is
 * only busy is waited for, so that no burst is lost; one that hangs is waited for once, for a tenth of a
 * second. What it does not take is dropped and counted, and the count is logged as soon as it takes lines
 * again. The one piece of the program that is global, as there is one stderr. It does not know what its
 * lines are about, nor how often they may come: see log-event.h and log-policy.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/config.h"
#include "core/log-event.h"
#include "util/macro.h"
#include "util/time-util.h"

/* The structured fields of an entry; NULL and 0 are skipped. */
typedef struct LogFields {
        const char *node_id;     /* ARGUS_NODE_ID */
        const char *endpoint;    /* ARGUS_ENDPOINT */
        unsigned http_status;    /* ARGUS_HTTP_STATUS */
        uint64_t attempt;        /* ARGUS_ATTEMPT */
        usec_t retry_usec;       /* ARGUS_RETRY_USEC */
        usec_t duration_usec;    /* ARGUS_DURATION_USEC */
        const char *health_file; /* ARGUS_HEALTH_FILE */
        int error;               /* ERRNO, positive */
} LogFields;

/* Opens the target. LOG_TARGET_AUTO is the journal when stderr is connected to it (JOURNAL_STREAM names its
 * device and inode), else the console. Before the first call lines go to the console. Returns 0, or a
 * negative errno if the journal cannot be reached (then the console is used). */
int log_open(LogTarget target, int max_level);

void log_close(void);

/* LOG_ERR … LOG_DEBUG of syslog.h. */
int log_get_level(void);
void log_set_level(int max_level);

/* In use: journal, console or json; never auto. */
LogTarget log_get_target(void);

/* Writes an entry of an event, with fields (may be NULL). Control characters in the message are removed. */
void log_event(int level, LogEvent event, const LogFields *fields, const char *format, ...) _printf_(4, 5);

/* Writes a plain line. */
#define log_line(level, ...) log_event((level), LOG_EVENT_NONE, NULL, __VA_ARGS__)

/* Entries dropped since the start. */
uint64_t log_get_dropped(void);
