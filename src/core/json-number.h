/* How large a number of JSON text is. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Whether a number, as json_scan() accepts one, is beyond the range of a double (IEEE 754 binary64): parsers
 * make an infinity of it, or refuse the whole text (RFC 7493, section 2.2). What is too small for a double
 * is not: all take it as 0. Of the numbers next to the limit, 2^1024 - 2^970, those that share 19 digits
 * with it count as beyond. */
bool json_number_is_beyond_double(const char *number, size_t size);
