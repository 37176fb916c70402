/* Names that the configuration deals in: its enumerations and switches, near misses of
 * variables, hosts, units. */
#include "core/config-names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>

#include "core/config.h"
#include "util/text.h"

enum {
        HOSTNAME_SIZE_MAX = 253,
        UNIT_NAME_SIZE_MAX = 255,
        UNIT_SHOWN_MAX = 64,
        VARIABLE_SIZE_MAX = 64, /* longer than any name of ours and two more */
        NEAR = 2,
        NEAR_SHORT = 1,
        SHORT_SIZE = 6,
};

#define LETTERS_AND_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static const char *const bus_names[] = {
        [BUS_AUTO] = "auto",
        [BUS_SYSTEM] = "system",
        [BUS_USER] = "user",
        [BUS_NONE] = "none",
};

static const char *const target_names[] = {
        [LOG_TARGET_AUTO] = "auto",
        [LOG_TARGET_JOURNAL] = "journal",
        [LOG_TARGET_CONSOLE] = "console",
        [LOG_TARGET_JSON] = "json",
};

static const char *const level_names[] = {
        [LOG_ERR] = "err",
        [LOG_WARNING] = "warning",
        [LOG_NOTICE] = "notice",
        [LOG_INFO] = "info",
        [LOG_DEBUG] = "debug",
};

/* Returns the index, or -EINVAL. */
static int find_name(const char *const *names, size_t count, const char *text) {
        for (size_t i = 0; i < count; i++) {
                if (text && names[i] && strcasecmp(text, names[i]) == 0)
                        return (int) i;
        }

        return -EINVAL;
}

const char *bus_kind_to_string(BusKind kind) {
        assert((size_t) kind < ELEMENTSOF(bus_names));
        return bus_names[kind];
}

int bus_kind_from_string(const char *text, BusKind *ret) {
        int r = find_name(bus_names, ELEMENTSOF(bus_names), text);

        if (r < 0)
                return r;
        *ret = (BusKind) r;
        return 0;
}

const char *log_target_to_string(LogTarget target) {
        assert((size_t) target < ELEMENTSOF(target_names));
        return target_names[target];
}

int log_target_from_string(const char *text, LogTarget *ret) {
        int r = find_name(target_names, ELEMENTSOF(target_names), text);

        if (r < 0)
                return r;
        *ret = (LogTarget) r;
        return 0;
}

const char *log_level_to_string(int level) {
        assert(level >= LOG_ERR && level <= LOG_DEBUG);
        return level_names[level];
}

int log_level_from_string(const char *text, int *ret_level) {
        int r = find_name(level_names, ELEMENTSOF(level_names), text);

        if (r < 0)
                return r;
        *ret_level = r;
        return 0;
}

int config_boolean_parse(const char *text, bool *ret) {
        static const struct {
                const char *word;
                bool value;
        } words[] = {
                { "yes", true },
                { "true", true },
                { "on", true },
                { "1", true },
                { "no", false },
                { "false", false },
                { "off", false },
                { "0", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(words); i++) {
                if (strcasecmp(text, words[i].word) == 0) {
                        *ret = words[i].value;
                        return 0;
                }
        }

        return -EINVAL;
}

bool config_hostname_is_valid(const char *hostname) {
        static const char allowed[] = LETTERS_AND_DIGITS "._-";
        size_t size;

        if (isempty(hostname) || streq(hostname, ".") || streq(hostname, ".."))
                return false;

        size = strlen(hostname);
        return size <= HOSTNAME_SIZE_MAX && strspn(hostname, allowed) == size;
}

bool config_hostname_is_local(const char *hostname) {
        static const char *const names[] = { "localhost", "localhost4", "localhost6" };
        size_t size = strcspn(hostname, ".");

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                if (strlen(names[i]) == size && strncasecmp(hostname, names[i], size) == 0)
                        return true;
        }

        return false;
}

static int fold(char c) {
        return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c;
}

static size_t min3(size_t a, size_t b, size_t c) {
        return min_size(min_size(a, b), c);
}

/* Edits (insert, drop, change a byte, or swap two neighbours) that lead from one name to the other, if they
 * are no more than the limit. */
static size_t edit_distance(const char *a, size_t a_size, const char *b, size_t b_size, size_t limit) {
        size_t rows[3][VARIABLE_SIZE_MAX + 1];
        size_t *before = rows[0], *above = rows[1], *row = rows[2];

        assert(b_size <= VARIABLE_SIZE_MAX);

        for (size_t j = 0; j <= b_size; j++)
                row[j] = j;

        for (size_t i = 1; i <= a_size; i++) {
                size_t *oldest = before, least = i;

                before = above;
                above = row;
                row = oldest;

                row[0] = i;
                for (size_t j = 1; j <= b_size; j++) {
                        bool same = fold(a[i - 1]) == fold(b[j - 1]);

                        row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + !same);
                        if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) &&
                                        fold(a[i - 2]) == fold(b[j - 1]))
                                row[j] = min_size(row[j], before[j - 2] + 1);
                        least = min_size(least, row[j]);
                }
                if (least > limit) /* so are all of the rows below: most names differ in their first bytes */
                        return SIZE_MAX;
        }

        return row[b_size];
}

