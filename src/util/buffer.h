/* SPDX-License-Identifier: MIT */
/* A growing run of bytes whose memory is kept between uses: what is built again every minute is built in the
 * same place. A Buffer is plain data; zero-initialised it is empty and valid. The data is always followed by
 * a NUL that does not count in `size`. */
#pragma once

#include <stddef.h>

#include "util/macro.h"

typedef struct Buffer {
        char *data; /* NULL while nothing was ever appended */
        size_t size;
        size_t allocated;
} Buffer;

/* All return 0 or -ENOMEM; on failure the content is unchanged. */
int buffer_reserve(Buffer *buffer, size_t more);
int buffer_append(Buffer *buffer, const void *data, size_t size);
int buffer_append_string(Buffer *buffer, const char *string);
int buffer_printf(Buffer *buffer, const char *format, ...) _printf_(2, 3);

/* Empties the buffer and keeps its memory. */
void buffer_clear(Buffer *buffer);

/* Gives the memory back; the buffer is valid and empty afterwards. */
void buffer_done(Buffer *buffer);
