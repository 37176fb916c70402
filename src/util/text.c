#include "util/text.h"

#include <errno.h>
#include <stdio.h>

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */
#define ELLIPSIS "\xE2\x80\xA6"    /* U+2026 */

int text_duplicate(const char *text, char **ret) {
        char *copy = NULL;

        if (text) {
                copy = strdup(text);
                if (!copy)
                        return -ENOMEM;
        }

        *ret = copy;
        return 0;
}

int text_replace(char **text, const char *value) {
        char *copy;
        int r;

        if (streq_or_null(*text, value))
                return 0;

        r = text_duplicate(value, &copy);
        if (r < 0)
                return r;

        free(*text);
        *text = copy;
        return 1;
}

size_t text_decode_utf8(const char *text, size_t size, uint32_t *ret_code_point) {
        const unsigned char *bytes = (const unsigned char *) text;
        static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
        uint32_t code_point;
        size_t length;

        if (size == 0)
                return 0;

        if (bytes[0] < 0x80) {
                *ret_code_point = bytes[0];
                return 1;
        }
        if (bytes[0] >= 0xC2 && bytes[0] <= 0xDF) {
                length = 2;
                code_point = bytes[0] & 0x1FU;
        } else if ((bytes[0] & 0xF0) == 0xE0) {
                length = 3;
                code_point = bytes[0] & 0x0FU;
        } else if (bytes[0] >= 0xF0 && bytes[0] <= 0xF4) {
                length = 4;
                code_point = bytes[0] & 0x07U;
        } else
                return 0;

        if (length > size)
                return 0;
        for (size_t i = 1; i < length; i++) {
                if ((bytes[i] & 0xC0) != 0x80)
                        return 0;
                code_point = code_point << 6 | (bytes[i] & 0x3FU);
        }

        if (code_point < smallest[length] || code_point > 0x10FFFF)
                return 0;
        if (code_point >= 0xD800 && code_point <= 0xDFFF)
                return 0;

        *ret_code_point = code_point;
        return length;
}

bool text_is_utf8(const char *text, size_t size) {
        uint32_t code_point;

        while (size > 0) {
                size_t length = text_decode_utf8(text, size, &code_point);

                if (length == 0)
                        return false;
                text += length;
                size -= length;
        }

        return true;
}

bool text_is_control(uint32_t code_point) {
        return code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0);
}

bool text_is_hidden(uint32_t code_point) {
        static const struct {
                uint32_t first, last;
        } ranges[] = {
                { 0x061C, 0x061C }, /* Arabic letter mark */
                { 0x180E, 0x180E }, /* Mongolian vowel separator */
                { 0x200B, 0x200F }, /* zero-width spaces and joiners, left-to-right and right-to-left mark */
                { 0x2028, 0x202E }, /* line and paragraph separator, bidi embeddings and overrides */
                { 0x2060, 0x206F }, /* word joiner, invisible operators, bidi isolates */
                { 0xFEFF, 0xFEFF }, /* byte order mark */
                { 0xFFF9, 0xFFFB }, /* interlinear annotation */
                { 0xE0000, 0xE007F }, /* tags */
        };

        if (code_point < ranges[0].first)
                return text_is_control(code_point);
        for (size_t i = 0; i < ELEMENTSOF(ranges); i++)
                if (code_point >= ranges[i].first && code_point <= ranges[i].last)
                        return true;
        return false;
}

bool text_is_noncharacter(uint32_t code_point) {
        return (code_point >= 0xFDD0 && code_point <= 0xFDEF) || (code_point & 0xFFFE) == 0xFFFE;
}

/* The printable ASCII that `text` begins with, which nearly every text is made of. */
static size_t plain_length(const char *text, size_t size) {
        size_t n = 0;

        while (n < size && text[n] >= 0x20 && text[n] < 0x7F)
                n++;
        return n;
}

void text_sanitize_into(char *array, size_t array_size, const char *text, size_t size) {
        size_t written = 0, room = array_size - 1;
        size_t cut = 0; /* where the ellipsis would go: the last place that leaves it room */

        assert(array_size >= sizeof ELLIPSIS);

        while (size > 0) {
                uint32_t code_point = 0;
                size_t length, piece_size, taken;
                const char *piece = text;

                if (written + strlen(ELLIPSIS) < room) {
                        length = plain_length(text, min_size(size, room - strlen(ELLIPSIS) - written));
                        memcpy(array + written, text, length);
                        cut = written += length;
                        text += length;
                        size -= length;
                        if (length > 0)
                                continue;
                }

                length = piece_size = taken = text_decode_utf8(text, size, &code_point);

                if (length == 0) {
                        taken = 1;
                        piece = REPLACEMENT;
                        piece_size = strlen(REPLACEMENT);
                } else if (text_is_hidden(code_point))
                        piece_size = 0;
                else if (text_is_noncharacter(code_point)) {
                        piece = REPLACEMENT;
                        piece_size = strlen(REPLACEMENT);
                }

                if (written + piece_size > room) {
                        memcpy(array + cut, ELLIPSIS, strlen(ELLIPSIS));
                        written = cut + strlen(ELLIPSIS);
                        break;
                }

                memcpy(array + written, piece, piece_size);
                written += piece_size;
                if (written + strlen(ELLIPSIS) <= room)
                        cut = written;

                text += taken;
                size -= taken;
        }

        array[written] = '\0';
}

char *text_sanitize(const char *text, size_t size, size_t max) {
        /* Three bytes for each is the worst case, of bytes that are no UTF-8. */
        size_t needed = size > max / 3 ? max : size * 3;
        char *copy;

        if (needed < strlen(ELLIPSIS))
                needed = strlen(ELLIPSIS);

        copy = malloc(needed + 1);
        if (copy)
                text_sanitize_into(copy, needed + 1, text, size);
        return copy;
}

char *text_escape(const char *text, size_t size, size_t max) {
        char *copy, *p;
        size_t cut = 0;

        if (max < strlen(ELLIPSIS))
                max = strlen(ELLIPSIS);

        copy = malloc(min_size(size * 4, max) + sizeof ELLIPSIS);
        if (!copy)
                return NULL;

        p = copy;
        for (size_t i = 0; i < size; i++) {
                unsigned char byte = (unsigned char) text[i];
                bool plain = byte >= 0x20 && byte < 0x7F && byte != '\\';
                size_t piece_size = plain ? 1 : 4;

                if ((size_t) (p - copy) + piece_size > max) {
                        p = stpcpy(copy + cut, ELLIPSIS);
                        break;
                }

                if (plain)
                        *p++ = (char) byte;
                else
                        p += sprintf(p, "\\x%02x", byte);
                if ((size_t) (p - copy) + strlen(ELLIPSIS) <= max)
                        cut = (size_t) (p - copy);
        }

        *p = '\0';
        return copy;
}

int text_parse_unsigned(const char *text, uint64_t max, uint64_t *ret) {
        uint64_t value = 0;

        if (isempty(text))
                return -EINVAL;

        for (const char *p = text; *p; p++) {
                if (*p < '0' || *p > '9')
                        return -EINVAL;
        }
        for (const char *p = text; *p; p++) {
                if (__builtin_mul_overflow(value, 10U, &value) ||
                                __builtin_add_overflow(value, (uint64_t) (*p - '0'), &value) || value > max)
                        return -ERANGE;
        }

        *ret = value;
        return 0;
}
