/* How loud an outage may be: its first failure, then one line every 10 minutes, then one line when it is
 * over. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "util/time-util.h"

#define LOG_POLICY_REPEAT_USEC (10 * USEC_PER_MINUTE)

/* Plain data; zero-initialised there is no outage. */
typedef struct LogPolicy {
        uint64_t attempts; /* failed tries of this outage; 0: none */
        usec_t since_usec; /* boot time of the first */
        usec_t said_usec;  /* boot time of the last line */
} LogPolicy;

/* A try failed. Returns true if it is to be said aloud (else it belongs to debug). `now` is boot time. */
bool log_policy_failed(LogPolicy *policy, usec_t now);

/* A try succeeded. Returns true if that ends an outage, with how long it was and how many tries failed. */
bool log_policy_succeeded(LogPolicy *policy, usec_t now, usec_t *ret_duration_usec, uint64_t *ret_attempts);
