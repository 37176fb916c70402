#include "core/settings-file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util/macro.h"
#include "util/text.h"

#define BOM "\xEF\xBB\xBF"
#define BOM_FAULT "a byte order mark (BOM) precedes the name; systemd ignores the line"

typedef enum State {
        BEFORE_NAME,
        NAME,
        BEFORE_VALUE, /* also behind a closing quote: more text or quotes may follow */
        VALUE,
        ESCAPE,
        SINGLE_QUOTES,
        DOUBLE_QUOTES,
        QUOTED_ESCAPE,
        COMMENT,
        COMMENT_ESCAPE,
} State;

typedef struct Reader {
        settings_line_cb *callback;
        void *userdata;
        State state;
        /* line numbers; 0: none */
        unsigned line;       /* now */
        unsigned begin;      /* of the assignment */
        unsigned quote;      /* where the last quote was opened */
        unsigned open_quote; /* of a quote that is not closed on its line */
        unsigned swallower;  /* of the last comment that ends in a backslash */
        char *text;          /* the name, a NUL, the value */
        size_t size;
        size_t value;   /* where it begins in `text` */
        size_t trimmed; /* `size` without trailing blanks */
} Reader;

static bool is_line_end(char c) {
        return c == '\n' || c == '\r';
}

static bool is_blank(char c) {
        return c == ' ' || c == '\t' || is_line_end(c);
}

static void report_fault(Reader *reader, unsigned line, const char *fault) {
        reader->callback(&(SettingsLine){ .number = line, .fault = fault }, reader->userdata);
}

static void append(Reader *reader, char c) {
        reader->text[reader->size++] = c;
}

static void append_kept(Reader *reader, char c) {
        append(reader, c);
        reader->trimmed = reader->size;
}

static void append_trimmed(Reader *reader, char c) {
        if (is_blank(c))
                append(reader, c);
        else
                append_kept(reader, c);
}

static void end_part(Reader *reader) {
        reader->size = reader->trimmed;
        append_kept(reader, '\0');
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
        if (strncmp(name, "export", 6) == 0 && is_blank(name[6]))
                return "\"export\" is shell syntax; systemd ignores the line";
        if (!is_name(name))
                return "invalid name; expected letters, digits and \"_\", and no digit first; systemd ignores "
                       "the line";
        if (has_control(value))
                return "the value contains a control character; systemd 247 ignores the line";
        return NULL;
}

static void finish_assignment(Reader *reader) {
        const char *name = reader->text, *value = reader->text + reader->value, *fault;

        end_part(reader);
        reader->state = BEFORE_NAME;

        if (reader->open_quote)
                report_fault(reader, reader->open_quote,
                                "the quote is not closed on this line; the lines below become part of the value");

        fault = assignment_fault(name, value);
        if (fault)
                report_fault(reader, reader->begin, fault);
        else
                reader->callback(&(SettingsLine){ .number = reader->begin, .name = name, .value = value },
                                reader->userdata);
}

static void begin_name(Reader *reader, char c) {
        if (reader->swallower && reader->line == reader->swallower + 1)
                report_fault(reader, reader->swallower,
                                "the comment ends in a backslash; systemd before 254 takes the next line as part "
                                "of it");

        reader->begin = reader->line;
        reader->open_quote = 0;
        reader->size = reader->trimmed = 0;
        reader->state = NAME;
        append_kept(reader, c);
}

static void before_name(Reader *reader, char c) {
        if (c == '#' || c == ';')
                reader->state = COMMENT;
        else if (!is_blank(c))
                begin_name(reader, c);
}

static void end_bare_word(Reader *reader) {
        end_part(reader);
        reader->state = BEFORE_NAME;
        report_fault(reader, reader->begin,
                        has_bom(reader->text)
                                        ? BOM_FAULT
                                        : "not an assignment; expected NAME=value; systemd ignores the line");
}

static void in_name(Reader *reader, char c) {
        if (is_line_end(c))
                end_bare_word(reader);
        else if (c == '=') {
                end_part(reader);
                reader->value = reader->size;
                reader->state = BEFORE_VALUE;
        } else
                append_trimmed(reader, c);
}

static void open_quotes(Reader *reader, State state) {
        reader->quote = reader->line;
        reader->state = state;
}

