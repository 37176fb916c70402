/* SPDX-License-Identifier: MIT */
/* Reads text that json_scan() accepted, and therefore does not check it again. */
#include "core/json-slice.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/json-bytes.h"
#include "util/macro.h"

JsonType json_type(JsonSlice value) {
        switch (value.text[0]) {
        case '{':
                return JSON_OBJECT;
        case '[':
                return JSON_ARRAY;
        case '"':
                return JSON_STRING;
        case 't':
        case 'f':
                return JSON_BOOLEAN;
        case 'n':
                return JSON_NULL;
        default:
                return JSON_NUMBER;
        }
}

static const unsigned char *skip_string(const unsigned char *p, const unsigned char *end) {
        p = skip_plain(p + 1, end);
        while (*p != '"')
                if (*p >= 0x80)
                        p++;
                else
                        p = skip_plain(*p == '\\' ? p + 2 : p, end);
        return p + 1;
}

static const unsigned char *skip_value(const unsigned char *p, const unsigned char *end) {
        size_t depth = 0;

        if (*p != '"' && *p != '{' && *p != '[') {
                while (p < end && *p != ',' && *p != '}' && !byte_is_space(*p))
                        p++;
                return p;
        }

        do
                switch (*p) {
                case '"':
                        p = skip_string(p, end);
                        break;
                case '{':
                case '[':
                        depth++;
                        p++;
                        break;
                case '}':
                case ']':
                        depth--;
                        p++;
                        break;
                default:
                        p++;
                }
        while (depth > 0);

        return p;
}

static JsonSlice slice_between(const unsigned char *p, const unsigned char *end) {
        return (JsonSlice){ (const char *) p, (size_t) (end - p) };
}

int json_object_next(JsonSlice object, size_t *position, JsonSlice *ret_name, JsonSlice *ret_value) {
        const unsigned char *start = (const unsigned char *) object.text, *end = start + object.size;
        const unsigned char *p = start + *position, *behind;

        if (json_type(object) != JSON_OBJECT)
                return 0;

        p = skip_space(*position == 0 ? p + 1 : p, end); /* behind the { or a value */
        if (*p == '}')
                return 0;
        if (*p == ',')
                p = skip_space(p + 1, end);

        behind = skip_string(p, end);
        *ret_name = slice_between(p, behind);

        p = skip_space(skip_space(behind, end) + 1, end); /* over the colon */
        behind = skip_value(p, end);
        *ret_value = slice_between(p, behind);

        *position = (size_t) (behind - start);
        return 1;
}

bool json_object_find(JsonSlice object, const char *name, JsonSlice *ret_value) {
        JsonSlice member, value;
        size_t position = 0;
        bool found = false;

        while (json_object_next(object, &position, &member, &value) > 0)
                if (json_string_equals(member, name)) {
                        *ret_value = value;
                        found = true;
                }
        return found;
}

static uint32_t decode_unit(const unsigned char *digits) {
        uint32_t unit = 0;

        for (int i = 0; i < 4; i++)
                unit = unit << 4 | ((digits[i] & 0xFU) + (digits[i] > '9' ? 9 : 0));
        return unit;
}

static int encode_utf8(uint32_t code_point, char piece[static 4]) {
        int size = code_point < 0x80 ? 1 : code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
        static const uint32_t first[] = { 0, 0, 0xC0, 0xE0, 0xF0 };

        for (int i = size - 1; i > 0; i--, code_point >>= 6)
                piece[i] = (char) (0x80 | (code_point & 0x3F));
        piece[0] = (char) (first[size] | code_point);
        return size;
}

/* \uXXXX, or two of them for one character; *p is at the backslash. */
static int decode_unicode_escape(const unsigned char **p, const unsigned char *end, char piece[static 4]) {
        uint32_t code_point = decode_unit(*p + 2), low;

        *p += 6;
        if (code_point == 0 || (code_point >= 0xDC00 && code_point <= 0xDFFF))
                return -EILSEQ;
        if (code_point < 0xD800 || code_point > 0xDBFF)
                return encode_utf8(code_point, piece);

        if (end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u')
                return -EILSEQ;
        low = decode_unit(*p + 2);
        if (low < 0xDC00 || low > 0xDFFF)
                return -EILSEQ;

        *p += 6;
        return encode_utf8(0x10000 + ((code_point - 0xD800) << 10) + (low - 0xDC00), piece);
}

/* Decodes what is at *p, a byte or an escape sequence, and moves on. Returns the size of the piece, 1 to 4,
 * or -EILSEQ. */
static int decode_piece(const unsigned char **p, const unsigned char *end, char piece[static 4]) {
        static const char escapes[256] = {
                ['"'] = '"',
                ['\\'] = '\\',
                ['/'] = '/',
                ['b'] = '\b',
                ['f'] = '\f',
                ['n'] = '\n',
                ['r'] = '\r',
                ['t'] = '\t',
        };

        if (**p != '\\') {
                piece[0] = (char) *(*p)++;
                return 1;
        }
        if ((*p)[1] == 'u')
                return decode_unicode_escape(p, end, piece);

        piece[0] = escapes[(*p)[1]];
        *p += 2;
        return 1;
}

bool json_string_equals(JsonSlice string, const char *text) {
        const unsigned char *p = (const unsigned char *) string.text + 1, *end = p + string.size - 2;
        size_t size = strlen(text);
        char piece[4];

        if (json_type(string) != JSON_STRING)
                return false;

        while (p < end) {
                int length = decode_piece(&p, end, piece);

                if (length < 0 || (size_t) length > size || memcmp(piece, text, (size_t) length) != 0)
                        return false;
                text += length;
                size -= (size_t) length;
        }
        return size == 0;
}

int json_string_decode(JsonSlice string, char **ret) {
        const unsigned char *p = (const unsigned char *) string.text + 1, *end = p + string.size - 2;
        _cleanup_free_ char *decoded = NULL;
        char *d, piece[4];

        if (json_type(string) != JSON_STRING)
                return -EINVAL;

        decoded = d = malloc(string.size); /* decoding only ever shortens */
        if (!decoded)
                return -ENOMEM;

        while (p < end) {
                int length = decode_piece(&p, end, piece);

                if (length < 0)
                        return length;
                d = mempcpy(d, piece, (size_t) length);
        }

        *d = '\0';
        *ret = TAKE_PTR(decoded);
        return 0;
}
