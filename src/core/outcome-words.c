/* What went wrong, for an administrator: the request, what came, and the peer's own words as far as they may
 * be shown. */
#include "core/outcome-words.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include "core/json-scan.h"
#include "core/secret-echo.h"
#include "util/text.h"

enum {
        ID_SHOWN_MAX = 128,
        REQUEST_SHOWN_MAX = 320,
        WORDS_READ_MAX = 4096,     /* of what a peer says; a longer text is cut anyway */
        PAGE_READ_MAX = 64 * 1024, /* of a page, to find its title */
};

#define WITHHELD "(its words are withheld: they repeat the token)"

/* " Not Found" and so on, empty where the number has no common name. */
static const char *status_phrase(unsigned status) {
        static const struct {
                unsigned status;
                const char *phrase;
        } phrases[] = {
                { 200, " OK" },
                { 201, " Created" },
                { 202, " Accepted" },
                { 204, " No Content" },
                { 400, " Bad Request" },
                { 401, " Unauthorized" },
                { 403, " Forbidden" },
                { 404, " Not Found" },
                { 405, " Method Not Allowed" },
                { 406, " Not Acceptable" },
                { 407, " Proxy Authentication Required" },
                { 408, " Request Timeout" },
                { 409, " Conflict" },
                { 410, " Gone" },
                { 411, " Length Required" },
                { 413, " Content Too Large" },
                { 415, " Unsupported Media Type" },
                { 421, " Misdirected Request" },
                { 422, " Unprocessable Entity" },
                { 426, " Upgrade Required" },
                { 429, " Too Many Requests" },
                { 431, " Request Header Fields Too Large" },
                { 500, " Internal Server Error" },
                { 501, " Not Implemented" },
                { 502, " Bad Gateway" },
                { 503, " Service Unavailable" },
                { 504, " Gateway Timeout" },
                { 511, " Network Authentication Required" },
        };

        for (size_t i = 0; i < ELEMENTSOF(phrases); i++) {
                if (phrases[i].status == status)
                        return phrases[i].phrase;
        }

        return "";
}

int describe_request(const Answer *answer, Buffer *text) {
        _cleanup_free_ char *request = NULL;

        if (isempty(answer->request))
                return 0;
        request = text_sanitize(answer->request, strlen(answer->request), REQUEST_SHOWN_MAX);
        return request ? buffer_printf(text, "%s: ", request) : -ENOMEM;
}

/* Returns a copy on one line: a run of white space becomes one space, and words of two lines stay apart. */
static char *join_lines(const char *text, size_t size, size_t *ret_size) {
        char *copy = malloc(size + 1);
        size_t n = 0;

        if (!copy)
                return NULL;

        for (size_t i = 0; i < size; i++)
                if (!strchr(" \t\r\n", text[i]))
                        copy[n++] = text[i];
                else if (n > 0 && copy[n - 1] != ' ')
                        copy[n++] = ' ';
        *ret_size = n;
        return copy;
}

/* Makes text safe to show and drops blanks around what is left of it. Returns 0 or -ENOMEM. */
static int words_from_text(const Answer *answer, const char *text, size_t size, char **ret) {
        _cleanup_free_ char *joined = NULL;
        char *words, *begin, *end;
        int r;

        /* Skip blanks before cutting: a page that begins with many would have no words left. */
        while (size > 0 && strchr(" \t\r\n", *text)) {
                text++;
                size--;
        }

        r = secret_is_repeated(text, min_size(size, WORDS_READ_MAX), answer->secret, SECRET_PART);
        if (r < 0)
                return r;
        if (r > 0)
                return text_duplicate(WITHHELD, ret);

        joined = join_lines(text, min_size(size, WORDS_READ_MAX), &size);
        words = joined ? text_sanitize(joined, size, MASTER_WORDS_MAX) : NULL;
        if (!words)
                return -ENOMEM;

        begin = words + strspn(words, " ");
        for (end = begin + strlen(begin); end > begin && end[-1] == ' '; end--)
                ;
        *end = '\0';
        memmove(words, begin, (size_t) (end - begin) + 1);

        *ret = words;
        return 0;
}

/* Returns where `word` is in the text, in letters of either case, or NULL. */
static const char *find_word(const char *text, const char *end, const char *word) {
        for (size_t size = strlen(word); text + size <= end; text++)
                if (strncasecmp(text, word, size) == 0)
                        return text;
        return NULL;
}

