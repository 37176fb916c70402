/* SPDX-License-Identifier: MIT */
/* Standard output: how wide it is, which colours and characters it takes, and text laid out on it. */
#include "ctl/terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "util/text.h"

enum {
        WIDTH_DEFAULT = 80,
        WIDTH_MAX = 10000,
        /* With less room than this, broken lines are harder to read than long ones. */
        ROOM_MIN = 16,
};

/* ---- what it is ---- */

static unsigned detect_width(bool is_terminal) {
        struct winsize size = {};
        uint64_t columns;

        if (text_parse_unsigned(getenv("COLUMNS"), WIDTH_MAX, &columns) == 0)
                return (unsigned) columns;
        if (!is_terminal)
                return NO_WIDTH;
        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
                return size.ws_col;

        return WIDTH_DEFAULT;
}

static bool detect_colours(bool is_terminal) {
        static const char *const words[] = { "0", "no", "n", "false", "f", "off", /* and those for yes: */
                "1", "yes", "y", "true", "t", "on", "16", "256", "24bit" };
        const char *wanted = getenv("SYSTEMD_COLORS"), *term = getenv("TERM");

        for (size_t i = 0; wanted && i < ELEMENTSOF(words); i++)
                if (strcasecmp(wanted, words[i]) == 0)
                        return i >= 6;

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
        bool is_terminal = isatty(STDOUT_FILENO), is_utf8 = detect_utf8();
        Terminal terminal = {
                .width = detect_width(is_terminal),
                .is_terminal = is_terminal,
                .off = "\033[0m",
                .bold = "\033[0;1m",
                .green = "\033[0;1;32m",
                .yellow = "\033[0;1;33m",
                .red = "\033[0;1;31m",
                .grey = "\033[0;90m",
                .dot = is_utf8 ? "●" : "*",
                .cross = is_utf8 ? "×" : "x",
                .arrow = is_utf8 ? "→" : "->",
        };

        if (!detect_colours(is_terminal))
                terminal.off = terminal.bold = terminal.green = terminal.yellow = terminal.red =
                                terminal.grey = "";
        return terminal;
}

/* ---- text on it ---- */

/* One step of text: a character with its width, or a colour sequence. */
typedef struct Step {
        size_t size;
        unsigned columns;
        bool is_space;
} Step;

static Step step_read(const char *text) {
        uint32_t code_point = 0;
        size_t size;
        int columns;

        if (text[0] == '\033' && text[1] == '[') {
                size = strcspn(text, "m");
                return (Step){ .size = size + (text[size] == 'm') };
        }

        size = text_decode_utf8(text, strnlen(text, 4), &code_point);
        if (size == 0)
                return (Step){ .size = 1, .columns = 1 };

        columns = wcwidth((wchar_t) code_point);
        return (Step){
                .size = size,
                .columns = columns < 0 ? 1 : (unsigned) columns,
                .is_space = code_point == ' ',
        };
}

unsigned text_columns(const char *text) {
        unsigned columns = 0;

        for (Step step; *text; text += step.size) {
                step = step_read(text);
                columns += step.columns;
        }
        return columns;
}

/* The number of bytes that go on a line of `room` columns. */
static size_t line_size(const char *text, unsigned room) {
        size_t position = 0, last_break = 0;
        unsigned columns = 0;

        for (Step step, before = {}; text[position]; position += step.size, before = step) {
                step = step_read(text + position);
                if (step.is_space ? !before.is_space : step.columns == 2 || before.columns == 2)
                        last_break = position;

                columns += step.columns;
                if (columns > room)
                        return last_break > 0 ? last_break : position;
        }
        return position;
}

void text_wrap(FILE *out, const char *text, unsigned indent, unsigned width) {
        if (width < indent + ROOM_MIN) {
                (void) fputs(text, out);
                return;
        }

        while (*text) {
                size_t size = line_size(text, width - indent);

                (void) fwrite(text, 1, size, out);
                text += size;
                text += strspn(text, " ");
                if (*text)
                        (void) fprintf(out, "\n%*s", (int) indent, "");
        }
}

void print_wrapped(const Terminal *terminal, unsigned indent, const char *format, ...) {
        char *text = NULL;
        va_list arguments;
        int length;

        va_start(arguments, format);
        length = vasprintf(&text, format, arguments);
        va_end(arguments);
        if (length < 0)
                exit_out_of_memory();

        text_wrap(stdout, text, indent, terminal->width);
        (void) putchar('\n');
        free(text);
}

void text_pad(FILE *out, const char *text, unsigned columns) {
        unsigned taken = text_columns(text);

        (void) fprintf(out, "%s%*s", text, (int) (taken < columns ? columns - taken : 1), "");
}

void exit_out_of_memory(void) {
        (void) fputs("argusctl: Out of memory.\n", stderr);
        exit(EXIT_FAILURE);
}
