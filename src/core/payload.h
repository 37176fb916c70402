/* SPDX-License-Identifier: MIT */
/* The body of the registration. (A report is the text of others: agent/reporting.c puts it together.) */
#pragma once

#include <stdint.h>

#include "core/identity.h"
#include "util/buffer.h"

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
