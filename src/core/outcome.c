/* What an answer of the Master means: the table of the protocol's answers, and words for a person. */
#include "core/outcome.h"

#include <errno.h>
#include <stdio.h>

#include "core/json-scan.h"
#include "util/buffer.h"
#include "util/text.h"

enum {
        ID_SHOWN_MAX = 128,
        WORDS_READ_MAX = 64 * 1024, /* of what a Master says; a secret is shorter */
};

#define RETRY_AFTER_MAX_USEC (RETRY_AFTER_MAX_SECONDS * USEC_PER_SEC)

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

static void mask(char *text, const char *secret) {
        char *found = text;

        while ((found = strstr(found, secret)))
                found = memset(found, '*', strlen(secret)), found += strlen(secret);
}

/* Hides a secret that comes back in what a Master or proxy says, as it is and as JSON may write it: with \/
 * for /. */
static int mask_secret(char *text, const char *secret) {
        _cleanup_free_ char *escaped = NULL;
        char *p;

        if (isempty(secret))
                return 0;
        mask(text, secret);
        if (!strchr(secret, '/'))
                return 0;

        p = escaped = malloc(2 * strlen(secret) + 1);
        if (!escaped)
                return -ENOMEM;
        for (; *secret; secret++) {
                if (*secret == '/')
                        *p++ = '\\';
                *p++ = *secret;
        }
        *p = '\0';
        mask(text, escaped);
        return 0;
}

/* Makes text safe to show and drops blanks around what is left of it. Returns 0 or -ENOMEM. */
static int words_from_text(const Answer *answer, const char *text, size_t size, char **ret) {
        _cleanup_free_ char *whole = NULL;
        char *words, *begin, *end;
        int r;

        /* Blanks first: a page that begins with a screen of them would have no words left. */
        while (size > 0 && strchr(" \t\r\n", *text)) {
                text++;
                size--;
        }

        /* Cut last: half a secret would not be found. */
        whole = text_sanitize(text, min_size(size, WORDS_READ_MAX), SIZE_MAX);
        if (!whole)
                return -ENOMEM;
        r = mask_secret(whole, answer->secret);
        if (r < 0)
                return r;
        words = text_sanitize(whole, strlen(whole), MASTER_WORDS_MAX);
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

                r = words_from_text(answer, text, strlen(text), &words);
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

        if (answer->body) {
                r = words_from_object(answer, ret);
                if (r != 0)
                        return r < 0 ? r : 0;
        }

        return words_from_text(answer, strempty(answer->body), answer->body ? answer->body_size : 0, ret);
}

static int describe_transport(const Answer *answer, Buffer *text) {
        static const struct {
                const char *words;
                bool has_detail; /* what the library says is shown too */
        } results[] = {
                [TRANSPORT_RESOLVE] = { "cannot resolve the name", true },
                [TRANSPORT_CONNECT] = { "cannot connect", true },
                [TRANSPORT_TLS] = { "TLS", true },
                [TRANSPORT_TIMEOUT] = { "no answer within the time-out", true },
                [TRANSPORT_BROKEN] = { "the connection ended before a whole answer came", true },
                [TRANSPORT_TOO_LARGE] = { "the answer is larger than 1 MiB and was cut off", false },
                [TRANSPORT_LOCAL] = { "cannot ask", true },
        };
        _cleanup_free_ char *detail = NULL;
        const char *given = strempty(answer->transport_text);
        int r;

        assert((size_t) answer->transport < ELEMENTSOF(results));

        r = words_from_text(answer, given, strlen(given), &detail);
        if (r < 0)
                return r;
        if (!results[answer->transport].has_detail || !*detail)
                return buffer_append_string(text, results[answer->transport].words);
        return buffer_printf(text, "%s: %s", results[answer->transport].words, detail);
}

static int describe_redirect(const Answer *answer, Buffer *text) {
        _cleanup_free_ char *location = NULL;
        int r;

        if (isempty(answer->location))
                return buffer_printf(text, "redirected (%u), but not where to: check MASTER_ENDPOINT",
                                answer->http_status);

        r = words_from_text(answer, answer->location, strlen(answer->location), &location);
        if (r < 0)
                return r;
        return buffer_printf(text,
                        "redirected (%u) to %s: redirects are not followed, "
                        "set MASTER_ENDPOINT to the right address",
                        answer->http_status, location);
}

static int describe_status(const Answer *answer, Buffer *text) {
        _cleanup_free_ char *words = NULL;
        int r;

        if (answer->http_status >= 300 && answer->http_status <= 399)
                return describe_redirect(answer, text);

        r = master_words(answer, &words);
        if (r < 0)
                return r;

        r = buffer_printf(text, "the Master answered %u%s%s%s", answer->http_status,
                        status_phrase(answer->http_status), *words ? ": " : "", words);
        if (r < 0)
                return r;

        if (answer->http_status == 401 || answer->http_status == 403)
                return buffer_append_string(
                                text, " (check the token and the client certificate, and what they may do)");
        return 0;
}

