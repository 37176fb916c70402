/* Follows the agent on the bus by its signals: it appears, changes, is gone. Nothing blocks meanwhile. */
#pragma once

#include <systemd/sd-event.h>

#include "ctl/agent-view.h"
#include "ctl/client.h"

typedef struct Watch Watch;

typedef enum WatchEvent {
        WATCH_APPEARED, /* it is on the bus, and all properties are known; also told at the beginning */
        WATCH_GONE,     /* it is not on the bus; also told at the beginning */
        WATCH_CHANGED,
} WatchEvent;

typedef struct WatchNews {
        WatchEvent event;
        const AgentView *view, *before; /* `before` is for WATCH_CHANGED */
        const HealthRows *health, *health_before;
        uint64_t fields; /* of PROPERTY_BIT(): what changed; for WATCH_APPEARED what the agent has */
} WatchNews;

typedef void (*WatchCallback)(Watch *watch, const WatchNews *news, void *userdata);

/* Follows until watch_end() is called, `event` is ended by the caller's own sources, or the bus is lost
 * (said on stderr). Returns the exit status. */
int watch_run(const Client *client, sd_event *event, WatchCallback callback, void *userdata);

void watch_end(Watch *watch, int exit_status);
