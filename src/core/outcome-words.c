/* SPDX-License-Identifier: MIT */
/* What went wrong, for an administrator: what came, and the peer's own words as far as they may be shown. */
#include "core/outcome-words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/json-scan.h"
#include "core/secret-echo.h"
#include "util/text.h"

enum {
        ID_SHOWN_MAX = 128,
        WORDS_READ_MAX = 4096,     /* of what a peer says; a longer text is cut anyway */
        PAGE_READ_MAX = 64 * 1024, /* of a page, to find its title */
};

#define BLANKS " \t\r\n"
#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

/* `404 Not Found`; the number alone where it has no common name. Returns `room`. */
static const char *status_text(unsigned status, char room[static 48]) {
        static const char phrases[] = "|200 OK|201 Created|202 Accepted|204 No Content"
                                      "|400 Bad Request|401 Unauthorized|403 Forbidden|404 Not Found"
                                      "|405 Method Not Allowed|406 Not Acceptable"
                                      "|407 Proxy Authentication Required|408 Request Timeout|409 Conflict"
                                      "|410 Gone|411 Length Required|413 Content Too Large"
                                      "|415 Unsupported Media Type|421 Misdirected Request"
                                      "|422 Unprocessable Entity|426 Upgrade Required|429 Too Many Requests"
                                      "|431 Request Header Fields Too Large|500 Internal Server Error"
                                      "|501 Not Implemented|502 Bad Gateway|503 Service Unavailable"
                                      "|504 Gateway Timeout|511 Network Authentication Required";
        const char *phrase;
        char key[16];

        (void) snprintf(key, sizeof key, "|%u ", status);
        phrase = strstr(phrases, key);
        if (phrase)
                (void) snprintf(room, 48, "%.*s", (int) strcspn(phrase + 1, "|"), phrase + 1);
        else
                (void) snprintf(room, 48, "%u", status);
        return room;
}

/* ---- the peer's words ---- */

/* In place: a run of white space becomes one space, and none is left at the ends. */
static void squeeze(char *text) {
        char *to = text;

        for (const char *p = text; *p; p++)
                if (!strchr(BLANKS, *p))
                        *to++ = *p;
                else if (to > text && to[-1] != ' ')
                        *to++ = ' ';
        if (to > text && to[-1] == ' ')
                to--;
        *to = '\0';
}

/* The text on one line and safe to show. Returns 0 or -ENOMEM. */
static int plain_words(const Answer *answer, const char *text, size_t size, char **ret) {
        _cleanup_free_ char *copy = NULL;
        int r;

        /* Skip blanks before cutting: a page that begins with many would have no words left. */
        while (size > 0 && strchr(BLANKS, *text)) {
                text++;
                size--;
        }

        size = min_size(size, WORDS_READ_MAX);
        r = secret_is_repeated(text, size, answer->secret, SECRET_PART);
        if (r < 0)
                return r;
        if (r > 0)
                return text_duplicate("(its words are withheld: they repeat the token)", ret);

        copy = malloc(size + 1);
        if (!copy)
                return -ENOMEM;
        for (size_t i = 0; i < size; i++)
                copy[i] = (char) (text[i] ? text[i] : ' ');
        copy[size] = '\0';
        squeeze(copy);
        *ret = text_sanitize(copy, strlen(copy), MASTER_WORDS_MAX);
        if (!*ret)
                return -ENOMEM;
        squeeze(*ret); /* what was hidden may have stood between two blanks */
        return 0;
}

static bool is_page(const char *text) {
        static const char *const marks[] = { "<!doctype html", "<html", "<head", "<title", "<body", "<h1",
                "<p>" };

        for (size_t i = 0; *text == '<' && i < ELEMENTSOF(marks); i++)
                if (strcasestr(text, marks[i]))
                        return true;
        return false;
}