static bool is_page(const char *text, const char *end) {
        static const char *const marks[] = { "<!doctype html", "<html", "<head", "<title", "<body", "<h1",
                "<p>" };
        static const char byte_order_mark[] = "\xEF\xBB\xBF";

        if (end - text > 3 && memcmp(text, byte_order_mark, 3) == 0)
                text += 3;
        while (text < end && strchr(" \t\r\n", *text))
                text++;
        for (size_t i = 0; text < end && *text == '<' && i < ELEMENTSOF(marks); i++)
                if (find_word(text, text + min_size((size_t) (end - text), WORDS_READ_MAX), marks[i]))
                        return true;
        return false;
}

/* Only the title of a page is useful. Returns 1 and the words, 0 if the text is not a page, or -ENOMEM. */
static int words_from_page(const Answer *answer, const char *text, size_t size, char **ret) {
        const char *end = text + min_size(size, PAGE_READ_MAX), *begin, *title_end = NULL;
        _cleanup_free_ char *title = NULL;
        int r;

        if (!is_page(text, end))
                return 0;

        begin = find_word(text, end, "<title");
        begin = begin ? memchr(begin, '>', (size_t) (end - begin)) : NULL;
        if (begin)
                title_end = find_word(++begin, end, "</title");
        if (title_end) {
                r = words_from_text(answer, begin, (size_t) (title_end - begin), &title);
                if (r < 0)
                        return r;
        }

        r = isempty(title) ? asprintf(ret, "an HTML page") : asprintf(ret, "an HTML page, \"%s\"", title);
        if (r < 0) {
                *ret = NULL;
                return -ENOMEM;
        }
        return 1;
}

/* No request of ours asks for compression. */
static const char *compression_of(const char *text, size_t size) {
        if (size >= 2 && memcmp(text, "\x1f\x8b", 2) == 0)
                return "compressed with gzip, which was not requested";
        if (size >= 4 && memcmp(text, "\x28\xb5\x2f\xfd", 4) == 0)
                return "compressed with zstd, which was not requested";
        return NULL;
}

/* What the text is, where its own words would not help. Returns 1 and the words, 0, or -ENOMEM. */
static int words_from_kind(const Answer *answer, const char *text, size_t size, char **ret) {
        const char *compression = compression_of(text, size);

        if (!compression)
                return words_from_page(answer, text, size, ret);
        return text_duplicate(compression, ret) < 0 ? -ENOMEM : 1;
}

/* Words from text that need not be JSON. */
static int words_from_any(const Answer *answer, const char *text, size_t size, char **ret) {
        int r;

        r = words_from_kind(answer, text, size, ret);
        if (r != 0)
                return r < 0 ? r : 0;
        return words_from_text(answer, text, size, ret);
}

/* The member of an error object that says what is wrong. Returns 1 and its words, 0 if the body is no such
 * object, or -ENOMEM. */
static int words_from_object(const Answer *answer, char **ret) {
        static const char *const members[] = { "error", "message", "detail", "title" };
        JsonSlice object, value;
        int r;

        if (json_scan(answer->body, answer->body_size, &object, NULL) < 0)
                return 0;

        for (size_t i = 0; i < ELEMENTSOF(members); i++) {
                _cleanup_free_ char *text = NULL, *words = NULL;

                if (!json_object_find(object, members[i], &value))
                        continue;
                r = json_string_decode(value, &text);
                if (r == -ENOMEM)
                        return r;
                if (r < 0) /* an object, or half a surrogate pair: there may be another member */
                        continue;

                r = words_from_any(answer, text, strlen(text), &words);
                if (r < 0)
                        return r;
                if (*words) {
                        *ret = TAKE_PTR(words);
                        return 1;
                }
        }

        return 0;
}

/* The Master's own words; empty if it has none. Returns 0 or -ENOMEM. */
static int master_words(const Answer *answer, char **ret) {
        int r;

        if (!answer->body)
                return text_duplicate("", ret);

        r = words_from_object(answer, ret);
        return r != 0 ? (r < 0 ? r : 0) : words_from_any(answer, answer->body, answer->body_size, ret);
}

