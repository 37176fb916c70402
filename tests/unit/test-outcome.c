/* SPDX-License-Identifier: MIT */
/* What the Master's answers mean: the table of the protocol, the words for a person, hostile bodies. */
#include "core/outcome.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "util/macro.h"
#include "util/text.h"

#include "test-memory.h"

#define NODE_A7 "{\"id\": \"A7\", \"name\": \"web\"}"
#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

DEFINE_CLEANUP(Node *, node_free)

static const Node a7 = {
        .text = (char *) "{\"id\":\"A7\"}", .size = 11, .id = (char *) "A7", .id_json = (char *) "\"A7\""
};

static Node *node_from(const char *text) {
        Node *node;

        assert_int_equal(node_parse(text, strlen(text), &node, NULL), 0);
        return node;
}

/* What is shown must be fit for D-Bus and a terminal, whatever came. */
static Outcome classify(const Answer *answer) {
        _cleanup_free_ char *safe = NULL;
        Outcome outcome;

        assert_int_equal(outcome_classify(answer, &outcome), 0);

        safe = text_sanitize(outcome.error, strlen(outcome.error), OUTCOME_ERROR_SIZE);
        assert_string_equal(safe, outcome.error);
        assert_int_equal(outcome.class == OUTCOME_OK, outcome.error[0] == '\0');
        assert_int_equal(outcome.transport, answer->transport);
        assert_int_equal(outcome.http_status, answer->http_status);
        if (outcome.class != OUTCOME_OK)
                assert_null(outcome.node);
        return outcome;
}

