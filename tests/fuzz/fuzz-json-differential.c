/* SPDX-License-Identifier: MIT */
/* The JSON reader beside an independent strict one, jansson: both take and refuse the same texts. They may
 * differ in these things only; RFC 8259 leaves the first four to the parser (sections 6, 7, 8.2, 9):
 *
 *   - nesting: ours ends at 512 levels, jansson's at 2048;
 *   - a number that no double can hold (1e999), or no 64-bit integer: ours passes it on as text, jansson
 * refuses it;
 *   - half of a surrogate pair as an escape (\ud800): text for ours, for jansson no character;
 *   - \u0000 in a member's name: jansson's names are C strings;
 *   - a NUL byte is nowhere JSON, but jansson takes one behind the value for the end of the text.
 *
 * Where jansson refuses for the second to fourth, the input is written anew without such a thing, in a way
 * that leaves what is wrong wrong, and then they must agree. */
#include "fuzz.h"
#include "independent-parser.h"

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static bool is_hex(char c) {
        return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_unicode_escape(const char *text, size_t size) {
        return size >= 6 && text[0] == '\\' && text[1] == 'u' && is_hex(text[2]) && is_hex(text[3]) &&
               is_hex(text[4]) && is_hex(text[5]);
}

/* Writes every \uXXXX as \u0041, and of every run of digits the first two only. Both say as much
 * about validity. */
static size_t write_plainly(const char *text, size_t size, char *to) {
        char *p = to;

        for (size_t i = 0, run = 0; i < size;) {
                if (is_unicode_escape(text + i, size - i)) {
                        p = mempcpy(p, "\\u0041", 6);
                        i += 6;
                        run = 0;
                } else if (text[i] == '\\' && i + 1 < size) {
                        *p++ = text[i++];
                        *p++ = text[i++];
                        run = 0;
                } else {
                        run = is_digit(text[i]) ? run + 1 : 0;
                        if (run <= 2)
                                *p++ = text[i];
                        i++;
                }
        }
        return (size_t) (p - to);
}

static bool is_accepted(const char *text, size_t size) {
        JsonSlice value;

        return json_scan(text, size, &value, NULL) == 0;
}

static bool is_too_deep(const char *text, size_t size) {
        JsonSlice value;
        JsonError error;
        size_t open = 0;

        if (json_scan(text, size, &value, &error) == 0 || !streq(error.reason, "nesting deeper than 512"))
                return false;

        for (size_t i = 0; i < size; i++)
                open += text[i] == '[' || text[i] == '{';
        assert(open > JSON_NESTING_MAX);
        return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const char *text = (const char *) data;
        _cleanup_free_ char *plain = NULL;
        size_t plain_size;
        Opinion opinion;

        if (memchr(text, '\0', size)) {
                assert(!is_accepted(text, size));
                return 0;
        }
        if (is_too_deep(text, size))
                return 0;

        opinion = independent_parse(text, size);
        if (opinion != OPINION_NOT_HERE) {
                assert(is_accepted(text, size) == (opinion == OPINION_JSON));
                return 0;
        }

        plain = malloc(size);
        assert(plain);
        plain_size = write_plainly(text, size, plain);
        opinion = independent_parse(plain, plain_size);
        assert(opinion != OPINION_NOT_HERE);
        assert(is_accepted(plain, plain_size) == (opinion == OPINION_JSON));
        assert(is_accepted(text, size) == (opinion == OPINION_JSON));
        return 0;
}
