/* SPDX-License-Identifier: MIT */
/* The kinds of event that the log knows, by the names and message ids that dashboards and the journal's
 * catalog depend on. They are listed in log-events.inc. */
#pragma once

typedef enum LogEvent {
        LOG_EVENT_NONE, /* a line that is no event: it has neither ARGUS_EVENT nor MESSAGE_ID */
#define EVENT(name, ...) LOG_EVENT_##name,
#include "core/log-events.inc"
#undef EVENT
        _LOG_EVENT_MAX,
} LogEvent;

/* As in ARGUS_EVENT; NULL for LOG_EVENT_NONE. */
const char *log_event_name(LogEvent event);

/* As in MESSAGE_ID, 32 hexadecimal digits; NULL for LOG_EVENT_NONE. */
const char *log_event_message_id(LogEvent event);
