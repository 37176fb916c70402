/* `argusctl health`: the health files as a table. */
#pragma once

#include "ctl/agent-view.h"
#include "ctl/terminal.h"

void health_table_print(const Terminal *terminal, const HealthRows *health);
