#include "master/http-loop.h"

#include <errno.h>
#include <stdlib.h>

#include "sys/event-timer.h"
#include "util/macro.h"

enum {
        CONNECTIONS_MAX = 4,
        ADDRESSES_MAX = 16, /* of a name, tried one after the other without a wait */
};

struct HttpLoop {
        sd_event *event;
        sd_event_source *timer;
        CURLM *multi;       /* NULL after a reset for which memory was out */
        unsigned n_sockets; /* that libcurl waits for */
        HttpLoopCallback callback;
};

static void http_loop_drain(HttpLoop *loop) {
        CURLMsg *message;
        int left;

        /* The callback may have reset the loop: then this reads from the new one. */
        while (loop->multi && (message = curl_multi_info_read(loop->multi, &left)))
                if (message->msg == CURLMSG_DONE)
                        /* The message is gone once its handle is removed. */
                        loop->callback(message->easy_handle, message->data.result);
}

/* libcurl 7.88 notes that an address of a name does not answer, but opens the socket to the next one only
 * when it is called again, and does not ask for that: the try would end with nothing to wait for but its
 * time-out. Newer ones ask. No other function runs a transfer that has no socket. */
static void http_loop_go_on(HttpLoop *loop, int running) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
        for (size_t i = 0; i < ADDRESSES_MAX && running > 0 && loop->n_sockets == 0; i++)
                (void) curl_multi_socket_all(loop->multi, &running);
#pragma GCC diagnostic pop
}

static void http_loop_act(HttpLoop *loop, curl_socket_t fd, int action) {
        int running = 0;

        (void) curl_multi_socket_action(loop->multi, fd, action, &running);
        http_loop_go_on(loop, running);
        http_loop_drain(loop);
}

static int on_socket_ready(sd_event_source *source _unused_, int fd, uint32_t revents, void *userdata) {
        HttpLoop *loop = userdata;
        int action = 0;

        if (revents & EPOLLIN)
                action |= CURL_CSELECT_IN;
        if (revents & EPOLLOUT)
                action |= CURL_CSELECT_OUT;
        if (revents & (EPOLLERR | EPOLLHUP))
                action |= CURL_CSELECT_ERR;

        http_loop_act(loop, fd, action);
        return 0;
}

static int on_timer(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        http_loop_act(userdata, CURL_SOCKET_TIMEOUT, 0);
        return 0;
}

/* libcurl says which descriptors it waits for. The event source is kept as its pointer of the socket:
 * descriptor numbers are reused by the kernel within one call of libcurl, so a source must go at the moment
 * of CURL_POLL_REMOVE. */
static int on_curl_socket(
                CURL *easy _unused_, curl_socket_t fd, int what, void *userdata, void *socket_data) {
        HttpLoop *loop = userdata;
        sd_event_source *source = socket_data;
        uint32_t events = 0;

        if (what == CURL_POLL_REMOVE) {
                if (source)
                        loop->n_sockets--;
                sd_event_source_disable_unref(source);
                return 0;
        }

        if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
                events |= EPOLLIN;
        if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
                events |= EPOLLOUT;

        /* If one of these fails (memory, descriptors), the request ends by its time-out. */
        if (source)
                (void) sd_event_source_set_io_events(source, events);
        else if (sd_event_add_io(loop->event, &source, fd, events, on_socket_ready, loop) >= 0) {
                (void) curl_multi_assign(loop->multi, fd, source);
                loop->n_sockets++;
        }

        return 0;
}

/* libcurl says when it wants to be called next. It must not be called from in here. */
static int on_curl_timer(CURLM *multi _unused_, long timeout_msec, void *userdata) {
        HttpLoop *loop = userdata;

        event_timer_arm(loop->timer,
                        timeout_msec < 0 ? USEC_INFINITY
                                         : usec_add(now_usec(CLOCK_MONOTONIC),
                                                           (usec_t) timeout_msec * USEC_PER_MSEC));
        return 0;
}

int http_loop_reset(HttpLoop *loop) {
        if (loop->multi)
                (void) curl_multi_cleanup(loop->multi);
        event_timer_arm(loop->timer, USEC_INFINITY);
        loop->n_sockets = 0;

        loop->multi = curl_multi_init();
        if (!loop->multi)
                return -ENOMEM;

        (void) curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
        (void) curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop);
        (void) curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
        (void) curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop);
        (void) curl_multi_setopt(loop->multi, CURLMOPT_MAXCONNECTS, (long) CONNECTIONS_MAX);
        return 0;
}

int http_loop_new(sd_event *event, HttpLoopCallback callback, HttpLoop **ret) {
        HttpLoop *loop;
        int r;

        assert(event && callback && ret);

        loop = calloc(1, sizeof *loop);
        if (!loop)
                return -ENOMEM;
        loop->event = sd_event_ref(event);
        loop->callback = callback;

        /* Accuracy 1 µs: the default of 250 ms would be added to each of libcurl's steps. */
        r = event_timer_new(event, CLOCK_MONOTONIC, 1, on_timer, loop, &loop->timer);
        if (r >= 0)
                r = http_loop_reset(loop);
        if (r < 0) {
                http_loop_free(loop);
                return r;
        }

        *ret = loop;
        return 0;
}

HttpLoop *http_loop_free(HttpLoop *loop) {
        if (!loop)
                return NULL;

        if (loop->multi)
                (void) curl_multi_cleanup(loop->multi);
        sd_event_source_disable_unref(loop->timer);
        sd_event_unref(loop->event);
        free(loop);
        return NULL;
}

int http_loop_add(HttpLoop *loop, CURL *easy) {
        if (!loop->multi) {
                int r = http_loop_reset(loop);

                if (r < 0)
                        return r;
        }

        return curl_multi_add_handle(loop->multi, easy) == CURLM_OK ? 0 : -ENOMEM;
}

void http_loop_remove(HttpLoop *loop, CURL *easy) {
        (void) curl_multi_remove_handle(loop->multi, easy);
}
