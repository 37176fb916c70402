/* SPDX-License-Identifier: MIT */
/* Raw bytes as the answer of a server, through libcurl and the real client, to an outcome. The connection is
 * a socket pair that socket() and connect() of this file hand to libcurl: no network, no port that runs out,
 * thousands of requests a second. The server writes its bytes in two pieces and closes.
 *
 * Asserted: whatever came, the request ends by itself (not by its time-out), once, within the limits on
 * size, and its outcome is one of the protocol's table. */
#include "fuzz.h"

#include <curl/curl.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "master/http-client.h"

#include "outcome-check.h"

enum { TRIES_MAX = 2 };

static int server_fds[TRIES_MAX] = { -1, -1 };
static unsigned n_connections;

/* Found before the C library's own, by libcurl too. It also asks for sockets to see whether the kernel
 * has IPv6. */
int socket(int domain, int type, int protocol _unused_) {
        int fds[2];

        if (domain != AF_INET || n_connections == TRIES_MAX) {
                errno = EAFNOSUPPORT;
                return -1;
        }

        assert(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds) == 0);
        server_fds[n_connections++] = fds[1];
        return fds[0];
}

int connect(int fd _unused_, const struct sockaddr *address _unused_, socklen_t size _unused_) {
        return 0;
}

typedef struct Exchange {
        sd_event *event;
        FuzzInput answer;
        size_t first_size; /* of the first piece */
        unsigned n_results;
        RequestKind kind;
} Exchange;

static void on_result(const HttpResult *result, void *userdata) {
        static const Node own = { .text = (char *) "", .id = (char *) "A7", .id_json = (char *) "\"A7\"" };
        Exchange *exchange = userdata;
        Answer answer = result->answer;
        Outcome outcome;

        exchange->n_results++;

        assert(answer.transport != TRANSPORT_TIMEOUT);
        assert((answer.transport == TRANSPORT_ANSWERED) == !answer.transport_text);
        if (answer.transport == TRANSPORT_ANSWERED)
                assert(answer.http_status >= 100 && answer.http_status <= 999);
        assert(answer.body_size <= NODE_SIZE_MAX);

        answer.kind = exchange->kind;
        answer.node = &own;
        answer.secret = "s3/cret"; /* also in the dictionary */

        assert(outcome_classify(&answer, &outcome) == 0);
        check_outcome(&answer, &outcome);
        outcome_done(&outcome);
}

/* As much as the socket takes: an input is smaller than its buffer. */
static void serve(int fd, const uint8_t *data, size_t size) {
        ssize_t sent = size > 0 ? send(fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;

        assert(sent == (ssize_t) size || errno == EPIPE);
}

static void exchange_run(Exchange *exchange) {
        bool has_begun = false;

        while (exchange->n_results == 0) {
                int r = sd_event_run(exchange->event, has_begun ? UINT64_MAX : 0);

                assert(r >= 0);
                if (r > 0 || n_connections == 0)
                        continue;

                /* libcurl waits for the answer now. */
                has_begun = exchange->first_size == exchange->answer.size;
                serve(server_fds[n_connections - 1], exchange->answer.data, exchange->first_size);
                exchange->answer.data += exchange->first_size;
                exchange->answer.size -= exchange->first_size;
                exchange->first_size = exchange->answer.size;
                if (has_begun)
                        (void) shutdown(server_fds[n_connections - 1], SHUT_WR);
        }
}

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc _unused_, char ***argv _unused_) {
        assert(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const Endpoint endpoint = { .url = (char *) "http://127.0.0.1:3000", .is_loopback = true };
        static const Secrets none = {};
        Exchange exchange = { .answer = { data, size } };
        uint8_t choice = fuzz_byte(&exchange.answer);
        size_t split = fuzz_number(&exchange.answer, 1);
        HttpClient *client;

        exchange.kind = choice & 1 ? REQUEST_REPORT : REQUEST_REGISTER;
        exchange.first_size = min_size(split, exchange.answer.size);

        assert(sd_event_new(&exchange.event) >= 0);
        assert(http_client_new(exchange.event, on_result, &exchange, &client) == 0);
        assert(http_client_submit(client, &(HttpRequest){
                                                          .method = choice & 1 ? "PUT" : "POST",
                                                          .endpoint = &endpoint,
                                                          .path = "/x",
                                                          .body = "{}",
                                                          .body_size = 2,
                                                          .secrets = &none,
                                                          .timeout_usec = 10 * USEC_PER_SEC,
                                          }) == 0);
        exchange_run(&exchange);
        assert(exchange.n_results == 1);

        http_client_free(client);
        sd_event_unref(exchange.event);
        while (n_connections > 0)
                (void) close(server_fds[--n_connections]);
        return 0;
}
