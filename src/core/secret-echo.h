/* SPDX-License-Identifier: MIT */
/* Whether what a peer says repeats a secret that was sent to it. */
#pragma once

#include <stddef.h>

enum {
        SECRET_PART = 8,             /* so many bytes of it are as good as all */
        SECRET_WHOLE = 16 * 1024 + 1 /* longer than any: only all of it counts */
};

/* Looks for `secret` (printable ASCII; NULL or empty: none) in the text, and for any `part` bytes of it:
 * as it is, with the escapes of JSON, HTML and URLs, one inside the other too, in either case of letters,
 * and broken by white space or characters that are not ASCII. A secret shorter than `part` counts as a
 * whole. Returns 1 or 0, or -ENOMEM. */
int secret_is_repeated(const char *text, size_t size, const char *secret, size_t part);
