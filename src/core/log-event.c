/* SPDX-License-Identifier: MIT */
#include "core/log-event.h"

#include <stddef.h>

#include "util/macro.h"

static const struct {
        const char *name;
        const char *message_id;
} log_events[_LOG_EVENT_MAX] = {
#define EVENT(event, name, level, id) [LOG_EVENT_##event] = { name, id },
#include "core/log-events.inc"
#undef EVENT
};

const char *log_event_name(LogEvent event) {
        assert(event < _LOG_EVENT_MAX);
        return log_events[event].name;
}

const char *log_event_message_id(LogEvent event) {
        assert(event < _LOG_EVENT_MAX);
        return log_events[event].message_id;
}
