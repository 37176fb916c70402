/* SPDX-License-Identifier: MIT */
/* The connection to a bus that is not there, comes late, is killed, hangs, has the name given away, or is no
 * bus at all: the loop always goes on. */
#include "bus-fixture.h"

static int socket_listen(int backlog) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd;

        (void) snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", test_directory);
        (void) unlink(address.sun_path);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof address), 0);
        assert_int_equal(listen(fd, backlog), 0);
        return fd;
}

/* The longest time between two turns of the loop while it runs for a span. */
static usec_t longest_turn(sd_event *event, usec_t span_usec) {
        usec_t end = now_usec(CLOCK_MONOTONIC) + span_usec, longest = 0, before = now_usec(CLOCK_MONOTONIC);

        while (before < end) {
                usec_t now;

                assert_true(sd_event_run(event, 10 * USEC_PER_MSEC) >= 0);
                now = now_usec(CLOCK_MONOTONIC);
                longest = now - before > longest ? now - before : longest;
                before = now;
        }
        return longest;
}

static void assert_answers(Agent *agent) {
        sd_bus *client = client_open(agent->event);
        Reply reply = { 0 };

        assert_true(sd_bus_call_method_async(client, &reply.slot, AGENT, AGENT_PATH, PROPERTIES, "GetAll",
                                    on_reply, &reply, "s", AGENT) >= 0);
        RUN_UNTIL(agent->event, reply.message);
        assert_string_equal(reply_error(&reply), "none");
        reply_done(&reply);
        sd_bus_close_unref(client);
}

static void test_killed_and_restarted(_unused_ void **state) {
        Agent agent;

        agent_start(&agent);
        assert_answers(&agent);

        for (unsigned round = 1; round <= 2; round++) {
                daemon_kill();
                RUN_UNTIL(agent.event, agent.losses == round);
                assert_null(bus_get(agent.bus));
                bus_publish(agent.bus, &agent.status);
                run_for(agent.event, 600 * USEC_PER_MSEC);
                assert_int_equal(agent.losses, round); /* said once, however often it is tried */

                daemon_start("");
                RUN_UNTIL(agent.event, agent.names == round + 1);
                assert_int_equal(agent.ups, round + 1);
                assert_answers(&agent);
        }
        agent_stop(&agent);
}

static void test_comes_late(_unused_ void **state) {
        Agent agent;

        daemon_kill();
        agent_start_on(&agent, BUS_SYSTEM);
        RUN_UNTIL(agent.event, agent.losses == 1);
        assert_int_equal(agent.lost_error, -ECONNREFUSED); /* the socket file is still there */
        assert_null(bus_get(agent.bus));
        run_for(agent.event, 500 * USEC_PER_MSEC);
        assert_int_equal(agent.losses, 1);

        daemon_start("");
        RUN_UNTIL(agent.event, agent.names == 1);
        assert_answers(&agent);
        agent_stop(&agent);
}

static void test_name_is_taken(_unused_ void **state) {
        sd_bus *other = client_open(NULL);
        Agent agent;

        assert_true(sd_bus_request_name(other, AGENT, 0) >= 0);
        agent_start_on(&agent, BUS_AUTO);
        RUN_UNTIL(agent.event, agent.refusals == 1);
        assert_int_equal(agent.refused_error, -EEXIST);
        assert_int_equal(agent.ups, 1);
        assert_int_equal(agent.names, 0);

        /* It is ours as soon as the other lets go. */
        assert_true(sd_bus_release_name(other, AGENT) >= 0);
        RUN_UNTIL(agent.event, agent.names == 1);
        assert_answers(&agent);
        assert_int_equal(agent.refusals, 1);

        sd_bus_flush_close_unref(other);
        agent_stop(&agent);
}

static void test_name_is_not_allowed(_unused_ void **state) {
        Agent agent;

        daemon_kill();
        daemon_start("<policy context=\"mandatory\"><deny own=\"" AGENT "\"/></policy>");
        agent_start_on(&agent, BUS_AUTO);
        RUN_UNTIL(agent.event, agent.refusals == 1);
        assert_int_equal(agent.refused_error, -EACCES);
        assert_int_equal(agent.ups, 1);
        assert_non_null(bus_get(agent.bus));
        run_for(agent.event, 100 * USEC_PER_MSEC);
        assert_int_equal(agent.losses, 0);
        agent_stop(&agent);
}

static void test_hangs_at_start(_unused_ void **state) {
        Agent agent;

        daemon_stop();
        agent_start_on(&agent, BUS_AUTO);
        assert_in_range(longest_turn(agent.event, USEC_PER_SEC), 0, 500 * USEC_PER_MSEC);
        assert_int_equal(agent.ups + agent.losses, 0);
        assert_null(bus_get(agent.bus));

        daemon_continue();
        RUN_UNTIL(agent.event, agent.names == 1);
        agent_stop(&agent);
}

static void test_hangs_later(_unused_ void **state) {
        Reply reply;
        Agent agent;
        sd_bus *client;

        agent_start(&agent);
        client = client_open(agent.event);
        call_send(client, "GetNode", &reply);
        RUN_UNTIL(agent.event, reply.message);
        reply_done(&reply);

        daemon_stop();
        call_send(client, "Report", &reply);
        bus_publish(agent.bus, &agent.status);
        assert_in_range(longest_turn(agent.event, USEC_PER_SEC), 0, 500 * USEC_PER_MSEC);
        assert_int_equal(agent.losses, 0);

        daemon_continue();
        RUN_UNTIL(agent.event, agent.reports == 1);
        reply_done(&reply);
        sd_bus_close_unref(client);
        agent_stop(&agent);
}

