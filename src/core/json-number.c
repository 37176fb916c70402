/* SPDX-License-Identifier: MIT */
/* Decides by digits, not by strtod(): that follows the locale, and reads beyond the end of the number. */
#include "core/json-number.h"

#include <stdint.h>
#include <string.h>

enum { EXPONENT_CAP = 1000000000 }; /* no text has enough digits to outweigh this */

/* Written as 0.1797… × 10^309. */
static const char limit[] = "1797693134862315807";

enum { LIMIT_SIZE = sizeof limit - 1, LIMIT_EXPONENT = 309 };

/* Of "e-12" or nothing. */
static int64_t read_exponent(const char *p, const char *end) {
        bool is_negative = false;
        int64_t value = 0;

        if (p < end)
                p++;
        if (p < end && (*p == '-' || *p == '+'))
                is_negative = *p++ == '-';
        for (; p < end && value < EXPONENT_CAP; p++)
                value = value * 10 + (*p - '0');
        return is_negative ? -value : value;
}

bool json_number_is_beyond_double(const char *number, size_t size) {
        const char *p = number, *end = number + size;
        char digits[LIMIT_SIZE];
        bool is_fraction = false;
        int64_t exponent = 0;
        size_t n = 0;

        memset(digits, '0', sizeof digits);
        for (; p < end && *p != 'e' && *p != 'E'; p++) {
                if (*p == '.')
                        is_fraction = true;
                else if (n == 0 && (*p == '-' || *p == '0'))
                        exponent -= is_fraction;
                else {
                        exponent += !is_fraction;
                        if (n < sizeof digits)
                                digits[n++] = *p;
                }
        }

        exponent += read_exponent(p, end);
        if (n == 0 || exponent != LIMIT_EXPONENT)
                return n > 0 && exponent > LIMIT_EXPONENT;
        return memcmp(digits, limit, sizeof digits) >= 0;
}
