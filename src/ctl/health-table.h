/* `argusctl health`: the health files as a table. */
#pragma once

#include "ctl/agent-view.h"
#include "ctl/terminal.h"

/* What is unknown of a file, its size or its age, is a '-'. */
void health_table_print(const Terminal *terminal, const HealthRows *health, usec_t now);
