/* argus-agent --check: what the configuration comes to, for a person. */
#pragma once

#include "core/config.h"
#include "core/identity.h"
#include "core/node.h"

/* Prints it all on standard output. `node` is NULL if none is stored. */
void check_print(const Config *config, const Identity *identity, const Node *node);
