/* `argusctl health`: the health files as a table. */
#pragma once

#include "ctl/agent-view.h"
#include "ctl/terminal.h"

/* With a column for the sizes if `has_sizes`. */
void health_table_print(const Terminal *terminal, const HealthRows *health, bool has_sizes);
