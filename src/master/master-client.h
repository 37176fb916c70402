/* The Master's HTTP API, version 1: its paths, the order of its endpoints, its secrets. One request at
 * a time. */
#pragma once

#include <systemd/sd-event.h>

#include "core/config.h"
#include "core/outcome.h"

typedef struct MasterClient MasterClient;

typedef struct MasterReply {
        RequestKind kind;
        Outcome *outcome;           /* the receiver may take its node */
        const char *endpoint;       /* address that the outcome is from */
        bool endpoint_changed;      /* another one responded than before */
        const char *local_address;  /* of the connection; NULL if none was made */
        const char *remote_address; /* the Master's; NULL if none was made */
        size_t body_size;           /* of the request */
        usec_t duration_usec;       /* of the whole attempt, all endpoints together */
        bool secret_reloaded;       /* token or certificates were found replaced for this attempt */
} MasterReply;

typedef void (*MasterCallback)(const MasterReply *reply, void *userdata);

/* `config` outlives the client. Returns 0 or a negative errno. */
int master_client_new(sd_event *event, const Config *config, MasterCallback callback, void *userdata,
                MasterClient **ret);
MasterClient *master_client_free(MasterClient *client);

/* Both make one attempt, which asks one or several endpoints (see core/endpoint-choice.h). The reply comes
 * by the callback, never from within the call, even if the request cannot be made. No other request may be
 * in flight. `node` (NULL: without an id) is what responses are compared with. It must live until the reply,
 * and so must `body`; NULL: the body could not be built, and the attempt fails. */
void master_client_register(MasterClient *client, const Node *node, const char *body, size_t size);
void master_client_report(MasterClient *client, const Node *node, const char *body, size_t size);

/* Drops the request in flight, if any; there is no callback. */
void master_client_cancel(MasterClient *client);

/* The next request makes a new connection. */
void master_client_drop_connections(MasterClient *client);

/* The endpoint that responded last; the first of the list until then. */
const Endpoint *master_client_endpoint(const MasterClient *client);
