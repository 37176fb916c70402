/* SPDX-License-Identifier: MIT */
/* How large a number of JSON text is. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Whether a number, as json_scan() accepts one, is beyond the range of a double (IEEE 754 binary64): parsers
 * make it infinite, or refuse the whole text (RFC 7493, section 2.2). A number too small for a double does
 * not count: all parsers take it as 0. Numbers that share 19 digits with the limit, 2^1024 - 2^970, count
 * as beyond it. */
bool json_number_is_beyond_double(const char *number, size_t size);