static int describe_bad_node(const Answer *answer, const char *reason, Buffer *text) {
        _cleanup_free_ char *words = NULL;
        int r;

        r = words_from_text(answer, strempty(answer->body), answer->body ? answer->body_size : 0, &words);
        if (r < 0)
                return r;
        if (!*words)
                return buffer_printf(text, "the answer (%u%s) is no node object: it is empty",
                                answer->http_status, status_phrase(answer->http_status));
        return buffer_printf(
                        text, "the answer is no node object: %s; it began: %s", strempty(reason), words);
}

/* A report's answer must be about the node that was reported. */
static bool is_other_node(const Answer *answer, const Node *node) {
        if (answer->kind != REQUEST_REPORT)
                return false;
        if (answer->node)
                return !node_same_id(answer->node, node);
        return answer->sent_id && !streq(answer->sent_id, node->id);
}

static int describe_other_node(const Answer *answer, const Node *node, Buffer *text) {
        _cleanup_free_ char *got = NULL, *expected = NULL;
        const char *own = answer->node ? answer->node->id_json : answer->sent_id;

        got = text_sanitize(node->id_json, strlen(node->id_json), ID_SHOWN_MAX);
        expected = text_sanitize(own, strlen(own), ID_SHOWN_MAX);
        if (!got || !expected)
                return -ENOMEM;
        return buffer_printf(
                        text, "the answer is about another node: its id is %s, ours is %s", got, expected);
}

/* Byte for byte: a large object that never changes need not be read at each report. */
static bool is_same_object(const Answer *answer) {
        return answer->node && answer->body && answer->body_size == answer->node->size &&
               memcmp(answer->body, answer->node->text, answer->body_size) == 0;
}

/* A 2xx: sets the node and the class, and appends what is wrong if it is not what was asked for. */
static int classify_success(const Answer *answer, Outcome *outcome, Buffer *text) {
        _cleanup_free_ char *reason = NULL;
        Node *node;
        int r;

        if ((answer->kind == REQUEST_REPORT && answer->http_status == 204) || is_same_object(answer)) {
                outcome->class = OUTCOME_OK;
                return 0;
        }

        r = node_parse(strempty(answer->body), answer->body ? answer->body_size : 0, &node, &reason);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return describe_bad_node(answer, reason, text);

        if (is_other_node(answer, node)) {
                r = describe_other_node(answer, node, text);
                (void) node_free(node);
                return r;
        }

        outcome->node = node;
        outcome->class = OUTCOME_OK;
        return 0;
}

static OutcomeClass class_of_status(const Answer *answer) {
        switch (answer->http_status) {
        case 404:
        case 410:
                if (answer->kind == REQUEST_REPORT)
                        return OUTCOME_FORGOTTEN;
                return answer->sent_id ? OUTCOME_ID_REFUSED : OUTCOME_FAILED;
        case 409:
                return answer->kind == REQUEST_REGISTER && answer->sent_id ? OUTCOME_ID_REFUSED
                                                                           : OUTCOME_FAILED;
        default:
                return OUTCOME_FAILED;
        }
}

static bool may_say_retry_after(unsigned status) {
        return status == 408 || status == 429 || (status >= 500 && status <= 599);
}

static int classify(const Answer *answer, Outcome *outcome, Buffer *text) {
        unsigned status = answer->http_status;

        /* Too long an answer, or one cut short, still says in its head how long to stay away. */
        if (may_say_retry_after(status))
                outcome->retry_after_usec = answer->retry_after_usec < RETRY_AFTER_MAX_USEC
                                                            ? answer->retry_after_usec
                                                            : RETRY_AFTER_MAX_USEC;

        if (answer->transport != TRANSPORT_ANSWERED)
                return describe_transport(answer, text);
        if (status >= 200 && status <= 299)
                return classify_success(answer, outcome, text);

        outcome->class = class_of_status(answer);
        return describe_status(answer, text);
}

int outcome_classify(const Answer *answer, Outcome *ret) {
        Outcome outcome = {
                .class = OUTCOME_FAILED,
                .transport = answer->transport,
                .http_status = answer->http_status,
        };
        Buffer text = {};
        int r;

        assert(ret);

        r = classify(answer, &outcome, &text);
        if (r >= 0 && text.data) /* an id may be it, too */
                r = mask_secret(text.data, answer->secret);
        if (r >= 0)
                text_sanitize_into(outcome.error, sizeof outcome.error, strempty(text.data), text.size);
        buffer_done(&text);
        if (r < 0) {
                outcome_done(&outcome);
                return r;
        }

        *ret = outcome;
        return 0;
}

bool outcome_is_unanswered(const Outcome *outcome) {
        /* Of one that was too long the head did come. */
        if (outcome->transport != TRANSPORT_ANSWERED && outcome->transport != TRANSPORT_TOO_LARGE)
                return true;
        return outcome->http_status >= 500;
}

void outcome_done(Outcome *outcome) {
        outcome->node = node_free(outcome->node);
}