/* The classes by status: of a registration without and with an id, and of a report. */
static void test_classes(void **state _unused_) {
        static const struct {
                unsigned status;
                OutcomeClass without_id, with_id, report;
        } cases[] = {
                { 100, OUTCOME_FAILED, OUTCOME_FAILED, OUTCOME_FAILED },
                { 199, OUTCOME_FAILED, OUTCOME_FAILED, OUTCOME_FAILED },
                { 200, OUTCOME_OK, OUTCOME_OK, OUTCOME_OK },
                { 201, OUTCOME_OK, OUTCOME_OK, OUTCOME_OK },
                { 202, OUTCOME_OK, OUTCOME_OK, OUTCOME_OK },
                { 299, OUTCOME_OK, OUTCOME_OK, OUTCOME_OK },
                { 300, OUTCOME_FAILED, OUTCOME_FAILED, OUTCOME_FAILED },
                { 301, OUTCOME_FAILED, OUTCOME_FAILED, OUTCOME_FAILED },
                { 304, OUTCOME_FAILED, OUTCOME_FAILED, OUTCOME_FAILED },
                { 308, OUTCOME_FAILED, OUTCOME_FAILED, OUTCOME_FAILED },
                { 400, OUTCOME_FAILED, OUTCOME_FAILED, OUTCOME_FAILED },
                { 401, OUTCOME_FAILED, OUTCOME_FAILED, OUTCOME_FAILED },
                { 403, OUTCOME_FAILED, OUTCOME_FAILED, OUTCOME_FAILED },
                { 404, OUTCOME_FAILED, OUTCOME_ID_REFUSED, OUTCOME_FORGOTTEN },
                { 405, OUTCOME_FAILED, OUTCOME_FAILED, OUTCOME_FAILED },
                { 408, OUTCOME_FAILED, OUTCOME_FAILED, OUTCOME_FAILED },
                { 409, OUTCOME_FAILED, OUTCOME_ID_REFUSED, OUTCOME_FAILED },
                { 410, OUTCOME_FAILED, OUTCOME_ID_REFUSED, OUTCOME_FORGOTTEN },
                { 422, OUTCOME_FAILED, OUTCOME_FAILED, OUTCOME_FAILED },
                { 429, OUTCOME_FAILED, OUTCOME_FAILED, OUTCOME_FAILED },
                { 499, OUTCOME_FAILED, OUTCOME_FAILED, OUTCOME_FAILED },
                { 500, OUTCOME_FAILED, OUTCOME_FAILED, OUTCOME_FAILED },
                { 503, OUTCOME_FAILED, OUTCOME_FAILED, OUTCOME_FAILED },
                { 599, OUTCOME_FAILED, OUTCOME_FAILED, OUTCOME_FAILED },
                { 600, OUTCOME_FAILED, OUTCOME_FAILED, OUTCOME_FAILED },
                { 999, OUTCOME_FAILED, OUTCOME_FAILED, OUTCOME_FAILED },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                for (unsigned variant = 0; variant < 3; variant++) {
                        const OutcomeClass expected = variant == 0   ? cases[i].without_id
                                                      : variant == 1 ? cases[i].with_id
                                                                     : cases[i].report;
                        Outcome outcome = classify(&(Answer){
                                        .kind = variant == 2 ? REQUEST_REPORT : REQUEST_REGISTER,
                                        .node = variant == 0 ? NULL : &a7,
                                        .http_status = cases[i].status,
                                        .body = NODE_A7,
                                        .body_size = strlen(NODE_A7),
                        });

                        if (outcome.class != expected)
                                fail_msg("%u (%u): %d", cases[i].status, variant, (int) outcome.class);
                        if (expected == OUTCOME_OK)
                                assert_string_equal(outcome.node->text, NODE_A7);
                        outcome_done(&outcome);
                        assert_null(outcome.node);
                }
}

static void test_no_content(void **state _unused_) {
        Outcome outcome;

        outcome = classify(&(Answer){ .kind = REQUEST_REPORT, .node = &a7, .http_status = 204 });
        assert_int_equal(outcome.class, OUTCOME_OK);
        assert_null(outcome.node);
        outcome_done(&outcome);

        outcome = classify(&(Answer){ .kind = REQUEST_REPORT, .node = &a7, .http_status = 200 });
        assert_int_equal(outcome.class, OUTCOME_FAILED);
        assert_string_equal(outcome.error, "200 OK, but the response is not a node object: it is empty");

        outcome = classify(&(Answer){ .kind = REQUEST_REGISTER, .http_status = 204 });
        assert_int_equal(outcome.class, OUTCOME_FAILED);
        assert_string_equal(
                        outcome.error, "204 No Content, but the response is not a node object: it is empty");
}

/* The bytes that are known already are not read: what they say besides would be seen. */
static void test_the_same_object(void **state _unused_) {
        _cleanup_(node_free_pointer) Node *known = node_from(NODE_A7);
        Answer answer = { .kind = REQUEST_REPORT, .node = known, .http_status = 200 };
        Outcome outcome;

        for (RequestKind kind = REQUEST_REGISTER; kind <= REQUEST_REPORT; kind++) {
                answer.kind = kind;
                answer.body = NODE_A7;
                answer.body_size = strlen(NODE_A7);
                outcome = classify(&answer);
                assert_int_equal(outcome.class, OUTCOME_OK);
                assert_null(outcome.node);

                answer.body = NODE_A7 " ";
                answer.body_size++;
                outcome = classify(&answer);
                assert_int_equal(outcome.class, OUTCOME_OK);
                assert_int_equal(outcome.node->size, answer.body_size);
                outcome_done(&outcome);

                answer.http_status = 404;
                answer.body_size--;
                outcome = classify(&answer);
                assert_int_not_equal(outcome.class, OUTCOME_OK);
                answer.http_status = 200;
        }
}

static void test_bad_bodies(void **state _unused_) {
        static const struct {
                const char *body, *error;
        } cases[] = {
                { "{\"id\": \"A7\", \"na",
                                "200 OK, but the response is not a node object: unexpected end at byte 16; it begins: " },
                { "<html>\n<h1>Hi</h1>", "it is an HTML page" },
                { "[]", "no JSON object; it begins: []" },
                { "{}", "no id; it begins: {}" },
                { "{\"id\": \"\"}", "the id is empty; it begins: " },
                { "{\"id\": null}", "it begins: {\"id\": null}" },
                { "{\"id\": 1.5}", "it begins: " },
                { " \r\n\t ", "200 OK, but the response is not a node object: it is empty" },
                { "\x01\x02", "200 OK, but the response is not a node object: it is empty" },
                { "ok\xff\x1b[31m", "it begins: ok\xef\xbf\xbd[31m" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                for (RequestKind kind = REQUEST_REGISTER; kind <= REQUEST_REPORT; kind++) {
                        Outcome outcome = classify(&(Answer){
                                        .kind = kind,
                                        .node = &a7,
                                        .http_status = 200,
                                        .body = cases[i].body,
                                        .body_size = strlen(cases[i].body),
                        });

                        assert_int_equal(outcome.class, OUTCOME_FAILED);
                        if (!strstr(outcome.error, cases[i].error))
                                fail_msg("no `%s` in `%s`", cases[i].error, outcome.error);
                }
}

static void test_other_node(void **state _unused_) {
        static const struct {
                const char *own; /* NULL: no node object is known */
                RequestKind kind;
                const char *body;
                const char *error; /* NULL: OK */
        } cases[] = {
                { "{\"id\":\"A7\"}", REQUEST_REPORT, "{\"id\":\"A7\",\"x\":1}", NULL },
                { "{\"id\":\"A7\"}", REQUEST_REPORT, "{\"id\":\"\\u00417\"}", NULL },
                { "{\"id\":42}", REQUEST_REPORT, "{\"id\":42}", NULL },
                { NULL, REQUEST_REPORT, "{\"id\":\"A7\"}", NULL },
                { "{\"id\":\"A7\"}", REQUEST_REPORT, "{\"id\":\"B8\"}",
                                "the response is about another node: its id is \"B8\", ours is \"A7\"" },
                { "{\"id\":\"42\"}", REQUEST_REPORT, "{\"id\":42}",
                                "the response is about another node: its id is 42, ours is \"42\"" },
                /* A registration's answer decides the id. */
                { "{\"id\":\"A7\"}", REQUEST_REGISTER, "{\"id\":\"B8\"}", NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(node_free_pointer) Node *own = cases[i].own ? node_from(cases[i].own) : NULL;
                Outcome outcome = classify(&(Answer){
                                .kind = cases[i].kind,
                                .node = own,
                                .http_status = 200,
                                .body = cases[i].body,
                                .body_size = strlen(cases[i].body),
                });

                assert_string_equal(outcome.error, strempty(cases[i].error));
                assert_int_equal(outcome.class, cases[i].error ? OUTCOME_FAILED : OUTCOME_OK);
                outcome_done(&outcome);
        }
}

/* What follows a NUL is shown as well. */
static void test_words_with_a_nul(void **state _unused_) {
        static const char body[] = "one\0 two";
        Outcome outcome = classify(
                        &(Answer){ .http_status = 400, .body = body, .body_size = sizeof body - 1 });

        assert_string_equal(outcome.error, "400 Bad Request: one two");
}

static void test_long_ids(void **state _unused_) {
        static const char body[] = "{\"id\":\"" X64 X64 X64 "B\"}", own[] = "{\"id\":\"" X64 X64 X64 "A\"}";
        _cleanup_(node_free_pointer) Node *node = node_from(own);
        Outcome outcome = classify(&(Answer){
                        .kind = REQUEST_REPORT,
                        .node = node,
                        .http_status = 200,
                        .body = body,
                        .body_size = sizeof body - 1,
        });

        assert_int_equal(outcome.class, OUTCOME_FAILED);
        assert_non_null(strstr(outcome.error, ", ours is \"xxx"));
}

#define NOT_OF_A_MASTER " (not an answer of an Argus Master: check MASTER_ENDPOINT, and a proxy before it)"

static void test_words(void **state _unused_) {
        static const struct {
                unsigned status;
                const char *body, *error;
        } cases[] = {
                { 422, "{\"error\": \"name is taken\"}", "422 Unprocessable Entity: name is taken" },
                { 400, NULL, "400 Bad Request" },
                { 400, "", "400 Bad Request" },
                { 400, " \n ", "400 Bad Request" },
                { 400, "\x1b\x07", "400 Bad Request" },
                { 400, "no such thing\n", "400 Bad Request: no such thing" },
                { 500, "Traceback:\r\n  line 1\n\tline 2\n",
                                "500 Internal Server Error: Traceback: line 1 line 2" },
                { 400, " \x1b  a b  \n", "400 Bad Request: a b" },
                { 418, "teapot", "418: teapot" },
                { 999, "x", "999: x" },
                { 0, NULL, "0" },
                { 500, "{\"message\": \"m\", \"error\": \"e\"}", "500 Internal Server Error: e" },
                { 500, "{\"detail\": \"d\", \"message\": \"m\"}", "500 Internal Server Error: m" },
                { 500, "{\"title\": \"t\", \"detail\": \"d\"}", "500 Internal Server Error: d" },
                { 500, " {\"title\": \"t\", \"status\": 500} ", "500 Internal Server Error: t" },
                /* What is no usable string is passed over; if none is, the body is shown. */
                { 500, "{\"error\": {\"message\": \"x\"}, \"message\": \"m\"}",
                                "500 Internal Server Error: m" },
                { 500, "{\"error\":\" \",\"message\":\"\\u001b\",\"detail\":\"\\ud800\",\"title\":\"t\"}",
                                "500 Internal Server Error: t" },
                { 500, "{\"error\": 5}", "500 Internal Server Error: {\"error\": 5}" },
                { 500, "{\"Error\": \"x\"}", "500 Internal Server Error: {\"Error\": \"x\"}" },
                { 500, "\"just a string\"", "500 Internal Server Error: \"just a string\"" },
                { 500, "[{\"error\": \"x\"}]", "500 Internal Server Error: [{\"error\": \"x\"}]" },
                { 500, "{\"error\": \"x\"", "500 Internal Server Error: {\"error\": \"x\"" },
                { 500, "{\"error\": \"a\\u001b[31m\\nb\\u009b\"}", "500 Internal Server Error: a[31m b" },
                /* Of a page its title only. */
                { 502, "<html>\r\n<body>\xff", "502 Bad Gateway: an HTML page" },
                { 502, "<html><head><title>502 Bad Gateway</title></head><body><center>x</center>",
                                "502 Bad Gateway: an HTML page, \"502 Bad Gateway\"" },
                { 404, " <!DOCTYPE HTML>\n<TITLE lang=\"en\">\n No such\x1b[1m page </Title>",
                                "404 Not Found: an HTML page, \"No such[1m page\"" NOT_OF_A_MASTER },
                { 500, "<!-- x --><html><title>never ends", "500 Internal Server Error: an HTML page" },
                { 500, "<html><title", "500 Internal Server Error: an HTML page" },
                { 500, "<html><title></title>", "500 Internal Server Error: an HTML page" },
                { 500, "{\"error\": \"<html><title>Oops</title>\"}",
                                "500 Internal Server Error: an HTML page, \"Oops\"" },
                { 500, "\xEF\xBB\xBF<!DOCTYPE html><title>IIS</title>",
                                "500 Internal Server Error: an HTML page, \"IIS\"" },
                { 400, "<h1>Bad Request (Invalid Hostname)</h1>", "400 Bad Request: an HTML page" },
                { 500, "<Error><Code>AccessDenied</Code></Error>",
                                "500 Internal Server Error: <Error><Code>AccessDenied</Code></Error>" },
                { 500, "\x1f\x8b\x08",
                                "500 Internal Server Error: compressed with gzip, which was not requested" },
                { 500, "\x28\xb5\x2f\xfd",
                                "500 Internal Server Error: compressed with zstd, which was not requested" },
                { 401, "{\"error\": \"bad token\"}",
                                "401 Unauthorized: bad token (check the token and the "
                                "client certificate, and what they may do)" },
                { 403, NULL,
                                "403 Forbidden (check the token and the client "
                                "certificate, and what they may do)" },
                { 404, "{\"error\": \"no such node\"}", "404 Not Found: no such node" },
                /* What would take the id away is told from what a front says: the Master speaks JSON. */
                { 404, "default backend - 404", "404 Not Found: default backend - 404" NOT_OF_A_MASTER },
                { 410, "gone", "410 Gone: gone" NOT_OF_A_MASTER },
                { 409, "{\"error\": ", "409 Conflict: {\"error\":" NOT_OF_A_MASTER },
                { 404, "{}", "404 Not Found: {}" },
                { 404, NULL, "404 Not Found" },
                { 404, " \r\n", "404 Not Found" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                for (RequestKind kind = REQUEST_REGISTER; kind <= REQUEST_REPORT; kind++) {
                        Outcome outcome = classify(&(Answer){
                                        .kind = kind,
                                        .node = &a7,
                                        .http_status = cases[i].status,
                                        .body = cases[i].body,
                                        .body_size = cases[i].body ? strlen(cases[i].body) : 0,
                        });

                        assert_string_equal(outcome.error, cases[i].error);
                        outcome_done(&outcome);
                }
}

static void test_words_are_short(void **state _unused_) {
        static const char fills[] = { 'x', '\n', '\x1b', '\xff', '\0', ' ' };
        const char *prefix = "400 Bad Request";
        _cleanup_free_ char *body = malloc(NODE_SIZE_MAX);

        assert_non_null(body);
        for (size_t i = 0; i < sizeof fills; i++) {
                Outcome outcome;
                size_t size;

                memset(body, fills[i], NODE_SIZE_MAX);
                outcome = classify(&(Answer){
                                .kind = REQUEST_REPORT,
                                .http_status = 400,
                                .body = body,
                                .body_size = NODE_SIZE_MAX,
                });

                assert_memory_equal(outcome.error, prefix, strlen(prefix));
                size = strlen(outcome.error) - strlen(prefix);
                assert_true(size <= strlen(": ") + MASTER_WORDS_MAX);
                assert_int_equal(size == 0, fills[i] != 'x' && fills[i] != '\xff');
                outcome_done(&outcome);
        }
}

static void test_redirects(void **state _unused_) {
        static const struct {
                unsigned status;
                const char *location, *error;
        } cases[] = {
                { 301, "https://right:3000/",
                                "redirected (301) to https://right:3000/: redirects are not followed, set "
                                "MASTER_ENDPOINT to the right address" },
                { 302, "/login\r\n\x1b[2J",
                                "redirected (302) to /login [2J: redirects are not followed, set "
                                "MASTER_ENDPOINT to the right address" },
                { 307, NULL, "redirected (307) without a Location: check MASTER_ENDPOINT" },
                { 304, "", "304 Not Modified: a cache answered, not the Master" },
                { 308, X64 X64 X64 X64 X64, "redirected (308) to " X64 X64 X64 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Outcome outcome = classify(&(Answer){
                                .kind = REQUEST_REGISTER,
                                .http_status = cases[i].status,
                                .location = cases[i].location,
                                .body = NODE_A7,
                                .body_size = strlen(NODE_A7),
                });

                assert_int_equal(outcome.class, OUTCOME_FAILED);
                if (strncmp(outcome.error, cases[i].error, strlen(cases[i].error)) != 0)
                        fail_msg("`%s`", outcome.error);
        }
}

static void test_transport(void **state _unused_) {
        static const struct {
                TransportResult transport;
                const char *text;
                unsigned status;
                const char *error;
        } cases[] = {
                { TRANSPORT_RESOLVE, "No such host", 0, "cannot resolve the name: No such host" },
                { TRANSPORT_CONNECT, "Connection refused", 0, "cannot connect: Connection refused" },
                { TRANSPORT_CONNECT, NULL, 0, "cannot connect" },
                { TRANSPORT_CONNECT, "", 0, "cannot connect" },
                { TRANSPORT_TLS, "certificate has expired", 0, "TLS: certificate has expired" },
                { TRANSPORT_TLS, "bad\x1b[31m\n\xff", 0, "TLS: bad[31m \xef\xbf\xbd" },
                { TRANSPORT_TIMEOUT, "after 10001 ms", 0, "no response within the timeout: after 10001 ms" },
                /* The head came, but nothing whole. */
                { TRANSPORT_TIMEOUT, NULL, 200, "no response within the timeout" },
                { TRANSPORT_BROKEN, "reset by peer", 200,
                                "the connection ended before a whole response came: reset by peer" },
                { TRANSPORT_NOT_HTTP, "the server speaks SSH", 0,
                                "the response is not HTTP: the server speaks SSH" },
                { TRANSPORT_TOO_LARGE, "headers larger than 64 KiB", 200,
                                "the response was cut off: headers larger than 64 KiB" },
                { TRANSPORT_TOO_LARGE, NULL, 404, "the response was cut off" },
                { TRANSPORT_TOO_LARGE, NULL, 502, "the response was cut off" },
                { TRANSPORT_LOCAL, "out of memory", 0, "cannot send the request: out of memory" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                for (RequestKind kind = REQUEST_REGISTER; kind <= REQUEST_REPORT; kind++) {
                        Outcome outcome = classify(&(Answer){
                                        .kind = kind,
                                        .node = &a7,
                                        .transport = cases[i].transport,
                                        .transport_text = cases[i].text,
                                        .http_status = cases[i].status,
                                        .body = NODE_A7,
                                        .body_size = strlen(NODE_A7),
                        });

                        /* Never more than failed, whatever the head said. */
                        assert_int_equal(outcome.class, OUTCOME_FAILED);
                        assert_string_equal(outcome.error, cases[i].error);
                }
}

static void test_a_secret_is_never_shown(void **state _unused_) {
        static const char secret[] = "s3cr3t/tok-en+1234";
        static const struct {
                unsigned status;
                const char *body, *location;
        } cases[] = {
                { 400, "no such token: s3cr3t/tok-en+1234", NULL },
                { 400, "{\"message\":\"no such token: s3cr3t\\/tok-en+1234\"}", NULL },
                { 400, "{\"other\":\"s3cr3t\\/tok-en+1234\"}", NULL },
                { 401, "s3cr3t/\x01tok-en+1234", NULL },
                { 302, "", "http://elsewhere/s3cr3t/tok-en+1234" },
                { 200, "s3cr3t/tok-en+1234s3cr3t/tok-en+1234", NULL },
                { 200, "{\"id\":\"s3cr3t/tok-en+1234\"}", NULL },
                { 200, "{\"id\":\"x s3cr3t\\u002ftok-en\\u002b1234\"}", NULL },
                { 400, "no such token: s3cr3t&#x2F;tok-en&plus;1234", NULL },
                { 400, "{\"error\":\"s3cr3t\\u002Ftok-en\\u002B1234\"}", NULL },
                { 400, "{\"error\":\"s3cr3t&#47;tok-en&#43;1234\"}", NULL },
                { 400, "{\"error\":{\"header\":\"s3cr3t\\u002Ftok-en\\u002B1234\"}}", NULL },
                { 400, "<html><title>s3cr3t&#47;tok-en&#43;1234</title>", NULL },
                { 302, "", "http://elsewhere/?q=s3cr3t%2Ftok-en%2B1234" },
                { 302, "", "http://elsewhere/?q=s3cr3t%252Ftok-en%252b1234" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                for (size_t padding = 0; padding < 300; padding++) { /* where it is cut */
                        char body[512], location[512];
                        Outcome outcome;

                        (void) snprintf(body, sizeof body, "%.*s%s",
                                        cases[i].body[0] == '{' ? 0 : (int) padding,
                                        "................................................................"
                                        "................................................................"
                                        "................................................................"
                                        "................................................................"
                                        "............................................",
                                        cases[i].body);
                        (void) snprintf(location, sizeof location, "%s", strempty(cases[i].location));
                        const Answer answer = {
                                .kind = REQUEST_REPORT,
                                .secret = secret,
                                .node = &a7,
                                .http_status = cases[i].status,
                                .body = body,
                                .body_size = strlen(body),
                                .location = cases[i].location ? location : NULL,
                        };

                        assert_int_equal(outcome_classify(&answer, &outcome), 0);
                        assert_int_equal(outcome.class, OUTCOME_FAILED);
                        assert_null(strstr(outcome.error, "s3cr3t"));
                        assert_null(strstr(outcome.error, "tok-en"));
                        assert_non_null(strstr(outcome.error, "the token"));
                        outcome_done(&outcome);
                }
}

/* Words of the library repeat the peer's, too. */
static void test_a_secret_in_the_librarys_words(void **state _unused_) {
        Outcome outcome = classify(&(Answer){
                        .transport = TRANSPORT_TLS,
                        .secret = "s3cr3t/tok-en+1234",
                        .transport_text = "the certificate is for CN=s3cr3t/tok",
        });

        assert_string_equal(outcome.error, "TLS: (its words are withheld: they repeat the token)");
}

/* Names of nodes may be a part of a token: the id is taken, unless it is the token. */
static void test_an_id_may_be_a_part_of_the_secret(void **state _unused_) {
        static const char body[] = "{\"id\":\"node-web01\"}";
        Outcome outcome = classify(&(Answer){
                        .http_status = 200,
                        .secret = "node-web01-s3cr3t",
                        .body = body,
                        .body_size = strlen(body),
        });

        assert_int_equal(outcome.class, OUTCOME_OK);
        outcome_done(&outcome);
}

static void test_the_request_is_named(void **state _unused_) {
        static const char endpoint[] = "http://m:3000", path[] = "/api/v1/master/nodes/A7/status";
        Outcome outcome;

        outcome = classify(&(Answer){ .kind = REQUEST_REPORT,
                        .method = "PUT",
                        .endpoint = endpoint,
                        .path = path,
                        .http_status = 404 });
        assert_string_equal(outcome.error, "PUT http://m:3000/api/v1/master/nodes/A7/status: 404 Not Found");
        outcome = classify(&(Answer){ .method = "PUT",
                        .endpoint = endpoint,
                        .path = path,
                        .transport = TRANSPORT_CONNECT });
        assert_string_equal(
                        outcome.error, "PUT http://m:3000/api/v1/master/nodes/A7/status: cannot connect");
        outcome = classify(&(Answer){
                        .method = "PUT", .endpoint = X64 X64 X64, .path = X64 X64 X64, .http_status = 500 });
        assert_non_null(strstr(outcome.error, "xxx\xe2\x80\xa6: 500 Internal Server Error"));
        outcome = classify(&(Answer){ .kind = REQUEST_REPORT,
                        .method = "PUT",
                        .endpoint = endpoint,
                        .path = path,
                        .http_status = 204 });
        assert_int_equal(outcome.class, OUTCOME_OK);
}

/* A short one, as a whole. */
static void test_a_plain_secret_is_not_shown(void **state _unused_) {
        static const char body[] = "no such token: tok-en";
        Outcome outcome;

        assert_int_equal(outcome_classify(&(Answer){ .secret = "tok-en",
                                                          .http_status = 400,
                                                          .body = body,
                                                          .body_size = strlen(body) },
                                         &outcome),
                        0);
        assert_string_equal(
                        outcome.error, "400 Bad Request: (its words are withheld: they repeat the token)");
        outcome_done(&outcome);
}

/* A node's id may hold a part of the token: such an object is compared, and not shown. */
static void test_another_id_that_repeats_the_token(void **state _unused_) {
        Outcome outcome = classify(&(Answer){
                        .kind = REQUEST_REPORT,
                        .node = &a7,
                        .secret = "tok-en-of-many-bytes",
                        .http_status = 200,
                        .body = "{\"id\": \"x-of-many-bytes\"}",
                        .body_size = strlen("{\"id\": \"x-of-many-bytes\"}"),
        });

        assert_int_equal(outcome.class, OUTCOME_FAILED);
        assert_non_null(strstr(outcome.error, "its id is (withheld: it repeats the token), ours is \"A7\""));
}

static void test_retry_after(void **state _unused_) {
        static const struct {
                TransportResult transport;
                unsigned status;
                usec_t given, expected;
        } cases[] = {
                { TRANSPORT_ANSWERED, 408, 5 * USEC_PER_SEC, 5 * USEC_PER_SEC },
                { TRANSPORT_ANSWERED, 429, 5 * USEC_PER_SEC, 5 * USEC_PER_SEC },
                { TRANSPORT_ANSWERED, 429, 0, 0 },
                { TRANSPORT_ANSWERED, 500, 1, 1 },
                { TRANSPORT_ANSWERED, 503, USEC_PER_HOUR, USEC_PER_HOUR },
                { TRANSPORT_ANSWERED, 503, USEC_PER_HOUR + 1, USEC_PER_HOUR },
                { TRANSPORT_ANSWERED, 599, USEC_INFINITY, USEC_PER_HOUR },
                { TRANSPORT_TOO_LARGE, 503, USEC_PER_MINUTE, USEC_PER_MINUTE },
                { TRANSPORT_ANSWERED, 200, USEC_PER_MINUTE, 0 },
                { TRANSPORT_ANSWERED, 301, USEC_PER_MINUTE, 0 },
                { TRANSPORT_ANSWERED, 400, USEC_PER_MINUTE, 0 },
                { TRANSPORT_ANSWERED, 404, USEC_PER_MINUTE, 0 },
                { TRANSPORT_ANSWERED, 600, USEC_PER_MINUTE, 0 },
                { TRANSPORT_CONNECT, 0, USEC_PER_MINUTE, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Outcome outcome = classify(&(Answer){
                                .kind = REQUEST_REPORT,
                                .transport = cases[i].transport,
                                .http_status = cases[i].status,
                                .retry_after_usec = cases[i].given,
                                .body = NODE_A7,
                                .body_size = strlen(NODE_A7),
                });

                assert_int_equal(outcome.retry_after_usec, cases[i].expected);
                outcome_done(&outcome);
        }
}

static int classify_once(const Answer *answer) {
        Outcome outcome;
        int r;

        r = outcome_classify(answer, &outcome);
        if (r >= 0)
                outcome_done(&outcome);
        return r;
}

#define BODY(literal) .body = (literal), .body_size = strlen(literal)

static int classify_words(void) {
        return classify_once(&(Answer){ .http_status = 401, .secret = "a/b", BODY("{\"error\": \"a/b\"}") });
}

static int classify_redirect(void) {
        return classify_once(&(Answer){ .http_status = 307, .location = "https://other" });
}

static int classify_transport(void) {
        return classify_once(&(Answer){ .transport = TRANSPORT_TLS, .transport_text = "no" });
}

static int classify_page(void) {
        return classify_once(&(Answer){
                        .http_status = 500, .secret = "tok-en", BODY("<html><title>Oops</title>") });
}

static int classify_bad_node(void) {
        return classify_once(&(Answer){ .http_status = 200, BODY("<html>") });
}

static int classify_no_node(void) {
        return classify_once(&(Answer){ .http_status = 200, .secret = "tok-en", BODY("hello") });
}

static int classify_other_node(void) {
        return classify_once(&(Answer){ .kind = REQUEST_REPORT,
                        .node = &a7,
                        .secret = "tok-en",
                        .http_status = 200,
                        BODY("{\"id\": \"A7-of-many-bytes\"}") });
}

static int classify_node(void) {
        return classify_once(&(Answer){ .http_status = 200, BODY(NODE_A7) });
}

static void test_no_memory(void **state _unused_) {
        memory_check(classify_words);
        memory_check(classify_redirect);
        memory_check(classify_transport);
        memory_check(classify_page);
        memory_check(classify_bad_node);
        memory_check(classify_no_node);
        memory_check(classify_other_node);
        memory_check(classify_node);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_classes),
                cmocka_unit_test(test_no_content),
                cmocka_unit_test(test_the_same_object),
                cmocka_unit_test(test_bad_bodies),
                cmocka_unit_test(test_other_node),
                cmocka_unit_test(test_words_with_a_nul),
                cmocka_unit_test(test_long_ids),
                cmocka_unit_test(test_words),
                cmocka_unit_test(test_words_are_short),
                cmocka_unit_test(test_redirects),
                cmocka_unit_test(test_transport),
                cmocka_unit_test(test_a_secret_is_never_shown),
                cmocka_unit_test(test_a_secret_in_the_librarys_words),
                cmocka_unit_test(test_an_id_may_be_a_part_of_the_secret),
                cmocka_unit_test(test_the_request_is_named),
                cmocka_unit_test(test_a_plain_secret_is_not_shown),
                cmocka_unit_test(test_another_id_that_repeats_the_token),
                cmocka_unit_test(test_retry_after),
                cmocka_unit_test(test_no_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
