/* What argusctl writes for programs: one JSON object on one line. */
#pragma once

#include <cjson/cJSON.h>
#include <stdint.h>

#include "ctl/agent-view.h"

/* The properties of the mask, under their names on D-Bus. HealthFiles is an array of objects with "key",
 * "verdict" and "reason". NULL if memory is out. */
cJSON *view_to_json(const AgentView *view, const HealthRows *health, uint64_t properties);

/* A number in digits only: cJSON's own writes some of 10^15 and above, as points in time are, with an
 * exponent, which readers of integers refuse. NULL if memory is out. */
cJSON *json_create_number(uint64_t number);

/* Writes the object on a line of its own, and releases it (NULL is allowed: memory was out). Returns 0
 * or -ENOMEM. */
int json_print(cJSON *object);

/* Writes JSON text that others made as it is, and a line's end if it has none. On a terminal the control
 * characters in it are written as JSON escapes. */
void json_print_text(const char *text, bool is_terminal);