static void before_value(Reader *reader, char c) {
        if (is_line_end(c))
                finish_assignment(reader);
        else if (c == '\'')
                open_quotes(reader, SINGLE_QUOTES);
        else if (c == '"')
                open_quotes(reader, DOUBLE_QUOTES);
        else if (c == '\\')
                reader->state = ESCAPE;
        else if (!is_blank(c)) {
                reader->state = VALUE;
                append_kept(reader, c);
        }
}

static void in_value(Reader *reader, char c) {
        if (is_line_end(c))
                finish_assignment(reader);
        else if (c == '\\') {
                reader->state = ESCAPE;
                reader->trimmed = reader->size;
        } else
                append_trimmed(reader, c);
}

static void in_quotes(Reader *reader, char c, char quote) {
        if (c == quote)
                reader->state = BEFORE_VALUE;
        else if (c == '\\' && quote == '"')
                reader->state = QUOTED_ESCAPE;
        else {
                if (c == '\n' && !reader->open_quote)
                        reader->open_quote = reader->quote;
                append_kept(reader, c);
        }
}

static void in_single_quotes(Reader *reader, char c) {
        in_quotes(reader, c, '\'');
}

static void in_double_quotes(Reader *reader, char c) {
        in_quotes(reader, c, '"');
}

static void in_escape(Reader *reader, char c) {
        reader->state = VALUE;
        if (!is_line_end(c))
                append_kept(reader, c);
}

/* As in a shell, the backslash stays before a character that needs no escape. */
static void in_quoted_escape(Reader *reader, char c) {
        reader->state = DOUBLE_QUOTES;
        if (c == '\n')
                return;
        if (!strchr("\"\\`$", c))
                append_kept(reader, '\\');
        append_kept(reader, c);
}

static void in_comment(Reader *reader, char c) {
        if (c == '\\')
                reader->state = COMMENT_ESCAPE;
        else if (is_line_end(c))
                reader->state = BEFORE_NAME;
}

static void in_comment_escape(Reader *reader, char c) {
        if (c == '\n')
                reader->swallower = reader->line;
        reader->state = is_line_end(c) ? BEFORE_NAME : COMMENT;
}

static void (*const steps[])(Reader *reader, char c) = {
        [BEFORE_NAME] = before_name,
        [NAME] = in_name,
        [BEFORE_VALUE] = before_value,
        [VALUE] = in_value,
        [ESCAPE] = in_escape,
        [SINGLE_QUOTES] = in_single_quotes,
        [DOUBLE_QUOTES] = in_double_quotes,
        [QUOTED_ESCAPE] = in_quoted_escape,
        [COMMENT] = in_comment,
        [COMMENT_ESCAPE] = in_comment_escape,
};

static void end_of_file(Reader *reader) {
        switch (reader->state) {
        case SINGLE_QUOTES:
        case DOUBLE_QUOTES:
        case QUOTED_ESCAPE:
                if (!reader->open_quote)
                        reader->open_quote = reader->quote;
                finish_assignment(reader);
                break;
        case BEFORE_VALUE:
        case VALUE:
        case ESCAPE:
                finish_assignment(reader);
                break;
        case NAME:
                end_bare_word(reader);
                break;
        default:
                break;
        }
}

static unsigned line_of(const char *text, const char *position) {
        unsigned line = 1;

        for (; text < position; text++)
                line += *text == '\n';
        return line;
}

int settings_file_read(const char *text, size_t size, settings_line_cb *callback, void *userdata) {
        Reader reader = { .callback = callback, .userdata = userdata, .line = 1 };
        _cleanup_free_ char *scratch = NULL;
        const char *nul = size > 0 ? memchr(text, 0, size) : NULL;

        if (nul) {
                report_fault(&reader, line_of(text, nul), "NUL byte; systemd ignores the whole file");
                return 0;
        }

        /* No character becomes longer; two NULs come on top. */
        scratch = malloc(size + 2);
        if (!scratch)
                return -ENOMEM;

        reader.text = scratch;
        for (size_t i = 0; i < size; i++) {
                steps[reader.state](&reader, text[i]);
                reader.line += text[i] == '\n';
        }
        end_of_file(&reader);
        return 0;
}
