/* SPDX-License-Identifier: MIT */
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

/* An array that is filled piece by piece, and cut between two of them. */
typedef struct Shown {
        char *array;
        size_t size, max;
        size_t cut; /* where the ellipsis would go: the last place that leaves it room */
} Shown;

/* Returns false if the piece has no room: then the ellipsis is in place of what is missing. */
static bool shown_add(Shown *shown, const char *piece, size_t size) {
        if (shown->size + size > shown->max) {
                shown->size = (size_t) (stpcpy(shown->array + shown->cut, ELLIPSIS) - shown->array);
                return false;
        }

        memcpy(shown->array + shown->size, piece, size);
        shown->size += size;
        if (shown->size + strlen(ELLIPSIS) <= shown->max)
                shown->cut = shown->size;
        return true;
}

/* The printable ASCII that `text` begins with, which nearly every text is made of. */
static size_t plain_length(const char *text, size_t size) {
        size_t n = 0;

        while (n < size && text[n] >= 0x20 && text[n] < 0x7F)
                n++;
        return n;
}

void text_sanitize_into(char *array, size_t array_size, const char *text, size_t size) {
        Shown shown = { .array = array, .max = array_size - 1 };

        assert(array_size >= sizeof ELLIPSIS);

        for (size_t length; size > 0; text += length, size -= length) {
                size_t room = shown.max - shown.cut - strlen(ELLIPSIS);
                uint32_t code_point = 0;
                bool is_added;

                length = shown.size == shown.cut ? plain_length(text, min_size(size, room)) : 0;
                if (length > 0) {
                        (void) shown_add(&shown, text, length);
                        continue;
                }

                length = text_decode_utf8(text, size, &code_point);
                if (length == 0 || text_is_noncharacter(code_point))
                        is_added = shown_add(&shown, REPLACEMENT, strlen(REPLACEMENT));
                else
                        is_added = text_is_hidden(code_point) || shown_add(&shown, text, length);
                if (!is_added)
                        break;
                if (length == 0)
                        length = 1;
        }

        array[shown.size] = '\0';
}

char *text_sanitize(const char *text, size_t size, size_t max) {
        /* Three bytes for each is the worst case, of bytes that are no UTF-8. */
        size_t needed = size > max / 3 ? max : size * 3;
        size_t array_size = needed < strlen(ELLIPSIS) ? sizeof ELLIPSIS : needed + 1;
        char *copy = malloc(array_size);

        if (copy)
                text_sanitize_into(copy, array_size, text, size);
        return copy;
}

char *text_escape(const char *text, size_t size, size_t max) {
        Shown shown = { .max = max < strlen(ELLIPSIS) ? strlen(ELLIPSIS) : max };

        shown.array = malloc(min_size(size * 4, shown.max) + sizeof ELLIPSIS);
        if (!shown.array)
                return NULL;

        for (size_t i = 0; i < size; i++) {
                unsigned char byte = (unsigned char) text[i];
                bool is_plain = byte >= 0x20 && byte < 0x7F && byte != '\\';
                const char escaped[] = { '\\', 'x', "0123456789abcdef"[byte >> 4],
                        "0123456789abcdef"[byte & 15] };

                if (!shown_add(&shown, is_plain ? text + i : escaped, is_plain ? 1 : sizeof escaped))
                        break;
        }

        shown.array[shown.size] = '\0';
        return shown.array;
}

int text_parse_unsigned(const char *text, uint64_t max, uint64_t *ret) {
        uint64_t value;

        if (isempty(text) || text[strspn(text, "0123456789")])
                return -EINVAL;

        errno = 0;
        value = strtoull(text, NULL, 10);
        if (errno > 0 || value > max)
                return -ERANGE;

        *ret = value;
        return 0;
}
