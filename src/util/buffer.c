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

        assert(buffer);

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
        va_list arguments, again;
        int r, length;

        r = buffer_reserve(buffer, PRINTF_USUAL);
        if (r < 0)
                return r;

        va_start(arguments, format);
        va_copy(again, arguments);

        length = vsnprintf(buffer->data + buffer->size, PRINTF_USUAL + 1, format, arguments);
        r = length < 0 ? -ENOMEM : 0;
        if (length > PRINTF_USUAL) {
                r = buffer_reserve(buffer, (size_t) length);
                if (r >= 0)
                        (void) vsnprintf(buffer->data + buffer->size, (size_t) length + 1, format, again);
        }
        if (r >= 0)
                buffer->size += (size_t) length;
        buffer->data[buffer->size] = '\0';

        va_end(again);
        va_end(arguments);
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
