/* SPDX-License-Identifier: MIT */
/* The strict JSON reader. Health files and the Master's answers come from elsewhere and may be as large as a
 * mebibyte, so each byte is looked at once, runs of plain string bytes eight at a time, and nesting costs
 * one bit a level instead of a stack frame. */
#include "core/json-scan.h"

#include <errno.h>
#include <stdint.h>
#include <strings.h>

#include "core/json-bytes.h"
#include "core/json-number.h"
#include "util/macro.h"

#define NOT_PORTABLE "JSON, but not portable (RFC 7493): "

typedef struct Scanner {
        const unsigned char *start, *p, *end;
        uint64_t objects[JSON_NESTING_MAX / 64]; /* for each open level: 1 is an object, 0 an array */
        size_t depth;
        JsonError error;
        JsonError flaw; /* the first thing that is JSON, but not portable; reason NULL: none */
} Scanner;

enum { DOUBLE_DIGITS = 308 }; /* so long a number without exponent is in the range of a double */

/* What may come next, white space aside. */
typedef enum Expectation {
        EXPECT_VALUE,
        EXPECT_VALUE_OR_END, /* behind [ */
        EXPECT_NAME,
        EXPECT_NAME_OR_END, /* behind { */
        EXPECT_COLON,
        EXPECT_COMMA_OR_END,
        EXPECT_NOTHING, /* the outermost value is complete */
} Expectation;

/* How a UTF-8 sequence goes on, by its first byte from 0xC0 on. The range of the second byte is what rules
 * out overlong forms, surrogates and all above U+10FFFF. Length 0: starts no sequence. */
typedef struct Sequence {
        unsigned char length, second_min, second_max;
} Sequence;

static const Sequence sequences[0x40] = {
        [0x02 ... 0x1F] = { 2, 0x80, 0xBF },
        [0x20] = { 3, 0xA0, 0xBF },
        [0x21 ... 0x2C] = { 3, 0x80, 0xBF },
        [0x2D] = { 3, 0x80, 0x9F },
        [0x2E ... 0x2F] = { 3, 0x80, 0xBF },
        [0x30] = { 4, 0x90, 0xBF },
        [0x31 ... 0x33] = { 4, 0x80, 0xBF },
        [0x34] = { 4, 0x80, 0x8F },
};

static bool is_hex_digit(unsigned char byte) {
        unsigned char lower = byte | 0x20;

        return (byte >= '0' && byte <= '9') || (lower >= 'a' && lower <= 'f');
}

static bool is_digit(unsigned char byte) {
        return byte >= '0' && byte <= '9';
}

static int scan_fail(Scanner *s, const unsigned char *at, const char *reason) {
        s->error = (JsonError){ .offset = (size_t) (at - s->start), .reason = reason };
        return -EBADMSG;
}

static int scan_incomplete(Scanner *s) {
        s->error = (JsonError){
                .offset = (size_t) (s->end - s->start),
                .reason = "unexpected end",
                .is_incomplete = true,
        };
        return -EBADMSG;
}

static void scan_note(Scanner *s, const unsigned char *at, const char *flaw) {
        if (!s->flaw.reason)
                s->flaw = (JsonError){ .offset = (size_t) (at - s->start), .reason = flaw };
}

/* Reads the digits of the \uXXXX at p. Returns the code unit, or -EBADMSG. */
static int scan_unit(Scanner *s, const unsigned char *p) {
        int unit = 0;

        for (int i = 2; i < 6; i++) {
                if (p + i == s->end)
                        return scan_incomplete(s);
                if (!is_hex_digit(p[i]))
                        return scan_fail(s, p + i, "\\u without four hexadecimal digits");
                unit = unit << 4 | (is_digit(p[i]) ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10);
        }
        return unit;
}

/* Returns the length of the \uXXXX at p, or of two that are one character. */
static int scan_unicode_escape(Scanner *s, const unsigned char *p) {
        int unit = scan_unit(s, p), low = 0;

        if (unit > 0 && (unit & 0xF800) != 0xD800)
                return 6;
        if (unit < 0)
                return unit;
        if (unit == 0) {
                scan_note(s, p, NOT_PORTABLE "\\u0000 in a string");
                return 6;
        }

        if (unit < 0xDC00 && s->end - p >= 8 && p[6] == '\\' && p[7] == 'u')
                low = scan_unit(s, p + 6);
        if (low < 0 || (low & 0xFC00) == 0xDC00)
                return low < 0 ? low : 12;
        scan_note(s, p, NOT_PORTABLE "half of a surrogate pair in a string");
        return 6;
}

/* Returns the length of the escape sequence at p, which is a backslash. */
static int scan_escape(Scanner *s, const unsigned char *p) {
        if (s->end - p < 2)
                return scan_incomplete(s);

        switch (p[1]) {
        case '"':
        case '\\':
        case '/':
        case 'b':
        case 'f':
        case 'n':
        case 'r':
        case 't':
                return 2;
        case 'u':
                return scan_unicode_escape(s, p);
        default:
                return scan_fail(s, p + 1, "unknown escape in a string");
        }
}

static bool is_continuation(unsigned char byte) {
        return (byte & 0xC0) == 0x80;
}