/* Only the title of a page is useful. Returns 1 and the words, 0 if the text is not a page, or -ENOMEM. */
static int page_words(const Answer *answer, const char *text, size_t size, char **ret) {
        size_t n = min_size(size, PAGE_READ_MAX);
        _cleanup_free_ char *page = malloc(n + 1), *title = NULL;
        const char *begin = page, *end;

        if (!page)
                return -ENOMEM;
        *(char *) mempcpy(page, text, n) = '\0';
        if (strncmp(begin, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
                begin += strlen(BYTE_ORDER_MARK);
        begin += strspn(begin, BLANKS);
        if (!is_page(begin))
                return 0;

        begin = strcasestr(begin, "<title");
        begin = begin ? strchr(begin, '>') : NULL;
        end = begin ? strcasestr(begin, "</title") : NULL;
        if (end && plain_words(answer, begin + 1, (size_t) (end - begin - 1), &title) < 0)
                return -ENOMEM;
        if (isempty(title))
                return text_duplicate("an HTML page", ret) < 0 ? -ENOMEM : 1;
        if (asprintf(ret, "an HTML page, \"%s\"", title) < 0) {
                *ret = NULL;
                return -ENOMEM;
        }
        return 1;
}

/* What the text is, where its own words would not help. Returns 1 and the words, 0, or -ENOMEM. */
static int kind_words(const Answer *answer, const char *text, size_t size, char **ret) {
        const char *words = NULL;

        if (size >= 2 && memcmp(text, "\x1f\x8b", 2) == 0)
                words = "compressed with gzip, which was not requested";
        else if (size >= 4 && memcmp(text, "\x28\xb5\x2f\xfd", 4) == 0)
                words = "compressed with zstd, which was not requested";
        if (!words)
                return page_words(answer, text, size, ret);
        return text_duplicate(words, ret) < 0 ? -ENOMEM : 1;
}

/* Words from text that need not be JSON. Returns 0 or -ENOMEM. */
static int text_words(const Answer *answer, const char *text, size_t size, char **ret) {
        int r = kind_words(answer, text, size, ret);

        return r == 0 ? plain_words(answer, text, size, ret) : r < 0 ? r : 0;
}

/* The member of an error object that says what is wrong, else the body. Returns 0, with empty words if there
 * are none, or -ENOMEM. */
static int body_words(const Answer *answer, bool *ret_is_json, char **ret) {
        static const char *const members[] = { "error", "message", "detail", "title" };
        const char *body = strempty(answer->body);
        JsonSlice object, value;
        int r;

        *ret_is_json = json_scan(body, answer->body_size, &object, NULL) >= 0;
        for (size_t i = 0; *ret_is_json && i < ELEMENTSOF(members); i++) {
                _cleanup_free_ char *text = NULL, *words = NULL;

                if (!json_object_find(object, members[i], &value))
                        continue;
                r = json_string_decode(value, &text);
                if (r >= 0)
                        r = text_words(answer, text, strlen(text), &words);
                if (r == -ENOMEM)
                        return r;
                if (!isempty(words)) { /* else there may be another member */
                        *ret = TAKE_PTR(words);
                        return 0;
                }
        }

        return text_words(answer, body, answer->body_size, ret);
}

/* ---- descriptions ---- */

int describe_transport(const Answer *answer, char ret[static DESCRIPTION_SIZE]) {
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
        const char *given = strempty(answer->transport_text);
        _cleanup_free_ char *detail = NULL;

        assert((size_t) answer->transport < ELEMENTSOF(results));

        if (plain_words(answer, given, strlen(given), &detail) < 0)
                return -ENOMEM;
        (void) snprintf(ret, DESCRIPTION_SIZE, "%s%s%s", results[answer->transport], *detail ? ": " : "",
                        detail);
        return 0;
}

static int describe_redirect(const Answer *answer, char ret[static DESCRIPTION_SIZE]) {
        const char *given = strempty(answer->location);
        _cleanup_free_ char *location = NULL;

        if (plain_words(answer, given, strlen(given), &location) < 0)
                return -ENOMEM;

        if (answer->http_status == 304)
                (void) snprintf(ret, DESCRIPTION_SIZE,
                                "304 Not Modified: a cache answered, not the Master; expected no cache on the way");
        else if (!*given)
                (void) snprintf(ret, DESCRIPTION_SIZE,
                                "redirected (%u) without a Location: check MASTER_ENDPOINT",
                                answer->http_status);
        else
                (void) snprintf(ret, DESCRIPTION_SIZE,
                                "redirected (%u) to %s: redirects are not followed, "
                                "set MASTER_ENDPOINT to the right address",
                                answer->http_status, location);
        return 0;
}

int describe_status(const Answer *answer, char ret[static DESCRIPTION_SIZE]) {
        unsigned status = answer->http_status;
        _cleanup_free_ char *words = NULL;
        const char *hint = "";
        char room[48];
        bool is_json;

        if (status >= 300 && status <= 399)
                return describe_redirect(answer, ret);
        if (body_words(answer, &is_json, &words) < 0)
                return -ENOMEM;

        /* What hides a Master from us, an ingress without its backend say, must not look like the
         * Master's word. */
        if (status == 401 || status == 403)
                hint = " (check the token and the client certificate, and what they may do)";
        else if ((status == 404 || status == 409 || status == 410) && *words && !is_json)
                hint = " (not an answer of an Argus Master: check MASTER_ENDPOINT, and a proxy before it)";
        (void) snprintf(ret, DESCRIPTION_SIZE, "%s%s%s%s", status_text(status, room), *words ? ": " : "",
                        words, hint);
        return 0;
}

int describe_bad_node(const Answer *answer, const char *reason, char ret[static DESCRIPTION_SIZE]) {
        const char *body = strempty(answer->body);
        _cleanup_free_ char *words = NULL;
        char room[48];
        int r;

        r = kind_words(answer, body, answer->body_size, &words);
        if (r > 0)
                reason = "it is";
        else if (r == 0)
                r = plain_words(answer, body, answer->body_size, &words);
        if (r < 0)
                return r;

        (void) snprintf(ret, DESCRIPTION_SIZE, "%s, but the response is not a node object: %s%s%s",
                        status_text(answer->http_status, room), *words ? reason : "it is empty",
                        r > 0    ? " "
                        : *words ? "; it begins: "
                                 : "",
                        words);
        return 0;
}

/* The id, safe to show, or a note that it is withheld. NULL if memory is out. */
static char *shown_id(const Answer *answer, const char *id) {
        int r = secret_is_repeated(id, strlen(id), answer->secret, SECRET_PART);

        return r < 0   ? NULL
               : r > 0 ? strdup("(withheld: it repeats the token)")
                       : text_sanitize(id, strlen(id), ID_SHOWN_MAX);
}

int describe_other_node(const Answer *answer, const Node *node, char ret[static DESCRIPTION_SIZE]) {
        _cleanup_free_ char *got = shown_id(answer, node->id_json),
                            *expected = shown_id(answer, answer->node->id_json);

        if (!got || !expected)
                return -ENOMEM;
        (void) snprintf(ret, DESCRIPTION_SIZE,
                        "the response is about another node: its id is %s, ours is %s", got, expected);
        return 0;
}
