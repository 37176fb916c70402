/* SPDX-License-Identifier: MIT */
/* A strict reader of JSON text (RFC 8259) that copies nothing: it says whether text is valid. Foreign text
 * passes through the agent byte for byte, so nothing here prints JSON. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/json-slice.h"

enum {
        JSON_NESTING_MAX = 512,
        JSON_PORTABLE_NESTING_MAX = 60, /* .NET stops at 64, Ruby at 100, serde_json at 128 */
};

typedef struct JsonError {
        size_t offset;      /* byte where it went wrong; of a broken UTF-8 sequence its first */
        const char *reason; /* static words: "control character in a string" */
        bool is_incomplete; /* the text ended too early: it may be half-written */
} JsonError;

/* Checks that the text is exactly one JSON value, white space around it allowed: UTF-8, no byte order mark,
 * no control character in a string, numbers and escapes as the RFC writes them, nesting at most
 * JSON_NESTING_MAX, no trailing text. A lone surrogate escape (\ud800) is valid text. Gives the value
 * without the white space around. Does not recurse. Returns 0, or -EBADMSG with *ret_error set (ret_error
 * may be NULL). */
int json_scan(const char *text, size_t size, JsonSlice *ret_value, JsonError *ret_error);

/* The same for text that any parser has to take: also refuses, as -EBADMSG, what is valid but makes common
 * parsers refuse the whole text around it (RFC 7493): half of a surrogate pair and \u0000 as escapes,
 * numbers beyond the range of a double, nesting deeper than JSON_PORTABLE_NESTING_MAX. Text that is not JSON
 * at all has the reason that json_scan() gives. */
int json_scan_portable(const char *text, size_t size, JsonSlice *ret_value, JsonError *ret_error);