/* Returns the length of the UTF-8 sequence at p, which is no ASCII. A wrong one is reported at its start,
 * and also where the text ends before its last byte. */
static int scan_sequence(Scanner *s, const unsigned char *p) {
        const Sequence *sequence = sequences + (*p < 0xC0 ? 0 : *p - 0xC0);
        size_t length = sequence->length, here = min_size((size_t) (s->end - p), length);

        if (length == 0 || (here > 1 && (p[1] < sequence->second_min || p[1] > sequence->second_max)) ||
                        (here > 2 && !is_continuation(p[2])) || (here > 3 && !is_continuation(p[3])))
                return scan_fail(s, p, "not UTF-8");

        return here < length ? scan_incomplete(s) : (int) length;
}

/* Returns the length of what is at p in a string and is no plain ASCII, nor the closing quote. */
static int scan_special(Scanner *s, const unsigned char *p) {
        if (*p == '\\')
                return scan_escape(s, p);
        if (*p < 0x20)
                return scan_fail(s, p, "control character in a string");
        return scan_sequence(s, p);
}

static int scan_string(Scanner *s) {
        const unsigned char *p = s->p + 1;

        for (;;) {
                int length;

                p = skip_plain(p, s->end);
                if (p == s->end)
                        return scan_incomplete(s);
                if (*p == '"')
                        break;

                length = scan_special(s, p);
                if (length < 0)
                        return length;
                p = skip_triples(p + length, s->end); /* where one is, there are more */
        }

        s->p = p + 1;
        return 0;
}

/* Keeps rare paths out of the hot code. */
#define _rare_ __attribute__((cold, noinline))

/* Why there is no value at p. NaN and Infinity, as C and Python print them, have words of their own. */
static int _rare_ scan_fail_value(
                Scanner *s, const unsigned char *at, const unsigned char *word, const char *otherwise) {
        static const char *const words[] = { "nan", "inf", "infinity" };
        size_t size = 0;

        while (word + size < s->end && (word[size] | 0x20) >= 'a' && (word[size] | 0x20) <= 'z')
                size++;
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (strlen(words[i]) == size && strncasecmp((const char *) word, words[i], size) == 0)
                        return scan_fail(s, word, "NaN and Infinity are not JSON");
        return scan_fail(s, at, otherwise);
}

static const unsigned char *skip_digits(const unsigned char *p, const unsigned char *end) {
        while (p < end && is_digit(*p))
                p++;
        return p;
}

static int _rare_ scan_fail_digit(Scanner *s, const unsigned char *p) {
        return p == s->end ? scan_incomplete(s) : scan_fail_value(s, p, p, "a digit is missing in a number");
}

/* Only for numbers that are long or have an exponent: all others are in the range of a double. */
static int _rare_ scan_range(Scanner *s, const unsigned char *number, const unsigned char *end) {
        if (json_number_is_beyond_double((const char *) number, (size_t) (end - number)))
                scan_note(s, number, NOT_PORTABLE "a number beyond the range of a double");
        s->p = end;
        return 0;
}

static int _rare_ scan_exponent(Scanner *s, const unsigned char *number, const unsigned char *p) {
        const unsigned char *digits = p + 1;

        if (digits < s->end && (*digits == '-' || *digits == '+'))
                digits++;
        p = skip_digits(digits, s->end);
        return p == digits ? scan_fail_digit(s, p) : scan_range(s, number, p);
}

static int scan_number(Scanner *s) {
        const unsigned char *p = s->p, *end = s->end, *digits = p + (*p == '-');

        p = skip_digits(digits, end);
        if (p == digits)
                return scan_fail_digit(s, p);
        if (*digits == '0' && p - digits > 1)
                return scan_fail(s, digits + 1, "leading zero in a number");

        if (p < end && *p == '.') {
                digits = p + 1;
                p = skip_digits(digits, end);
                if (p == digits)
                        return scan_fail_digit(s, p);
        }

        if (p < end && (*p | 0x20) == 'e')
                return scan_exponent(s, s->p, p);
        if (p - s->p > DOUBLE_DIGITS)
                return scan_range(s, s->p, p);
        s->p = p;
        return 0;
}

static bool scan_byte(Scanner *s, char byte) {
        if (s->p == s->end || *s->p != (unsigned char) byte)
                return false;

        s->p++;
        return true;
}

static int scan_literal(Scanner *s, const char *literal) {
        for (const char *l = literal; *l; l++)
                if (!scan_byte(s, *l))
                        return s->p == s->end ? scan_incomplete(s)
                                              : scan_fail_value(s, s->p, s->p - (l - literal),
                                                                "unknown word");
        return 0;
}

static int scan_open(Scanner *s, bool is_object) {
        uint64_t bit = UINT64_C(1) << s->depth % 64;
        uint64_t *word = s->objects + s->depth / 64;

        if (s->depth == JSON_NESTING_MAX)
                return scan_fail(s, s->p, "nesting deeper than 512");
        if (s->depth == JSON_PORTABLE_NESTING_MAX)
                scan_note(s, s->p, NOT_PORTABLE "nesting deeper than 60");

        *word = is_object ? *word | bit : *word & ~bit;
        s->depth++;
        s->p++;
        return is_object ? EXPECT_NAME_OR_END : EXPECT_VALUE_OR_END;
}

