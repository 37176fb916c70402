/* Whom it is told: the Master, by its HTTP API, version 1. This is all that the agent, the start and --check
 * know of this wing. One request at a time. */
#pragma once

#include <systemd/sd-event.h>

#include "core/config.h"
#include "core/outcome.h"

/* Reads `http://host:3000`, `https://…`, `host:3000` (then http), `[::1]:3000`, `[fe80::1%25eth0]:3000`, with a
 * path prefix if wanted. Refuses other schemes, user info, queries, fragments, port 0, and numbers in place of
 * an IPv4 address. Without a port: 80, 443. */
EndpointParser endpoint_parse;

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
