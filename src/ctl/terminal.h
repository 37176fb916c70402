/* What standard output is: how wide, whether colours and which characters may be used. */
#pragma once

#include <stdbool.h>

typedef struct Terminal {
        unsigned width; /* in columns; 0: lines are not broken */
        bool is_terminal;
        bool has_colours;
        bool is_utf8;
} Terminal;

typedef enum Colour {
        COLOUR_OFF,
        COLOUR_BOLD,
        COLOUR_GREEN,
        COLOUR_YELLOW,
        COLOUR_RED,
        COLOUR_GREY,
        _COLOUR_MAX,
} Colour;

typedef enum Glyph {
        GLYPH_DOT,
        GLYPH_CROSS,
        GLYPH_ARROW,
        _GLYPH_MAX,
} Glyph;

/* Looks at standard output and the environment, and sets the locale. Colours: SYSTEMD_COLORS decides if
 * it is set, as for systemd's tools; else they are used on a terminal, unless NO_COLOR is set or TERM
 * is dumb. */
Terminal terminal_detect(void);

/* The sequence that switches the colour on; empty if there are no colours. */
const char *terminal_colour(const Terminal *terminal, Colour colour);

const char *terminal_glyph(const Terminal *terminal, Glyph glyph);
