/* `argusctl health`: the watched units as a table. */
#pragma once

#include "ctl/health-detail.h"
#include "ctl/terminal.h"

/* `now`: µs since the epoch. */
void unit_table_print(const Terminal *terminal, const HealthDetail *detail, usec_t now);
