/* SPDX-License-Identifier: MIT */
/* A Master or proxy that repeats a request in its error page escapes it as its own format needs. These
 * escapes are undone here, a few rounds deep: a reader of a log would not undo more. What is compared is
 * loose: letters and digits in either case, any punctuation for any other, and nothing else. */
#include "core/secret-echo.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/macro.h"
#include "util/text.h"

enum { ROUNDS = 3, DIGITS_MAX = 12 };

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* \u0041, \x41, %41, &#x41; and &#65; at p. Returns the length, or 0 if it is none of them. */
static size_t read_numeric(const char *p, char *ret) {
        static const struct {
                const char *start;
                int base;
                size_t least, most; /* digits */
        } forms[] = {
                { "\\u", 16, 4, 4 },
                { "\\x", 16, 2, 2 },
                { "%", 16, 2, 2 },
                { "&#x", 16, 1, DIGITS_MAX },
                { "&#", 10, 1, DIGITS_MAX },
        };

        for (size_t i = 0; i < ELEMENTSOF(forms); i++) {
                size_t start = strlen(forms[i].start), n;
                char digits[DIGITS_MAX + 1] = {};
                unsigned long value;

                if (strncasecmp(p, forms[i].start, start) != 0)
                        continue;
                (void) strncpy(digits, p + start, forms[i].most);
                n = strspn(digits, forms[i].base == 16 ? DIGITS "abcdefABCDEF" : DIGITS);
                if (n < forms[i].least)
                        continue;

                digits[n] = '\0';
                value = strtoul(digits, NULL, forms[i].base);
                *ret = (char) (value < 0x80 ? value : ' ');
                return start + n + (p[0] == '&' && p[start + n] == ';');
        }
        return 0;
}

/* &name; at p: HTML has names for punctuation only. Those that begin another escape count as what
 * they are. */
static size_t read_named(const char *p, char *ret) {
        static const char *const names[] = { "&amp;", "%percnt;", "\\bsol;", "#num;" };
        size_t n = p[0] == '&' ? strspn(p + 1, LETTERS) : 0;

        if (n == 0 || p[1 + n] != ';')
                return 0;
        *ret = '.';
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (strncasecmp(p + 1, names[i] + 1, n + 1) == 0)
                        *ret = names[i][0];
        return n + 2;
}

static size_t read_escape(const char *p, char *ret) {
        size_t length = read_numeric(p, ret);

        if (length == 0)
                length = read_named(p, ret);
        if (length > 0 || p[0] != '\\' || !p[1])
                return length;
        *ret = (char) (strchr("bfnrt", p[1]) ? ' ' : p[1]);
        return 2;
}

/* A text with a NUL behind it, and what is compared of it; both have room for the whole. */
typedef struct Form {
        char *text, *folded;
        size_t size, folded_size;
} Form;

static void form_fold(Form *form) {
        form->folded_size = 0;
        for (size_t i = 0; i < form->size; i++) {
                char c = form->text[i];

                if (c > ' ' && c < 0x7F)
                        form->folded[form->folded_size++] = (char) (!strchr(LETTERS DIGITS, c) ? '.'
                                                                    : c >= 'A' && c <= 'Z'     ? c | 0x20
                                                                                               : c);
        }
}

static void form_set(Form *form, const char *text, size_t size) {
        form->size = size;
        *(char *) mempcpy(form->text, text, size) = '\0';
        form_fold(form);
}

/* One round, in place: what is decoded is shorter. Returns whether there was an escape. */
static bool form_decode(Form *form) {
        const char *p = form->text, *end = p + form->size;
        char *to = form->text, c;

        while (p < end) {
                size_t length = read_escape(p, &c);

                *to++ = (char) (length > 0 ? c : *p);
                p += length > 0 ? length : 1;
        }
        *to = '\0';
        form->size = (size_t) (to - form->text);
        form_fold(form);
        return to < end;
}

static bool holds_part(const Form *said, const Form *secret, size_t part) {
        part = min_size(part, secret->folded_size);
        for (size_t i = 0; part > 0 && i + part <= said->folded_size; i++)
                if (memmem(secret->folded, secret->folded_size, said->folded + i, part))
                        return true;
        return false;
}

int secret_is_repeated(const char *text, size_t size, const char *secret, size_t part) {
        size_t secret_size = strlen(strempty(secret));
        Form said, hidden;
        char *room;
        bool found = false;

        if (secret_size == 0 || size == 0)
                return 0;
        room = malloc(2 * (size + secret_size + 2));
        if (!room)
                return -ENOMEM;

        said = (Form){ .text = room, .folded = room + size + 1 };
        hidden = (Form){ .text = said.folded + size + 1 };
        hidden.folded = hidden.text + secret_size + 1;

        /* A secret may itself look as if it were escaped: what is left of it is looked for as well, if it is
         * enough to be told from other words. */
        form_set(&said, text, size);
        for (int i = 0; i <= ROUNDS && !found; i++) {
                form_set(&hidden, secret, secret_size);
                do
                        found = hidden.folded_size >= min_size(SECRET_PART / 2, secret_size) &&
                                holds_part(&said, &hidden, part);
                while (!found && form_decode(&hidden));
                (void) form_decode(&said);
        }

        free(room);
        return found;
}
