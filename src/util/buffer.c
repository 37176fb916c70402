/* SPDX-License-Identifier: MIT */
#include "util/buffer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
        BUFFER_SMALLEST = 256,
        PRINTF_USUAL = 128, /* bytes that buffer_printf() has room for without a second go */
};

int buffer_reserve(Buffer *buffer, size_t more) {
        size_t needed, allocated;
        char *data;

        if (__builtin_add_overflow(buffer->size, more, &needed) || needed > SIZE_MAX / 2)
                return -ENOMEM;
        needed++; /* the NUL */

        if (needed <= buffer->allocated)
                return 0;

        /* One and a half of what is needed: appending stays linear in all. */
        allocated = needed < BUFFER_SMALLEST ? BUFFER_SMALLEST : needed + needed / 2;
        data = realloc(buffer->data, allocated);
        if (!data)
                return -ENOMEM;

        data[buffer->size] = '\0';
        buffer->data = data;
        buffer->allocated = allocated;
        return 0;
}

int buffer_append(Buffer *buffer, const void *data, size_t size) {
        int r;

        r = buffer_reserve(buffer, size);
        if (r < 0)
                return r;

        if (size > 0)
                memcpy(buffer->data + buffer->size, data, size);
        buffer->size += size;
        buffer->data[buffer->size] = '\0';
        return 0;
}

int buffer_append_string(Buffer *buffer, const char *string) {
        return buffer_append(buffer, string, strlen(string));
}

int buffer_printf(Buffer *buffer, const char *format, ...) {
        int r = buffer_reserve(buffer, PRINTF_USUAL);

        while (r >= 0) {
                size_t room = buffer->allocated - buffer->size;
                va_list arguments;
                int length;

                va_start(arguments, format);
                length = vsnprintf(buffer->data + buffer->size, room, format, arguments);
                va_end(arguments);

                if (length >= 0 && (size_t) length < room) {
                        buffer->size += (size_t) length;
                        return 0;
                }
                r = length < 0 ? -ENOMEM : buffer_reserve(buffer, (size_t) length);
        }

        if (buffer->data)
                buffer->data[buffer->size] = '\0';
        return r;
}

void buffer_clear(Buffer *buffer) {
        buffer->size = 0;
        if (buffer->data)
                buffer->data[0] = '\0';
}

void buffer_done(Buffer *buffer) {
        free(buffer->data);
        *buffer = (Buffer){};
}