/* The rule: two edits, over the whole name and in whatever case. Where what tells a name from its siblings,
 * the part behind the first underscore, is shorter than six bytes (AGENT_ENV, AGENT_USER, AGENT_BUS), one
 * edit: with two, AGENT_OS and AGENT_URL would be near. */
size_t config_name_distance(const char *name, size_t size, const char *known) {
        const char *underscore = strchr(known, '_');
        size_t known_size = strlen(known), limit, distance;

        limit = underscore && strlen(underscore + 1) < SHORT_SIZE ? NEAR_SHORT : NEAR;

        /* First what is cheap: foreign names may be of any length. */
        if (size > known_size + limit || size + limit < known_size)
                return SIZE_MAX;

        distance = edit_distance(name, size, known, known_size, limit);
        return distance <= limit ? distance : SIZE_MAX;
}

static bool is_unit_type(const char *suffix) {
        static const char *const types[] = {
                "service",
                "socket",
                "target",
                "timer",
                "mount",
                "automount",
                "swap",
                "path",
                "slice",
                "scope",
                "device",
        };

        for (size_t i = 0; i < ELEMENTSOF(types); i++) {
                if (streq(suffix, types[i]))
                        return true;
        }

        return false;
}

/* Returns 0 and the whole name, -EINVAL with a reason, or -ENOMEM. */
static int read_unit(const char *text, size_t size, char **ret, const char **ret_reason) {
        static const char allowed[] = LETTERS_AND_DIGITS ":-_.\\@";
        _cleanup_free_ char *name = NULL;
        const char *dot, *at;

        /* Before anything of that size is copied. */
        if (size > UNIT_NAME_SIZE_MAX) {
                *ret_reason = "longer than 255 bytes";
                return -EINVAL;
        }

        name = malloc(size + sizeof ".service");
        if (!name)
                return -ENOMEM;
        memcpy(name, text, size);
        name[size] = '\0';

        /* As systemctl does: web-1.2 is web-1.2.service. */
        dot = strrchr(name, '.');
        if (!dot || !is_unit_type(dot + 1)) {
                (void) stpcpy(name + size, ".service");
                size += strlen(".service");
                dot = strrchr(name, '.');
        }

        at = strchr(name, '@');
        if (size > UNIT_NAME_SIZE_MAX)
                *ret_reason = "longer than 255 bytes";
        else if (strspn(name, allowed) != size)
                *ret_reason = "contains a character not allowed in unit names";
        else if (dot == name || at == name)
                *ret_reason = "nothing precedes its suffix or its @";
        else if (at && at + 1 == dot)
                *ret_reason = "a template has no state, only its instances (name@instance) do";
        else {
                *ret = TAKE_PTR(name);
                return 0;
        }

        return -EINVAL;
}

/* Says which of many it was. Returns -EINVAL or -ENOMEM. */
static int describe_unit(const char *text, size_t size, const char *reason, char **ret_reason) {
        _cleanup_free_ char *shown = text_escape(text, size, UNIT_SHOWN_MAX);
        char *words;

        if (!shown || asprintf(&words, "\"%s\": %s", shown, reason) < 0)
                return -ENOMEM;

        *ret_reason = words;
        return -EINVAL;
}

static void units_free(char **units, size_t count) {
        for (size_t i = 0; i < count; i++)
                free(units[i]);
        free(units);
}

static bool units_contain(char *const *units, size_t count, const char *name) {
        for (size_t i = 0; i < count; i++) {
                if (streq(units[i], name))
                        return true;
        }

        return false;
}

/* Adds to a list that has room for WATCH_UNITS_MAX and the NULL. Returns as read_unit(). */
static int units_add(char **units, size_t *count, const char *text, size_t size, const char **ret_reason) {
        _cleanup_free_ char *name = NULL;
        int r;

        r = read_unit(text, size, &name, ret_reason);
        if (r < 0)
                return r;
        if (units_contain(units, *count, name))
                return 0;
        if (*count >= WATCH_UNITS_MAX) {
                *ret_reason = "more than 1024 units";
                return -EINVAL;
        }

        units[(*count)++] = TAKE_PTR(name);
        return 0;
}

int config_units_parse(const char *text, char ***ret, size_t *ret_count, char **ret_reason) {
        static const char blanks[] = " \t\r\n";
        char **units;
        size_t count = 0;
        int r;

        text += strspn(text, blanks);
        if (!*text) {
                *ret = NULL;
                *ret_count = 0;
                return 0;
        }

        units = calloc(WATCH_UNITS_MAX + 1, sizeof *units);
        if (!units)
                return -ENOMEM;

        while (*text) {
                size_t size = strcspn(text, blanks);
                const char *reason;

                r = units_add(units, &count, text, size, &reason);
                if (r < 0) {
                        units_free(units, count);
                        return r == -EINVAL ? describe_unit(text, size, reason, ret_reason) : r;
                }

                text += size;
                text += strspn(text, blanks);
        }

        *ret = units;
        *ret_count = count;
        return 0;
}
