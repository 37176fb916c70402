/* SPDX-License-Identifier: MIT */
/* What argusctl writes for programs: one JSON object on one line. Nothing here fails: without memory the
 * program ends. */
#pragma once

#include <cjson/cJSON.h>
#include <stdint.h>

#include "ctl/agent-view.h"

/* The first object has to be one of these. */
cJSON *json_new_object(void);

/* The properties of the mask, under their names on D-Bus. HealthFiles is an array of objects with "key",
 * "verdict" and "reason". */
cJSON *view_to_json(const AgentView *view, const HealthRows *health, uint64_t properties);

/* In digits only: cJSON's own writes some numbers of 10^15 and above, as points in time are, with an
 * exponent, which readers of integers refuse. */
void json_add_number(cJSON *object, const char *name, uint64_t number);

/* Writes the object on a line of its own, and releases it. */
void json_print(cJSON *object);

/* Writes JSON text that others made as it is, and a line feed if it has none. On a terminal the control
 * characters in it are written as JSON escapes. */
void json_print_text(const char *text, bool is_terminal);
