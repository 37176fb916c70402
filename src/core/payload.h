/* The bodies of the two requests. */
#pragma once

#include <stdint.h>

#include "core/health-set.h"
#include "core/identity.h"
#include "util/buffer.h"
#include "util/time-util.h"

/* What the agent tells the Master of its machine. */
typedef struct HostFacts {
        const char *hostname;
        const char *address;    /* IP literal; NULL: left out */
        const char *machine_id; /* NULL: left out */
        uint64_t cpu_number;
        uint64_t memory_in_bytes;
        uint64_t gpu_number;
} HostFacts;

/* Builds the registration of the contract, section 3. `id_json` is the stored id as JSON (node.h), or NULL
 * for none: it is put in as it stands. Appends to `buffer`. Returns 0 or -ENOMEM. */
int payload_build_register(const char *id_json, const Identity *identity, const HostFacts *facts,
                const char *version, Buffer *buffer);

/* Builds a report: time stamp and health. `more`: see health_set_splice(). Appends to `buffer`. Returns 0,
 * or -ENOMEM, and then the buffer may hold a part of it. */
int payload_build_report(usec_t realtime_usec, const HealthSet *health, const char *more, Buffer *buffer);
