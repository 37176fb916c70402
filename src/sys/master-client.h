/* The Master's HTTP API, version 1: its paths, the order of its endpoints, its secrets. One request at a
 * time. */
#pragma once

#include <systemd/sd-event.h>

#include "core/config.h"
#include "core/outcome.h"

typedef struct MasterClient MasterClient;

typedef struct MasterReply {
        RequestKind kind;
        Outcome *outcome;           /* the receiver may take its node */
        const char *endpoint;       /* that the outcome is from */
        bool endpoint_changed;      /* another than the one that answered before */
        const char *local_address;  /* own address of the connection; NULL if none */
        const char *remote_address; /* NULL if none */
        usec_t duration_usec;       /* of the whole try */
        bool secret_reloaded;       /* token or certificates were found replaced for this try */
} MasterReply;

typedef void (*MasterCallback)(const MasterReply *reply, void *userdata);

/* `config` outlives the client. Returns 0 or a negative errno. */
int master_client_new(sd_event *event, const Config *config, MasterCallback callback, void *userdata,
                MasterClient **ret);
MasterClient *master_client_free(MasterClient *client);

/* Both send; the answer comes by the callback, never from within. -EBUSY if a request is in flight; other
 * negative errnos if the request could not be made. `node` (NULL: without an id) is what answers are
 * compared with; it is copied where needed. `body` is copied. */
int master_client_register(MasterClient *client, const Node *node, const char *body, size_t size);
int master_client_report(MasterClient *client, const Node *node, const char *body, size_t size);

/* Drops the request in flight, if any; there is no callback. */
void master_client_cancel(MasterClient *client);

/* The next request makes a new connection. */
void master_client_drop_connections(MasterClient *client);

/* The one in use (the first until one answered). */
const Endpoint *master_client_endpoint(const MasterClient *client);