int describe_transport(const Answer *answer, Buffer *text) {
        static const char *const results[] = {
                [TRANSPORT_RESOLVE] = "cannot resolve the name",
                [TRANSPORT_CONNECT] = "cannot connect",
                [TRANSPORT_TLS] = "TLS",
                [TRANSPORT_TIMEOUT] = "no response within the timeout",
                [TRANSPORT_BROKEN] = "the connection ended before a whole response came",
                [TRANSPORT_NOT_HTTP] = "the response is not HTTP",
                [TRANSPORT_TOO_LARGE] = "the response was cut off",
                [TRANSPORT_LOCAL] = "cannot send the request",
        };
        _cleanup_free_ char *detail = NULL;
        const char *given = strempty(answer->transport_text);
        int r;

        assert((size_t) answer->transport < ELEMENTSOF(results));

        r = words_from_text(answer, given, strlen(given), &detail);
        if (r < 0)
                return r;
        return buffer_printf(text, "%s%s%s", results[answer->transport], *detail ? ": " : "", detail);
}

static int describe_redirect(const Answer *answer, Buffer *text) {
        _cleanup_free_ char *location = NULL;
        int r;

        if (answer->http_status == 304)
                return buffer_append_string(text,
                                "304 Not Modified: a cache answered, not the Master; expected no cache on the way");
        if (isempty(answer->location))
                return buffer_printf(text, "redirected (%u) without a Location: check MASTER_ENDPOINT",
                                answer->http_status);

        r = words_from_text(answer, answer->location, strlen(answer->location), &location);
        if (r < 0)
                return r;
        return buffer_printf(text,
                        "redirected (%u) to %s: redirects are not followed, "
                        "set MASTER_ENDPOINT to the right address",
                        answer->http_status, location);
}

/* What hides a Master from us, an ingress without its backend say, must not look like the Master's word. */
static bool is_of_a_front(const Answer *answer, const char *words) {
        bool may_be_believed = answer->http_status == 404 || answer->http_status == 409 ||
                               answer->http_status == 410;
        JsonSlice value;

        return may_be_believed && *words && json_scan(answer->body, answer->body_size, &value, NULL) < 0;
}

int describe_status(const Answer *answer, Buffer *text) {
        _cleanup_free_ char *words = NULL;
        int r;

        if (answer->http_status >= 300 && answer->http_status <= 399)
                return describe_redirect(answer, text);

        r = master_words(answer, &words);
        if (r < 0)
                return r;

        r = buffer_printf(text, "%u%s%s%s", answer->http_status, status_phrase(answer->http_status),
                        *words ? ": " : "", words);
        if (r < 0)
                return r;

        if (answer->http_status == 401 || answer->http_status == 403)
                return buffer_append_string(
                                text, " (check the token and the client certificate, and what they may do)");
        if (is_of_a_front(answer, words))
                return buffer_append_string(text,
                                " (not an answer of an Argus Master: check MASTER_ENDPOINT, and a proxy before it)");
        return 0;
}

int describe_bad_node(const Answer *answer, const char *reason, Buffer *text) {
        const char *body = strempty(answer->body), *phrase = status_phrase(answer->http_status);
        _cleanup_free_ char *words = NULL;
        int r;

        r = words_from_kind(answer, body, answer->body_size, &words);
        if (r < 0)
                return r;
        if (r > 0)
                return buffer_printf(text, "%u%s, but the response is not a node object: it is %s",
                                answer->http_status, phrase, words);

        r = words_from_text(answer, body, answer->body_size, &words);
        if (r < 0)
                return r;
        if (!*words)
                return buffer_printf(text, "%u%s, but the response is not a node object: it is empty",
                                answer->http_status, phrase);
        return buffer_printf(text, "%u%s, but the response is not a node object: %s; it begins: %s",
                        answer->http_status, phrase, strempty(reason), words);
}

/* The id, safe to show, or a note that it is withheld. Returns 0 or -ENOMEM. */
static int words_from_id(const Answer *answer, const char *id, char **ret) {
        int r;

        r = secret_is_repeated(id, strlen(id), answer->secret, SECRET_PART);
        if (r < 0)
                return r;
        *ret = r > 0 ? strdup("(withheld: it repeats the token)")
                     : text_sanitize(id, strlen(id), ID_SHOWN_MAX);
        return *ret ? 0 : -ENOMEM;
}

int describe_other_node(const Answer *answer, const Node *node, Buffer *text) {
        _cleanup_free_ char *got = NULL, *expected = NULL;

        if (words_from_id(answer, node->id_json, &got) < 0 ||
                        words_from_id(answer, answer->node->id_json, &expected) < 0)
                return -ENOMEM;
        return buffer_printf(
                        text, "the response is about another node: its id is %s, ours is %s", got, expected);
}