/* Ending does not wait for it either. */
static void test_ends_while_it_hangs(_unused_ void **state) {
        usec_t start;
        Agent agent;

        agent_start(&agent);
        daemon_stop();
        for (unsigned i = 0; i < 3000; i++) {
                agent.status.consecutive_failures++;
                bus_publish(agent.bus, &agent.status);
        }
        start = now_usec(CLOCK_MONOTONIC);
        agent_stop(&agent);
        assert_in_range(now_usec(CLOCK_MONOTONIC) - start, 0, 500 * USEC_PER_MSEC);
}

/* A socket whose queue is full: connect() would wait, or says EAGAIN. */
static void test_backlog_is_full(_unused_ void **state) {
        _cleanup_close_ int listener = -1;
        int fillers[4];
        Agent agent;

        daemon_kill();
        listener = socket_listen(0);
        for (size_t i = 0; i < ELEMENTSOF(fillers); i++) {
                struct sockaddr_un address = { .sun_family = AF_UNIX };

                (void) snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", test_directory);
                fillers[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
                (void) connect(fillers[i], (struct sockaddr *) &address, sizeof address);
        }

        agent_start_on(&agent, BUS_AUTO);
        RUN_UNTIL(agent.event, agent.losses == 1);
        assert_int_equal(agent.lost_error, -EAGAIN);

        for (size_t i = 0; i < ELEMENTSOF(fillers); i++)
                (void) close(fillers[i]);
        listener = close_fd(listener);
        daemon_start("");
        RUN_UNTIL(agent.event, agent.names == 1);
        agent_stop(&agent);
}

/* What accepts and closes at once, or talks something else, is not hammered. */
static void test_no_bus_at_all(_unused_ void **state) {
        static const char *const greetings[] = { "", "HTTP/1.1 400 Bad Request\r\n\r\n" };

        daemon_kill();
        for (size_t i = 0; i < ELEMENTSOF(greetings); i++) {
                usec_t end = now_usec(CLOCK_MONOTONIC) + 2 * USEC_PER_SEC;
                _cleanup_close_ int listener = socket_listen(16);
                unsigned accepted = 0;
                Agent agent;

                agent_start_on(&agent, BUS_AUTO);
                while (now_usec(CLOCK_MONOTONIC) < end) {
                        int fd;

                        assert_true(sd_event_run(agent.event, 5 * USEC_PER_MSEC) >= 0);
                        fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
                        if (fd >= 0) {
                                accepted++;
                                (void) send(fd, greetings[i], strlen(greetings[i]), MSG_NOSIGNAL);
                                (void) close(fd);
                        }
                }
                assert_in_range(accepted, 2, 5);
                assert_int_equal(agent.losses, 1);
                assert_int_equal(agent.ups, 0);
                agent_stop(&agent);
        }
}

/* A bus whose name is asked for in vain. */
static void test_which_bus(_unused_ void **state) {
        Bus *bus = NULL;
        char directory[128], rules[512];
        sd_event *event;
        Agent agent;

        assert_true(sd_event_new(&event) >= 0);
        assert_int_equal(bus_new(event, BUS_NONE, &handlers, NULL, &bus), -ENOENT);
        assert_int_equal(unsetenv("DBUS_SYSTEM_BUS_ADDRESS"), 0);
        if (access("/run/dbus/system_bus_socket", F_OK) < 0)
                assert_int_equal(bus_new(event, BUS_AUTO, &handlers, NULL, &bus), -ENOENT);
        assert_int_equal(unsetenv("DBUS_SESSION_BUS_ADDRESS"), 0);
        assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
        assert_int_equal(bus_new(event, BUS_USER, &handlers, NULL, &bus), -ENOMEDIUM);
        assert_null(bus);
        sd_event_unref(event);

        /* The user's bus, at a path that an address has to escape. */
        (void) snprintf(directory, sizeof directory, "%s/a b,c;d%%e=\xC3\xA9", test_directory);
        assert_int_equal(mkdir(directory, 0755), 0);
        (void) snprintf(rules, sizeof rules,
                        "<listen>unix:path=%s/a%%20b%%2cc%%3bd%%25e%%3d%%c3%%a9/bus</listen>",
                        test_directory);
        daemon_kill();
        daemon_start(rules);
        assert_int_equal(setenv("XDG_RUNTIME_DIR", directory, true), 0);
        agent_start_on(&agent, BUS_USER);
        RUN_UNTIL(agent.event, agent.names == 1);
        agent_stop(&agent);

        /* Or where the environment says; of several addresses the one that works. */
        (void) snprintf(rules, sizeof rules, "unix:path=%s/none;nonsense;%s;", test_directory,
                        daemon_address());
        assert_int_equal(setenv("DBUS_SESSION_BUS_ADDRESS", rules, true), 0);
        agent_start_on(&agent, BUS_USER);
        RUN_UNTIL(agent.event, agent.names == 1);
        assert_int_equal(agent.losses, 0);
        agent_stop(&agent);
        assert_int_equal(unsetenv("DBUS_SESSION_BUS_ADDRESS"), 0);
        assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                bus_test(test_killed_and_restarted),
                bus_test(test_comes_late),
                bus_test(test_name_is_taken),
                bus_test(test_name_is_not_allowed),
                bus_test(test_hangs_at_start),
                bus_test(test_hangs_later),
                bus_test(test_ends_while_it_hangs),
                bus_test(test_backlog_is_full),
                bus_test(test_no_bus_at_all),
                bus_test(test_which_bus),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
