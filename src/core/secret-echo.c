/* A Master or proxy that repeats a request in its error page escapes it as its own format needs. These
 * escapes are undone here, a few rounds deep: a reader of a log would not undo more. */
#include "core/secret-echo.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/macro.h"
#include "util/text.h"

enum { ROUNDS = 3, REFERENCE_MAX = 12 };

typedef struct Text {
        char *data;
        size_t size;
} Text;

static int hex_value(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        c |= 0x20;
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Up to `max` digits of the base at p; *ret_value is meaningless above 0x10FFFF. Returns how many. */
static size_t read_number(const char *p, const char *end, int base, size_t max, uint32_t *ret_value) {
        uint32_t value = 0;
        size_t n = 0;

        for (; n < max && p + n < end; n++) {
                int digit = hex_value(p[n]);

                if (digit < 0 || digit >= base)
                        break;
                value = value * (uint32_t) base + (uint32_t) digit;
        }
        *ret_value = value;
        return n;
}

/* The rest of what decode() takes apart: each returns the length of the escape at p, or 0 if it is none. */
static size_t read_backslash(const char *p, const char *end, uint32_t *ret) {
        size_t digits = end - p < 2 ? 0 : p[1] == 'u' ? 4 : p[1] == 'x' ? 2 : 0;

        if (digits > 0)
                return read_number(p + 2, end, 16, digits, ret) == digits ? digits + 2 : 0;
        if (end - p < 2)
                return 0;
        *ret = strchr("bfnrt", p[1]) ? ' ' : (unsigned char) p[1];
        return 2;
}

static size_t read_percent(const char *p, const char *end, uint32_t *ret) {
        return read_number(p + 1, end, 16, 2, ret) == 2 ? 3 : 0;
}

/* The names that HTML has for printable ASCII. */
static uint32_t named_reference(const char *name, size_t size) {
        static const struct {
                char name[9], character;
        } names[] = {
                { "amp", '&' },
                { "lt", '<' },
                { "gt", '>' },
                { "quot", '"' },
                { "apos", '\'' },
                { "plus", '+' },
                { "equals", '=' },
                { "sol", '/' },
                { "bsol", '\\' },
                { "num", '#' },
                { "percnt", '%' },
                { "commat", '@' },
                { "colon", ':' },
                { "semi", ';' },
                { "period", '.' },
                { "comma", ',' },
                { "excl", '!' },
                { "quest", '?' },
                { "dollar", '$' },
                { "ast", '*' },
                { "midast", '*' },
                { "lpar", '(' },
                { "rpar", ')' },
                { "lsqb", '[' },
                { "lbrack", '[' },
                { "rsqb", ']' },
                { "rbrack", ']' },
                { "lcub", '{' },
                { "lbrace", '{' },
                { "rcub", '}' },
                { "rbrace", '}' },
                { "hat", '^' },
                { "lowbar", '_' },
                { "underbar", '_' },
                { "grave", '`' },
                { "vert", '|' },
                { "verbar", '|' },
        };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (strlen(names[i].name) == size && strncasecmp(names[i].name, name, size) == 0)
                        return (unsigned char) names[i].character;
        return 0;
}

static size_t read_reference(const char *p, const char *end, uint32_t *ret) {
        const char *begin = p + 1;
        bool is_hex;
        size_t n;

        if (begin < end && *begin == '#') {
                begin++;
                is_hex = begin < end && (*begin | 0x20) == 'x';
                begin += is_hex;
                n = read_number(begin, end, is_hex ? 16 : 10, REFERENCE_MAX, ret);
        } else {
                for (n = 0; n < REFERENCE_MAX && begin + n < end && (begin[n] | 0x20) >= 'a' &&
                                (begin[n] | 0x20) <= 'z';
                                n++)
                        ;
                *ret = named_reference(begin, n);
                if (*ret == 0)
                        return 0;
        }

        if (n == 0)
                return 0;
        begin += n;
        return (size_t) (begin - p) + (begin < end && *begin == ';');
}

/* One round, in place: what is decoded is never longer. */
static void decode(Text *text) {
        const char *p = text->data, *end = p + text->size;
        char *to = text->data;

        while (p < end) {
                uint32_t character = (unsigned char) *p;
                size_t length = *p == '\\'  ? read_backslash(p, end, &character)
                                : *p == '%' ? read_percent(p, end, &character)
                                : *p == '&' ? read_reference(p, end, &character)
                                            : 0;

                if (length == 0)
                        character = (unsigned char) *p;
                *to++ = (char) (character < 0x80 ? character : ' ');
                p += length > 0 ? length : 1;
        }
        text->size = (size_t) (to - text->data);
}

/* Keeps only printable ASCII without blanks, in lower case, for the comparison. */
static Text fold(const Text *text, char *room) {
        Text folded = { .data = room };

        for (size_t i = 0; i < text->size; i++) {
                char c = text->data[i];

                if (c > ' ' && c < 0x7F)
                        room[folded.size++] = (char) (c >= 'A' && c <= 'Z' ? c | 0x20 : c);
        }
        return folded;
}

static bool holds_part(const Text *text, const Text *secret, size_t part) {
        part = min_size(part, secret->size);
        for (size_t i = 0; part > 0 && i + part <= text->size; i++)
                if (memmem(secret->data, secret->size, text->data + i, part))
                        return true;
        return false;
}

/* A secret may itself look as if it were escaped: what is left of it is looked for as well, if it is enough
 * to be told from other words. The room is for two copies. */
static bool holds_secret(const Text *text, const char *secret, size_t size, size_t part, char *room) {
        Text form = { .data = memcpy(room, secret, size), .size = size };
        size_t size_before;

        do {
                Text folded = fold(&form, room + size);

                if (folded.size >= min_size(SECRET_PART / 2, size) && holds_part(text, &folded, part))
                        return true;
                size_before = form.size;
                decode(&form);
        } while (form.size < size_before);
        return false;
}

int secret_is_repeated(const char *text, size_t size, const char *secret, size_t part) {
        size_t secret_size = strlen(strempty(secret));
        _cleanup_free_ char *room = NULL;
        Text said, folded;

        if (secret_size == 0 || size == 0)
                return 0;
        room = malloc(2 * size + 2 * secret_size);
        if (!room)
                return -ENOMEM;

        said = (Text){ .data = memcpy(room, text, size), .size = size };
        for (int i = 0; i <= ROUNDS; i++) {
                folded = fold(&said, room + size);
                if (holds_secret(&folded, secret, secret_size, part, room + 2 * size))
                        return 1;
                decode(&said);
        }
        return 0;
}
