/* SPDX-License-Identifier: MIT */
/* HTTP requests over real sockets: a small server in a thread of the test answers with bytes that the test
 * chose. The resolver is this file's own for two names, as no real one can be told to hang. */
#include "master/http-client.h"

#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "util/buffer.h"
#include "util/fd-util.h"
#include "util/macro.h"
#include "util/text.h"

#define HANGING_NAME "hangs.test"
#define MISSING_NAME "missing.test"

/* Found before the C library's own, also by libcurl. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **ret) {
        int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = NULL;

        if (name && streq(name, HANGING_NAME)) {
                (void) poll(NULL, 0, 4000);
                return EAI_AGAIN;
        }
        if (name && streq(name, MISSING_NAME))
                return EAI_NONAME;

        *(void **) &real = dlsym(RTLD_NEXT, "getaddrinfo");
        return real(name, service, hints, ret);
}

/* ---- the server ---- */

typedef struct Server {
        int fd;
        int connection; /* -1: none */
        uint16_t port;
        pthread_t thread;
        const char *answer;
        size_t answer_size; /* 0: a string */
        size_t repeat;      /* times that `filler` follows the answer */
        const char *filler;
        bool is_closing; /* after each answer */
        bool is_silent;
        unsigned n_connections, n_requests;
        char last_request[4096];
} Server;

static bool read_request(Server *server, int fd) {
        Buffer request = {};
        char chunk[4096];
        bool is_whole = false;

        while (!is_whole) {
                ssize_t n = read(fd, chunk, sizeof chunk);
                const char *end, *length;

                if (n <= 0)
                        break;
                assert_int_equal(buffer_append(&request, chunk, (size_t) n), 0);

                end = strstr(request.data, "\r\n\r\n");
                length = strcasestr(request.data, "content-length:");
                if (end && length)
                        is_whole = request.size >=
                                   (size_t) (end + 4 - request.data) + strtoul(length + 15, NULL, 10);
        }

        if (is_whole)
                (void) snprintf(server->last_request, sizeof server->last_request, "%s", request.data);
        buffer_done(&request);
        return is_whole;
}

static void *serve(void *userdata) {
        Server *server = userdata;

        for (;;) {
                int fd = accept(server->fd, NULL, NULL);

                if (fd < 0)
                        return NULL;
                server->n_connections++;
                server->connection = fd;
                while (read_request(server, fd)) {
                        server->n_requests++;
                        if (server->is_silent)
                                continue;
                        (void) send(fd, server->answer,
                                        server->answer_size > 0 ? server->answer_size
                                                                : strlen(server->answer),
                                        MSG_NOSIGNAL);
                        for (size_t i = 0; i < server->repeat; i++)
                                if (send(fd, server->filler, strlen(server->filler), MSG_NOSIGNAL) < 0)
                                        break;
                        if (server->is_closing)
                                break;
                }
                server->connection = -1;
                (void) close(fd);
        }
}

static void server_start(Server *server) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof address;

        server->connection = -1;
        server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(server->fd >= 0);
        assert_int_equal(bind(server->fd, (struct sockaddr *) &address, sizeof address), 0);
        assert_int_equal(listen(server->fd, 16), 0);
        assert_int_equal(getsockname(server->fd, (struct sockaddr *) &address, &size), 0);
        server->port = ntohs(address.sin_port);
        assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void server_stop(Server *server) {
        (void) shutdown(server->fd, SHUT_RDWR);
        if (server->connection >= 0)
                (void) shutdown(server->connection, SHUT_RDWR);
        (void) pthread_join(server->thread, NULL);
        server->fd = close_fd(server->fd);
}

/* ---- the client ---- */

typedef struct Exchange {
        sd_event *event;
        HttpClient *client;
        Endpoint endpoint;
        char url[256];
        unsigned n_results;
        TransportResult transport;
        char text[256];
        unsigned http_status;
        char body[4096];
        size_t body_size;
        char location[256];
        char local_address[64];
        usec_t retry_after_usec;
} Exchange;

static void on_result(const HttpResult *result, void *userdata) {
        const Answer *answer = &result->answer;
        Exchange *exchange = userdata;

        exchange->n_results++;
        exchange->transport = answer->transport;
        exchange->http_status = answer->http_status;
        exchange->body_size = answer->body_size;
        exchange->retry_after_usec = answer->retry_after_usec;
        (void) snprintf(exchange->text, sizeof exchange->text, "%s", strempty(answer->transport_text));
        (void) snprintf(exchange->body, sizeof exchange->body, "%s", strempty(answer->body));
        (void) snprintf(exchange->location, sizeof exchange->location, "%s", strempty(answer->location));
        (void) snprintf(exchange->local_address, sizeof exchange->local_address, "%s",
                        result->local_address);
}

