/* The kinds of event that the log knows, by the names and message ids that dashboards and the journal's
 * catalog depend on: never change one, only add. */
#pragma once

typedef enum LogEvent {
        LOG_EVENT_NONE, /* a line that is no event: it has neither ARGUS_EVENT nor MESSAGE_ID */
        LOG_EVENT_STARTED,
        LOG_EVENT_STOPPING,
        LOG_EVENT_CONFIG_INVALID,
        LOG_EVENT_REGISTERED,
        LOG_EVENT_REGISTER_FAILED,
        LOG_EVENT_REREGISTER,
        LOG_EVENT_ID_REPLACED,
        LOG_EVENT_REPORT_OK,
        LOG_EVENT_REPORT_FAILED,
        LOG_EVENT_REPORT_RECOVERED,
        LOG_EVENT_NODE_FORGOTTEN,
        LOG_EVENT_HEALTH_FILE_BAD,
        LOG_EVENT_HEALTH_FILE_GOOD,
        LOG_EVENT_ADDRESS_CHANGED,
        LOG_EVENT_ENDPOINT_CHANGED,
        LOG_EVENT_STATE_CORRUPT,
        LOG_EVENT_STATE_UNWRITABLE,
        LOG_EVENT_STATE_RECOVERED,
        LOG_EVENT_BUS_LOST,
        LOG_EVENT_BUS_BACK,
        LOG_EVENT_SECRET_RELOADED,
        _LOG_EVENT_MAX,
} LogEvent;

/* As in ARGUS_EVENT; NULL for LOG_EVENT_NONE. */
const char *log_event_name(LogEvent event);

/* As in MESSAGE_ID, 32 hexadecimal digits; NULL for LOG_EVENT_NONE. */
const char *log_event_message_id(LogEvent event);
