/* What standard output is: how wide, whether colours and which characters may be used. */
#include "ctl/terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "util/macro.h"
#include "util/text.h"

enum { WIDTH_DEFAULT = 80, WIDTH_MAX = 10000 };

static unsigned detect_width(bool is_terminal) {
        struct winsize size = {};
        uint64_t columns;

        if (text_parse_unsigned(getenv("COLUMNS"), WIDTH_MAX, &columns) == 0)
                return (unsigned) columns;
        if (!is_terminal)
                return 0;
        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
                return size.ws_col;

        return WIDTH_DEFAULT;
}

/* 1 or 0 if SYSTEMD_COLORS says so, -1 if it says nothing. */
static int read_systemd_colours(void) {
        static const char *const no[] = { "0", "no", "n", "false", "f", "off" };
        static const char *const yes[] = { "1", "yes", "y", "true", "t", "on", "16", "256", "24bit" };
        const char *value = getenv("SYSTEMD_COLORS");

        if (!value)
                return -1;

        for (size_t i = 0; i < ELEMENTSOF(no); i++)
                if (strcasecmp(value, no[i]) == 0)
                        return 0;
        for (size_t i = 0; i < ELEMENTSOF(yes); i++)
                if (strcasecmp(value, yes[i]) == 0)
                        return 1;

        return -1;
}

static bool detect_colours(bool is_terminal) {
        int wanted = read_systemd_colours();
        const char *term = getenv("TERM");

        if (wanted >= 0)
                return wanted;

        return is_terminal && isempty(getenv("NO_COLOR")) && !isempty(term) && !streq(term, "dumb");
}

/* Widths of characters are the locale's to know, also where the user's own locale cannot write them. */
static bool detect_utf8(void) {
        if (setlocale(LC_CTYPE, "") && streq(nl_langinfo(CODESET), "UTF-8"))
                return true;

        (void) setlocale(LC_CTYPE, "C.UTF-8");
        return false;
}

Terminal terminal_detect(void) {
        bool is_terminal = isatty(STDOUT_FILENO);

        return (Terminal){
                .width = detect_width(is_terminal),
                .is_terminal = is_terminal,
                .has_colours = detect_colours(is_terminal),
                .is_utf8 = detect_utf8(),
        };
}

const char *terminal_colour(const Terminal *terminal, Colour colour) {
        static const char *const sequences[_COLOUR_MAX] = {
                [COLOUR_OFF] = "\033[0m",
                [COLOUR_BOLD] = "\033[0;1m",
                [COLOUR_GREEN] = "\033[0;1;32m",
                [COLOUR_YELLOW] = "\033[0;1;33m",
                [COLOUR_RED] = "\033[0;1;31m",
                [COLOUR_GREY] = "\033[0;90m",
        };

        assert((size_t) colour < ELEMENTSOF(sequences));
        return terminal->has_colours ? sequences[colour] : "";
}

const char *terminal_glyph(const Terminal *terminal, Glyph glyph) {
        static const struct {
                const char *utf8, *ascii;
        } glyphs[_GLYPH_MAX] = {
                [GLYPH_DOT] = { "●", "*" },
                [GLYPH_CROSS] = { "×", "x" },
                [GLYPH_ARROW] = { "→", "->" },
        };

        assert((size_t) glyph < ELEMENTSOF(glyphs));
        return terminal->is_utf8 ? glyphs[glyph].utf8 : glyphs[glyph].ascii;
}