static int exchange_setup(void **state) {
        Exchange *exchange = calloc(1, sizeof *exchange);

        assert_non_null(exchange);
        assert_true(sd_event_new(&exchange->event) >= 0);
        assert_int_equal(http_client_new(exchange->event, on_result, exchange, &exchange->client), 0);
        *state = exchange;
        return 0;
}

static int exchange_teardown(void **state) {
        Exchange *exchange = *state;

        http_client_free(exchange->client);
        sd_event_unref(exchange->event);
        free(exchange);
        return 0;
}

static void submit_to(Exchange *exchange, const Secrets *secrets, usec_t timeout) {
        exchange->endpoint.url = exchange->url;
        exchange->n_results = 0;
        assert_int_equal(http_client_submit(exchange->client,
                                         &(HttpRequest){
                                                         .method = "PUT",
                                                         .endpoint = &exchange->endpoint,
                                                         .path = "/api",
                                                         .body = "{\"a\":1}",
                                                         .body_size = 7,
                                                         .secrets = secrets,
                                                         .timeout_usec = timeout,
                                         }),
                        0);
        assert_int_equal(exchange->n_results, 0);
}

static void submit(Exchange *exchange, const char *host, unsigned port, usec_t timeout) {
        static const Secrets none = {};

        (void) snprintf(exchange->url, sizeof exchange->url, "http://%s:%u", host, port);
        submit_to(exchange, &none, timeout);
}

static void wait_for_result(Exchange *exchange) {
        while (exchange->n_results == 0)
                assert_true(sd_event_run(exchange->event, UINT64_MAX) >= 0);
        assert_int_equal(exchange->n_results, 1);
}

static void ask(Exchange *exchange, Server *server) {
        submit(exchange, "127.0.0.1", server->port, 5 * USEC_PER_SEC);
        wait_for_result(exchange);
}

static void test_answer(void **state) {
        Exchange *exchange = *state;
        Server server = {
                .answer = "HTTP/1.1 429 Slow down\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\n{}"
        };

        server_start(&server);
        (void) snprintf(exchange->url, sizeof exchange->url, "http://127.0.0.1:%u", server.port);
        submit_to(exchange, &(Secrets){ .token = (char *) "s3cret" }, 5 * USEC_PER_SEC);
        wait_for_result(exchange);

        assert_int_equal(exchange->transport, TRANSPORT_ANSWERED);
        assert_int_equal(exchange->http_status, 429);
        assert_int_equal(exchange->retry_after_usec, 7 * USEC_PER_SEC);
        assert_string_equal(exchange->body, "{}");
        assert_string_equal(exchange->local_address, "127.0.0.1");

        assert_non_null(strstr(server.last_request, "PUT /api HTTP/1.1\r\n"));
        assert_non_null(strstr(server.last_request, "User-Agent: argus-agent/" ARGUS_AGENT_VERSION "\r\n"));
        assert_non_null(strstr(server.last_request, "Content-Type: application/json\r\n"));
        assert_non_null(strstr(server.last_request, "Authorization: Bearer s3cret\r\n"));
        assert_non_null(strstr(server.last_request, "\r\n\r\n{\"a\":1}"));
        assert_null(strcasestr(server.last_request, "expect:"));
        server_stop(&server);
}

static void test_connection_is_kept_and_dropped(void **state) {
        Exchange *exchange = *state;
        Server server = { .answer = "HTTP/1.1 204 No Content\r\n\r\n" };

        server_start(&server);
        for (unsigned i = 0; i < 5; i++)
                ask(exchange, &server);
        assert_int_equal(server.n_connections, 1);
        assert_int_equal(server.n_requests, 5);

        http_client_drop_connections(exchange->client);
        ask(exchange, &server);
        assert_int_equal(server.n_connections, 2);
        ask(exchange, &server);
        assert_int_equal(server.n_connections, 2);
        server_stop(&server);
}

static void test_direct_goes_around_a_proxy(void **state) {
        Exchange *exchange = *state;
        Server server = { .answer = "HTTP/1.1 204 No Content\r\n\r\n" };

        server_start(&server);
        (void) setenv("http_proxy", "http://127.0.0.1:1", 1);

        ask(exchange, &server);
        assert_int_equal(exchange->transport, TRANSPORT_CONNECT);
        exchange->endpoint.is_loopback = true;
        ask(exchange, &server);
        assert_int_equal(exchange->transport, TRANSPORT_ANSWERED);

        (void) unsetenv("http_proxy");
        server_stop(&server);
}

