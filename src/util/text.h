/* SPDX-License-Identifier: MIT */
/* Text that comes from outside, made safe to show, and the few string helpers the C library lacks. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "util/macro.h"

static inline bool streq(const char *a, const char *b) {
        return strcmp(a, b) == 0;
}

/* NULL equals NULL only. */
static inline bool streq_or_null(const char *a, const char *b) {
        return a && b ? streq(a, b) : a == b;
}

static inline bool isempty(const char *text) {
        return !text || !*text;
}

static inline const char *strempty(const char *text) {
        return text ? text : "";
}

/* strdup() that maps NULL to NULL; *ret is set only on success. Returns 0 or -ENOMEM. */
int text_duplicate(const char *text, char **ret);

/* Replaces *text by a copy of `value` (NULL allowed), freeing what was there. Returns 1 if it differs from
 * before, 0 if it was the same, or -ENOMEM (then unchanged). */
int text_replace(char **text, const char *value);

/* Reads one UTF-8 sequence of the `size` bytes at `text`. Returns its length, 1 to 4, and the code point, or
 * 0 if it is not well-formed (RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF). */
size_t text_decode_utf8(const char *text, size_t size, uint32_t *ret_code_point);

/* Unicode's code points that are for ever no characters; D-Bus implementations refuse strings with them. */
bool text_is_noncharacter(uint32_t code_point);

/* C0, DEL and C1. */
bool text_is_control(uint32_t code_point);

/* Characters that a terminal or browser does not draw but acts on: controls, bidi controls (they reorder the
 * text, see UAX #9), line and paragraph separators, zero-width characters. */
bool text_is_hidden(uint32_t code_point);

bool text_is_utf8(const char *text, size_t size);

/* Makes a copy that may be shown on a terminal, in a log and on D-Bus: hidden characters are removed, bytes
 * that are no UTF-8 and noncharacters (which D-Bus refuses) become U+FFFD, and it is cut at `max` bytes
 * between characters, with "…" in place of what is missing (it counts in `max`). NULL if memory is out. */
char *text_sanitize(const char *text, size_t size, size_t max);

/* The same into an array; always NUL-terminated. `array_size` counts the NUL and is at least 4. */
void text_sanitize_into(char *array, size_t array_size, const char *text, size_t size);

/* A copy in which each byte but the printable ASCII ones (and the backslash) is written as \xNN, cut at
 * `max` bytes of output with "…". For names that must stay recognisable. NULL if memory is out. */
char *text_escape(const char *text, size_t size, size_t max);

/* Reads a decimal number of digits only (no sign, no space). Returns 0, -EINVAL or -ERANGE (above `max`). */
int text_parse_unsigned(const char *text, uint64_t max, uint64_t *ret);
