/* How wide text is on a terminal, and where its lines break. */
#pragma once

#include <stdio.h>

enum { LAYOUT_NO_WIDTH = 0 };

/* The number of columns that the text takes: colour sequences ("\033[…m") take none, most Chinese characters
 * two. Needs the locale's LC_CTYPE to be one of UTF-8. */
unsigned text_columns(const char *text);

/* Writes the text, which begins in column `indent` and ends before column `width`; where it is longer, it
 * goes on in column `indent` of the next line. Breaks between words and beside wide characters, and
 * inside a word only if that alone is longer than a line. LAYOUT_NO_WIDTH, or no room to speak of: no
 * line is broken. */
void text_wrap(FILE *out, const char *text, unsigned indent, unsigned width);

/* Writes `text` and spaces up to `columns`, at least one. */
void text_pad(FILE *out, const char *text, unsigned columns);

/* The same for what may be wider than its column: then it has a line of its own, and the column
 * stays empty. */
void text_cell(FILE *out, const char *text, unsigned columns);
