/* How wide text is on a terminal, and where its lines break. */
#include "ctl/text-layout.h"

#include <stdbool.h>
#include <string.h>
#include <wchar.h>

#include "util/text.h"

/* With less room than this, broken lines are harder to read than long ones. */
enum { ROOM_MIN = 16 };

/* One step of text: a character with its width, or a colour sequence. */
typedef struct Step {
        size_t size;
        unsigned columns;
        bool is_space;
} Step;

static Step step_read(const char *text) {
        size_t rest = strlen(text), size;
        uint32_t code_point = 0;
        int columns;

        if (text[0] == '\033' && text[1] == '[') {
                size = strcspn(text, "m");
                return (Step){ .size = size + (text[size] == 'm') };
        }

        size = text_decode_utf8(text, rest, &code_point);
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

        while (*text) {
                Step step = step_read(text);

                columns += step.columns;
                text += step.size;
        }

        return columns;
}

/* The longest piece without a place to break in it: a word, or one wide character. */
static size_t piece_size(const char *text, unsigned *ret_columns) {
        size_t size = 0;
        unsigned columns = 0;

        while (text[size]) {
                Step step = step_read(text + size);

                if (step.is_space || (step.columns == 2 && columns > 0))
                        break;

                size += step.size;
                columns += step.columns;
                if (step.columns == 2)
                        break;
        }

        *ret_columns = columns;
        return size;
}

static void write_spaces(FILE *out, unsigned count) {
        (void) fprintf(out, "%*s", (int) count, "");
}

/* A word that no line has room for is cut wherever a line ends. Returns the column after it. */
static unsigned write_cut(
                FILE *out, const char *text, size_t size, unsigned column, unsigned indent, unsigned width) {
        const char *end = text + size;

        while (text < end) {
                Step step = step_read(text);

                if (column + step.columns > width) {
                        (void) fputc('\n', out);
                        write_spaces(out, indent);
                        column = indent;
                }

                (void) fwrite(text, 1, step.size, out);
                column += step.columns;
                text += step.size;
        }

        return column;
}

void text_wrap(FILE *out, const char *text, unsigned indent, unsigned width) {
        unsigned column = indent;

        if (width < indent + ROOM_MIN) {
                (void) fputs(text, out);
                return;
        }

        while (*text) {
                unsigned spaces = (unsigned) strspn(text, " "), columns;
                size_t size = piece_size(text + spaces, &columns);

                text += spaces;
                if (column + spaces + columns > width && column > indent && columns <= width - indent) {
                        (void) fputc('\n', out);
                        write_spaces(out, indent);
                        column = indent;
                } else if (column + spaces < width) {
                        write_spaces(out, spaces);
                        column += spaces;
                }

                column = write_cut(out, text, size, column, indent, width);
                text += size;
        }
}

void text_pad(FILE *out, const char *text, unsigned columns) {
        unsigned taken = text_columns(text);

        (void) fputs(text, out);
        write_spaces(out, taken < columns ? columns - taken : 1);
}

void text_cell(FILE *out, const char *text, unsigned columns) {
        if (text_columns(text) >= columns) {
                (void) fprintf(out, "%s\n", text);
                text = "";
        }
        text_pad(out, text, columns);
}
