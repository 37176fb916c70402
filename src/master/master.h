/* SPDX-License-Identifier: MIT */
/* The Master, reached by its HTTP API, version 1. This is all that the agent, the start and --check
 * know of this wing. One request at a time. */
#pragma once

#include <systemd/sd-event.h>

#include "core/config.h"
#include "core/outcome.h"

/* Before all else of this wing, and before the first thread. Returns 0 or -EIO. */
int master_start_library(void);
void master_stop_library(void);

/* Reads `http://host:3000`, `https://…`, `host:3000` (then http), `[::1]:3000`, `[fe80::1%25eth0]:3000`,
 * with a path prefix if wanted. Refuses other schemes, user info, queries, fragments, port 0, and numbers in
 * place of an IPv4 address. Without a port: 80, 443. */
EndpointParser endpoint_parse;

/* The proxy of connections to the endpoint, by libcurl-env(3): returns 1 and words for it, without its user
 * and password, "http://proxy:3128/ (from http_proxy)", which the caller frees; 0 if there is none (nothing
 * on loopback goes through one) or no_proxy excepts the host; or -ENOMEM. *ret_unmatched, if wanted, is set
 * to the variable of exceptions (static) that is set and does not match the host, or NULL. Sends and
 * resolves nothing. */
int master_find_proxy(const Endpoint *endpoint, char **ret_words, const char **ret_unmatched);

/* Whether HTTP_PROXY is set in vain: libcurl reads http_proxy only, because a client of a CGI program can
 * set the other. */
bool master_ignores_proxy(const Endpoint *endpoint);

/* Checks whether token, certificate, key and CA can be read, and whether TLS takes them together; sends
 * nothing. Calls `tell` for each that cannot be used, with words for it and its errno (or 0); without words,
 * TLS could not be tried, which is not an error. Returns 0, -EINVAL or -ENOMEM. */
typedef void MasterFaultCallback(int error, const char *words);
int master_check_secrets(const Config *config, MasterFaultCallback *tell);

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
