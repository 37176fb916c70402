/* SPDX-License-Identifier: MIT */
/* Another strict parser's opinion. A file of its own, as names of jansson's are ours too. */
#pragma once

#include <stddef.h>

typedef enum Opinion {
        OPINION_JSON,
        OPINION_NO_JSON,
        OPINION_NOT_HERE, /* what the RFC leaves to the parser: see fuzz-json-differential.c */
} Opinion;

Opinion independent_parse(const char *text, size_t size);
