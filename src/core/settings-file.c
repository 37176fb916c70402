/* SPDX-License-Identifier: MIT */
/* Reads a settings file as systemd does: its rules are those of systemd.exec(5) and of its parser, and this
 * is a reader that takes one character after the other, with a function for each thing that it may be in.
 * It promises the same values as systemd, and a fault for each line that systemd drops or is likely to
 * take in another way than was meant. It must not know what the variables mean. */
#include "core/settings-file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util/macro.h"
#include "util/text.h"

#define BOM "\xEF\xBB\xBF"
#define BOM_FAULT "a byte order mark (BOM) precedes the name; systemd ignores the line"

enum { END = -1 };

typedef struct Reader {
        settings_line_cb *callback;
        void *userdata;
        const char *next, *end;
        unsigned line;       /* of the character that was taken last, from 1 */
        unsigned open_quote; /* line of a quote of this assignment that is not closed on its line; 0: none */
        unsigned swallower;  /* line of the last comment that ends in a backslash; 0: none */
        bool is_line_over;
        char *text; /* the name, a NUL, the value */
        size_t size;
        size_t trimmed; /* `size` without trailing blanks */
} Reader;

static bool is_line_end(int c) {
        return c == '\n' || c == '\r';
}

static bool is_blank(int c) {
        return c == ' ' || c == '\t' || is_line_end(c);
}

/* Returns the next character, or END. */
static int take(Reader *reader) {
        if (reader->next == reader->end)
                return END;

        reader->line += reader->is_line_over;
        reader->is_line_over = *reader->next == '\n';
        return (unsigned char) *reader->next++;
}

static void report_fault(Reader *reader, unsigned line, const char *fault) {
        reader->callback(&(SettingsLine){ .number = line, .fault = fault }, reader->userdata);
}

/* Adds a character that stays also at the end of a name or value. */
static void append(Reader *reader, int c) {
        reader->text[reader->size++] = (char) c;
        reader->trimmed = reader->size;
}

static void append_trimmed(Reader *reader, int c) {
        size_t trimmed = reader->trimmed;

        append(reader, c);
        if (is_blank(c))
                reader->trimmed = trimmed;
}

static void end_part(Reader *reader) {
        reader->size = reader->trimmed;
        append(reader, '\0');
}

static bool is_name(const char *name) {
        static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";

        return *name && !strchr("0123456789", *name) && name[strspn(name, letters)] == '\0';
}

static bool has_control(const char *value) {
        for (; *value; value++)
                if (((unsigned char) *value < ' ' && !strchr("\t\n", *value)) || *value == 0x7F)
                        return true;
        return false;
}

static bool has_bom(const char *name) {
        return strncmp(name, BOM, strlen(BOM)) == 0;
}

/* Why systemd drops the assignment; NULL if it does not. */
static const char *assignment_fault(const char *name, const char *value) {
        if (has_bom(name))
                return BOM_FAULT;
        if (!text_is_utf8(name, strlen(name)) || !text_is_utf8(value, strlen(value)))
                return "not UTF-8; systemd ignores the line, and older versions the whole file";
        if (strncmp(name, "export ", 7) == 0 || strncmp(name, "export\t", 7) == 0)
                return "\"export\" is shell syntax; systemd ignores the line";
        if (!is_name(name))
                return "invalid name; expected letters, digits and \"_\", and no digit first; systemd ignores "
                       "the line";
        if (has_control(value))
                return "the value contains a control character; systemd 247 ignores the line";
        return NULL;
}

static void read_comment(Reader *reader) {
        bool is_escaped = false;
        int c;

        while (!is_line_end(c = take(reader)) && c != END)
                is_escaped = c == '\\' && !is_escaped;
        if (is_escaped && c == '\n')
                reader->swallower = reader->line;
}

/* As in a shell, a backslash stays before a character that needs no escape. */
static void read_quotes(Reader *reader, int quote) {
        unsigned begin = reader->line;
        int c;

        while ((c = take(reader)) != quote && c != END) {
                if (c == '\\' && quote == '"') {
                        c = take(reader);
                        if (c == '\n')
                                continue;
                        if (c == END)
                                break;
                        if (!strchr("\"\\`$", c))
                                append(reader, '\\');
                } else if (c == '\n' && !reader->open_quote)
                        reader->open_quote = begin;
                append(reader, c);
        }
        if (c == END && !reader->open_quote)
                reader->open_quote = begin;
}

/* Reads to the end of the line, or further if quotes or a backslash lead there. Quotes count only at the
 * beginning and right behind others. */
static void read_value(Reader *reader) {
        bool is_begun = false;
        int c;

        while (!is_line_end(c = take(reader)) && c != END) {
                if (!is_begun && (c == '\'' || c == '"')) {
                        read_quotes(reader, c);
                        continue;
                }
                if (!is_begun && is_blank(c))
                        continue;

                is_begun = true;
                if (c != '\\')
                        append_trimmed(reader, c);
                else {
                        reader->trimmed = reader->size; /* blanks before a backslash stay */
                        c = take(reader);
                        if (!is_line_end(c) && c != END)
                                append(reader, c);
                }
        }
        end_part(reader);
}

static void read_assignment(Reader *reader, int c) {
        const SettingsLine line = { .number = reader->line, .name = reader->text };
        const char *fault, *value;

        if (reader->swallower && line.number == reader->swallower + 1)
                report_fault(reader, reader->swallower,
                                "the comment ends in a backslash; systemd before 254 takes the next line as part "
                                "of it");

        reader->open_quote = 0;
        reader->size = reader->trimmed = 0;
        do
                append_trimmed(reader, c);
        while ((c = take(reader)) != '=' && !is_line_end(c) && c != END);
        end_part(reader);
        if (c != '=') {
                report_fault(reader, line.number,
                                has_bom(line.name)
                                                ? BOM_FAULT
                                                : "not an assignment; expected NAME=value; systemd ignores the line");
                return;
        }

        value = reader->text + reader->size;
        read_value(reader);
        if (reader->open_quote)
                report_fault(reader, reader->open_quote,
                                "the quote is not closed on this line; the lines below become part of the value");

        fault = assignment_fault(line.name, value);
        if (fault)
                report_fault(reader, line.number, fault);
        else
                reader->callback(&(SettingsLine){ line.number, line.name, value, NULL }, reader->userdata);
}

int settings_file_read(const char *text, size_t size, settings_line_cb *callback, void *userdata) {
        Reader reader = { .callback = callback, .userdata = userdata, .next = text, .line = 1 };
        const char *nul = size > 0 ? memchr(text, 0, size) : NULL;
        _cleanup_free_ char *scratch = NULL;
        int c;

        reader.end = nul ? nul : text + size;
        if (nul) {
                while (take(&reader) != END)
                        ;
                report_fault(&reader, reader.line + reader.is_line_over,
                                "NUL byte; systemd ignores the whole file");
                return 0;
        }

        /* No character becomes longer; two NULs come on top. */
        reader.text = scratch = malloc(size + 2);
        if (!scratch)
                return -ENOMEM;

        while ((c = take(&reader)) != END)
                if (c == '#' || c == ';')
                        read_comment(&reader);
                else if (!is_blank(c))
                        read_assignment(&reader, c);
        return 0;
}