static bool scan_is_in_object(const Scanner *s) {
        size_t level = s->depth - 1;

        return s->objects[level / 64] >> level % 64 & 1;
}

/* Behind a whole value. */
static Expectation scan_next(const Scanner *s) {
        return s->depth == 0 ? EXPECT_NOTHING : EXPECT_COMMA_OR_END;
}

static int scan_close(Scanner *s) {
        s->depth--;
        s->p++;
        return (int) scan_next(s);
}

/* A whole value, or the opening of an array or object. */
static int scan_value(Scanner *s) {
        int r;

        switch (*s->p) {
        case '{':
                return scan_open(s, true);
        case '[':
                return scan_open(s, false);
        case '"':
                r = scan_string(s);
                break;
        case 't':
                r = scan_literal(s, "true");
                break;
        case 'f':
                r = scan_literal(s, "false");
                break;
        case 'n':
                r = scan_literal(s, "null");
                break;
        default:
                if (is_digit(*s->p) || *s->p == '-')
                        r = scan_number(s);
                else if (*s->p == 0xEF && s->p == s->start)
                        r = scan_fail(s, s->p, "byte order mark");
                else
                        r = scan_fail_value(s, s->p, s->p, "a value is missing");
        }

        return r < 0 ? r : (int) scan_next(s);
}

/* Takes one token. Returns what is expected behind it, or -EBADMSG. */
static int scan_token(Scanner *s, Expectation expectation) {
        bool is_object;
        int r;

        switch (expectation) {
        case EXPECT_VALUE_OR_END:
                return *s->p == ']' ? scan_close(s) : scan_value(s);

        case EXPECT_NAME_OR_END:
        case EXPECT_NAME:
                if (*s->p == '}' && expectation == EXPECT_NAME_OR_END)
                        return scan_close(s);
                if (*s->p != '"')
                        return scan_fail(s, s->p, "a name in quotes is missing");
                r = scan_string(s);
                return r < 0 ? r : EXPECT_COLON;

        case EXPECT_COLON:
                if (!scan_byte(s, ':'))
                        return scan_fail(s, s->p, "a colon is missing");
                return EXPECT_VALUE;

        case EXPECT_COMMA_OR_END:
                is_object = scan_is_in_object(s);
                if (*s->p == (is_object ? '}' : ']'))
                        return scan_close(s);
                if (!scan_byte(s, ','))
                        return scan_fail(s, s->p,
                                        is_object ? "a comma or } is missing" : "a comma or ] is missing");
                return is_object ? EXPECT_NAME : EXPECT_VALUE;

        default: /* EXPECT_VALUE; the scan is over at EXPECT_NOTHING */
                return scan_value(s);
        }
}

static int scan_text(Scanner *s, JsonSlice *ret_value) {
        const unsigned char *value;
        int expectation = EXPECT_VALUE;

        value = s->p = skip_space(s->p, s->end);
        while (expectation != EXPECT_NOTHING) {
                s->p = skip_space(s->p, s->end);
                if (s->p == s->end)
                        return scan_incomplete(s);

                expectation = scan_token(s, (Expectation) expectation);
                if (expectation < 0)
                        return expectation;
        }

        ret_value->text = (const char *) value;
        ret_value->size = (size_t) (s->p - value);

        s->p = skip_space(s->p, s->end);
        if (s->p < s->end)
                return scan_fail(s, s->p, "text behind the value");
        return 0;
}

/* Each ASCII character with a NUL beside it; a byte order mark may come first. */
static bool is_utf16(const unsigned char *text, size_t size) {
        if (size >= 2 && ((text[0] == 0xFF && text[1] == 0xFE) || (text[0] == 0xFE && text[1] == 0xFF)))
                return true;
        return size >= 4 && !text[0] != !text[1] && !text[0] == !text[2] && !text[1] == !text[3];
}

static int scan_whole(const char *text, size_t size, bool has_to_be_portable, JsonSlice *ret_value,
                JsonError *ret_error) {
        const unsigned char *start = (const unsigned char *) (size > 0 ? text : "");
        Scanner s = { .start = start, .p = start, .end = start + size };
        JsonSlice value = {};
        int r;

        r = scan_text(&s, &value);
        if (r < 0 && is_utf16(start, size))
                s.error.reason = "UTF-16, not UTF-8";
        if (r >= 0 && has_to_be_portable && s.flaw.reason) {
                s.error = s.flaw;
                r = -EBADMSG;
        }
        if (r < 0) {
                if (ret_error)
                        *ret_error = s.error;
                return r;
        }

        *ret_value = value;
        return 0;
}

int json_scan(const char *text, size_t size, JsonSlice *ret_value, JsonError *ret_error) {
        return scan_whole(text, size, false, ret_value, ret_error);
}

int json_scan_portable(const char *text, size_t size, JsonSlice *ret_value, JsonError *ret_error) {
        return scan_whole(text, size, true, ret_value, ret_error);
}
