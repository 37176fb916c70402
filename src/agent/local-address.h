/* SPDX-License-Identifier: MIT */
/* Which local address a registration has: the configured one, else the one that the connection to the Master
 * uses, else the one that the kernel would use. It knows nothing of requests, nor when to register again. */
#pragma once

#include <stdbool.h>

#include "core/config.h"
#include "sys/host-info.h"
#include "util/time-util.h"

/* Plain data; zero-initialised nothing is known. Empty strings are unknown addresses. */
typedef struct LocalAddress {
        char registered[HOST_ADDRESS_SIZE]; /* with the Master */
        char connection[HOST_ADDRESS_SIZE]; /* local address of a connection that differed from it */
        char master[HOST_ADDRESS_SIZE];     /* the Master's, of the last connection */
        usec_t followed_usec;               /* boot time when a connection's address was last followed */
} LocalAddress;

/* The address to register now; empty if there is none. */
void local_address_find(const LocalAddress *local, const Config *config, const Endpoint *endpoint,
                char ret[static HOST_ADDRESS_SIZE]);

/* A connection was made; both may be NULL. It shows the address that the kernel really uses, after any name
 * resolution. Returns true if another one is registered: then local_address_find() gives the new one. A
 * machine with two ways to the Master may change between them at each connection: that is followed every ten
 * minutes at most. `now` is boot time. */
bool local_address_learn(LocalAddress *local, const Config *config, const char *local_address,
                const char *remote_address, usec_t now);

/* Addresses or routes changed: forgets what connections showed. Returns true if the address is another than
 * the registered one. */
bool local_address_changed(LocalAddress *local, const Config *config, const Endpoint *endpoint);