static void test_time_out_makes_a_fresh_connection(void **state) {
        Exchange *exchange = *state;
        Server server = { .answer = "HTTP/1.1 204 No Content\r\n\r\n" };
        usec_t started;

        server_start(&server);
        ask(exchange, &server);
        server.is_silent = true;
        started = now_usec(CLOCK_MONOTONIC);
        submit(exchange, "127.0.0.1", server.port, 300 * USEC_PER_MSEC);
        wait_for_result(exchange);
        assert_int_equal(exchange->transport, TRANSPORT_TIMEOUT);
        assert_true(now_usec(CLOCK_MONOTONIC) - started < 3 * USEC_PER_SEC);

        server.is_silent = false;
        ask(exchange, &server);
        assert_int_equal(exchange->transport, TRANSPORT_ANSWERED);
        assert_int_equal(server.n_connections, 2);
        server_stop(&server);
}

static void test_bad_answers(void **state) {
        static const char filler[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        static const char header[] = "X-Filler: 0123456789abcdef0123456789abcdef0123456789abcdef\r\n";
        static const struct {
                const char *answer;
                size_t repeat;
                const char *filler;
                TransportResult transport;
        } cases[] = {
                { "", 0, NULL, TRANSPORT_BROKEN },
                { "SSH-2.0-OpenSSH_9.2\r\n", 0, NULL, TRANSPORT_NOT_HTTP },
                { "HTTP/1.1 204 No Content\r\nX-Cut: h", 0, NULL, TRANSPORT_BROKEN },
                { "HTTP/1.1 204 No Content\r\n", 0, NULL, TRANSPORT_BROKEN },
                { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n", 0, NULL, TRANSPORT_BROKEN },
                { "HTTP/1.1 204 No Content\r\n\r\n", 0, NULL, TRANSPORT_ANSWERED },
                { "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", 0, NULL, TRANSPORT_BROKEN },
                { "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}", 0, NULL, TRANSPORT_BROKEN },
                { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 0, NULL, TRANSPORT_BROKEN },
                { "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n{}", 0, NULL, TRANSPORT_TOO_LARGE },
                { "HTTP/1.1 200 OK\r\n\r\n", 1024 * 1024 / 64 + 1, filler, TRANSPORT_TOO_LARGE },
                { "HTTP/1.1 200 OK\r\n", 4096, header, TRANSPORT_TOO_LARGE },
                { "HTTP/1.1 200 OK\r\nX-Long: ", 2048, filler, TRANSPORT_BROKEN },
                { "HTTP/1.1 200 OK\r\n\r\n", 1024 * 1024 / 64, filler, TRANSPORT_ANSWERED },
        };
        Exchange *exchange = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Server server = {
                        .answer = cases[i].answer,
                        .repeat = cases[i].repeat,
                        .filler = cases[i].filler,
                        .is_closing = true,
                };

                server_start(&server);
                ask(exchange, &server);
                if (exchange->transport != cases[i].transport)
                        print_message("case %zu: transport %d: %s\n", i, exchange->transport,
                                        exchange->text);
                assert_int_equal(exchange->transport, cases[i].transport);
                assert_true(exchange->body_size <= NODE_SIZE_MAX);
                server_stop(&server);
        }
}

/* What answers may be no HTTP server at all: it is named. */
static void test_what_is_no_http(void **state) {
        static const char settings[] = { 0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100 },
                          goaway[] = { 0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 },
                          alert[] = { 0x15, 3, 3, 0, 2, 2, 70 };
        static const struct {
                const char *answer;
                size_t size;
                const char *words;
        } cases[] = {
                { "SSH-2.0-OpenSSH_9.2p1\r\n", 0, "the server speaks SSH; expected the Master's HTTP port" },
                { settings, sizeof settings, "the server speaks HTTP/2 only; expected HTTP/1.1" },
                { goaway, sizeof goaway, "the server speaks HTTP/2 only; expected HTTP/1.1" },
                { alert, sizeof alert,
                                "the server speaks TLS; expected an https address in MASTER_ENDPOINT" },
                { "220 mail.example ESMTP\r\n", 0, "it begins: 220 mail.example ESMTP\r\n" },
        };
        Exchange *exchange = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                for (unsigned is_closing = 0; is_closing < 2; is_closing++) { /* it may wait for more */
                        Server server = {
                                .answer = cases[i].answer,
                                .answer_size = cases[i].size,
                                .is_closing = is_closing,
                        };

                        server_start(&server);
                        ask(exchange, &server);
                        assert_int_equal(exchange->transport, TRANSPORT_NOT_HTTP);
                        assert_string_equal(exchange->text, cases[i].words);
                        assert_int_equal(exchange->http_status, 0);
                        server_stop(&server);
                }
}

static void test_which_part_is_too_large(void **state) {
        static const char filler[] = "X-Filler: 0123456789abcdef0123456789abcdef0123456789abcdef\r\n";
        Exchange *exchange = *state;
        Server server = {
                .answer = "HTTP/1.1 200 OK\r\n", .repeat = 4096, .filler = filler, .is_closing = true
        };

        server_start(&server);
        ask(exchange, &server);
        assert_string_equal(exchange->text, "headers larger than 64 KiB");
        server_stop(&server);

        server = (Server){
                .answer = "HTTP/1.1 200 OK\r\n\r\n", .repeat = 40000, .filler = filler, .is_closing = true
        };
        server_start(&server);
        ask(exchange, &server);
        assert_string_equal(exchange->text, "a body larger than 1 MiB");
        server_stop(&server);
}

/* Not the Master, which may be well. */
static void test_a_dead_proxy_is_named(void **state) {
        Exchange *exchange = *state;
        Server server = { .answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}" };

        server_start(&server);
        (void) setenv("http_proxy", "http://user:s3cr3t@127.0.0.1:1", 1);
        ask(exchange, &server);
        assert_int_equal(exchange->transport, TRANSPORT_CONNECT);
        assert_string_equal(exchange->text,
                        "the proxy http://127.0.0.1:1/ (from http_proxy): Connection refused");

        (void) setenv("no_proxy", "127.0.0.1", 1);
        ask(exchange, &server);
        assert_int_equal(exchange->transport, TRANSPORT_ANSWERED);
        server_stop(&server);
        ask(exchange, &server);
        assert_int_equal(exchange->transport, TRANSPORT_CONNECT);
        assert_string_equal(exchange->text, "Connection refused");
        (void) unsetenv("no_proxy");

        (void) setenv("http_proxy", "http://" MISSING_NAME ":3128", 1);
        ask(exchange, &server);
        assert_int_equal(exchange->transport, TRANSPORT_RESOLVE);
        assert_non_null(strstr(
                        exchange->text, "the proxy http://" MISSING_NAME ":3128/ (from http_proxy): "));
        (void) unsetenv("http_proxy");
}

/* What is too long is the caller's to say; as microseconds, the second of these would wrap to less than one
 * second, and newer versions of libcurl have a limit of some hours. */
static void test_a_long_retry_after(void **state) {
        static const char *const answers[] = {
                "HTTP/1.1 503 Away\r\nRetry-After: 7200\r\n\r\n",
                "HTTP/1.1 503 Away\r\nRetry-After: 18446744073710\r\n\r\n",
                "HTTP/1.1 503 Away\r\nRetry-After: 9223372036854775807\r\n\r\n",
                "HTTP/1.1 503 Away\r\nRetry-After: 99999999999999999999\r\n\r\n",
                "HTTP/1.1 503 Away\r\nretry-after:\t000099999999999999999999999999999999999999 \r\n\r\n",
        };
        Exchange *exchange = *state;

        for (size_t i = 0; i < ELEMENTSOF(answers); i++) {
                Server server = { .answer = answers[i], .is_closing = true };

                server_start(&server);
                ask(exchange, &server);
                assert_true(exchange->retry_after_usec >= 2 * USEC_PER_HOUR);
                server_stop(&server);
        }
}

/* Versions of libcurl read different things out of these: a status of 3, 200, 1010, or none. What is no
 * status is no answer. */
static void test_odd_heads(void **state) {
        static const char *const answers[] = {
                "HTTP/1.1 42 x\r\n\r\n",
                "HTTP/23x\r\n\r\n",
                "HTTP/21010 OK\r\n\r\n",
                "HTTP/1.1 200 OK\r\n folded: at once\r\n\r\n{}",
        };
        Exchange *exchange = *state;

        for (size_t i = 0; i < ELEMENTSOF(answers); i++) {
                Server server = { .answer = answers[i], .is_closing = true };

                server_start(&server);
                ask(exchange, &server);
                if (exchange->transport != TRANSPORT_ANSWERED)
                        assert_in_range(exchange->transport, TRANSPORT_BROKEN, TRANSPORT_NOT_HTTP);
                if (exchange->transport == TRANSPORT_ANSWERED || exchange->http_status != 0)
                        assert_in_range(exchange->http_status, 100, 999);
                server_stop(&server);
        }
}

static void test_redirect_is_not_followed(void **state) {
        Exchange *exchange = *state;
        Server server = {
                .answer = "HTTP/1.1 307 Elsewhere\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"
        };

        server_start(&server);
        ask(exchange, &server);
        assert_int_equal(exchange->http_status, 307);
        assert_non_null(strstr(exchange->location, "/other"));
        assert_int_equal(server.n_requests, 1);
        server_stop(&server);
}

static void test_no_connection(void **state) {
        Exchange *exchange = *state;
        Server server = {};

        server_start(&server);
        server_stop(&server); /* a port that nobody listens on */
        ask(exchange, &server);
        assert_int_equal(exchange->transport, TRANSPORT_CONNECT);
        assert_string_equal(exchange->text, "Connection refused");

        submit(exchange, MISSING_NAME, 80, 5 * USEC_PER_SEC);
        wait_for_result(exchange);
        assert_int_equal(exchange->transport, TRANSPORT_RESOLVE);
}

#if LIBCURL_VERSION_NUM >= 0x075700
static void test_hanging_resolver(void **state) {
        Exchange *exchange = *state;
        usec_t started = now_usec(CLOCK_MONOTONIC);

        submit(exchange, HANGING_NAME, 80, 500 * USEC_PER_MSEC);
        wait_for_result(exchange);
        assert_int_equal(exchange->transport, TRANSPORT_TIMEOUT);
        assert_true(now_usec(CLOCK_MONOTONIC) - started < 2 * USEC_PER_SEC);

        submit(exchange, HANGING_NAME, 80, 10 * USEC_PER_SEC);
        assert_true(sd_event_run(exchange->event, 100 * USEC_PER_MSEC) >= 0);
        started = now_usec(CLOCK_MONOTONIC);
        http_client_cancel(exchange->client);
        assert_true(now_usec(CLOCK_MONOTONIC) - started < USEC_PER_SEC);
        assert_int_equal(exchange->n_results, 0);
}
#endif

static void test_cancel(void **state) {
        Exchange *exchange = *state;
        Server server = { .is_silent = true, .answer = "" };

        server_start(&server);
        submit(exchange, "127.0.0.1", server.port, 5 * USEC_PER_SEC);
        for (unsigned i = 0; i < 5; i++)
                assert_true(sd_event_run(exchange->event, 20 * USEC_PER_MSEC) >= 0);
        http_client_cancel(exchange->client);
        for (unsigned i = 0; i < 5; i++)
                assert_true(sd_event_run(exchange->event, 20 * USEC_PER_MSEC) >= 0);
        assert_int_equal(exchange->n_results, 0);

        /* Its connection is not used again. */
        server.is_silent = false;
        server.answer = "HTTP/1.1 204 No Content\r\n\r\n";
        ask(exchange, &server);
        assert_int_equal(exchange->http_status, 204);
        server_stop(&server);
}

static void test_escape(void **state _unused_) {
        static const struct {
                const char *text, *escaped;
        } cases[] = {
                { "A7", "A7" },
                { "a/b?c#d e%", "a%2Fb%3Fc%23d%20e%25" },
                { "..", "%2E%2E" },
                { ".", "%2E" },
                { "...", "..." },
                { "é", "%C3%A9" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *escaped = http_escape_segment(cases[i].text);

                assert_string_equal(escaped, cases[i].escaped);
        }
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, exchange_setup, exchange_teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_answer),
                TEST(test_connection_is_kept_and_dropped),
                TEST(test_direct_goes_around_a_proxy),
                TEST(test_time_out_makes_a_fresh_connection),
                TEST(test_bad_answers),
                TEST(test_what_is_no_http),
                TEST(test_which_part_is_too_large),
                TEST(test_a_dead_proxy_is_named),
                TEST(test_a_long_retry_after),
                TEST(test_odd_heads),
                TEST(test_redirect_is_not_followed),
                TEST(test_no_connection),
#if LIBCURL_VERSION_NUM >= 0x075700
                TEST(test_hanging_resolver),
#endif
                TEST(test_cancel),
                cmocka_unit_test(test_escape),
        };
        int r;

        (void) curl_global_init(CURL_GLOBAL_DEFAULT);
        (void) unsetenv("http_proxy");
        (void) unsetenv("no_proxy");
        (void) unsetenv("NO_PROXY");
        r = cmocka_run_group_tests(tests, NULL, NULL);
        curl_global_cleanup();
        return r;
}
