/* SPDX-License-Identifier: MIT */
/* Standard output: how wide it is, which colours and characters it takes, and text laid out on it. Knows
 * nothing of the agent. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "util/macro.h"

enum { NO_WIDTH = 0 };

typedef struct Terminal {
        unsigned width; /* in columns; NO_WIDTH: lines are not broken */
        bool is_terminal;
        const char *off, *bold, *green, *yellow, *red, *grey; /* "" without colours */
        const char *dot, *cross, *arrow;                      /* ASCII where the locale is not UTF-8 */
} Terminal;

/* Looks at standard output and the environment, and sets the locale. SYSTEMD_COLORS decides on colours
 * if it is set, as for systemd's tools; else they are used on a terminal, unless NO_COLOR is set or TERM
 * is dumb. */
Terminal terminal_detect(void);

/* The number of columns that the text takes: colour sequences ("\033[…m") take none, most Chinese characters
 * two. Needs the locale's LC_CTYPE to be one of UTF-8. */
unsigned text_columns(const char *text);

/* Writes the text, which begins in column `indent` and ends before column `width`; longer text continues in
 * column `indent` of the next line. Breaks between words and beside wide characters, and inside a word only
 * if that alone is longer than a line. No line is broken with NO_WIDTH, or with almost no room. */
void text_wrap(FILE *out, const char *text, unsigned indent, unsigned width);

/* printf() into text_wrap() on standard output, and a line feed. */
void print_wrapped(const Terminal *terminal, unsigned indent, const char *format, ...) _printf_(3, 4);

/* Writes `text` and spaces up to `columns`, at least one. */
void text_pad(FILE *out, const char *text, unsigned columns);

/* Ends the program: argusctl changes nothing that would have to be undone. */
__attribute__((noreturn)) void exit_out_of_memory(void);
