/* SPDX-License-Identifier: MIT */
/* A private bus daemon, the agent's side of it with operations that a test scripts, and clients, all but the
 * daemon on one event loop. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "test-files.h"

#include "bus/bus.h"
#include "core/health-set.h"
#include "util/text.h"
#include "util/time-util.h"

#define AGENT AGENT_BUS_NAME
#define PROPERTIES "org.freedesktop.DBus.Properties"
#define PATIENCE_USEC (60 * USEC_PER_SEC)

#if defined __has_feature
#        if __has_feature(address_sanitizer)
#                define MEMORY_IS_WATCHED true
#        endif
#endif
#ifdef __SANITIZE_ADDRESS__
#        define MEMORY_IS_WATCHED true
#endif
#ifndef MEMORY_IS_WATCHED
/* valgrind preloads its own malloc(). */
#        define MEMORY_IS_WATCHED (strstr(strempty(getenv("LD_PRELOAD")), "vgpreload") != NULL)
#endif

/* Runs the loop until the condition holds. */
#define RUN_UNTIL(event, condition)                                                                         \
        do {                                                                                                \
                usec_t _end = now_usec(CLOCK_MONOTONIC) + PATIENCE_USEC;                                    \
                                                                                                            \
                while (!(condition)) {                                                                      \
                        if (now_usec(CLOCK_MONOTONIC) > _end)                                               \
                                fail_msg("waited in vain for: %s", #condition);                             \
                        assert_true(sd_event_run(event, 20 * USEC_PER_MSEC) >= 0);                          \
                }                                                                                           \
        } while (0)

_unused_ static void run_for(sd_event *event, usec_t span_usec) {
        usec_t end = now_usec(CLOCK_MONOTONIC) + span_usec, now;

        while ((now = now_usec(CLOCK_MONOTONIC)) < end)
                assert_true(sd_event_run(event, end - now) >= 0);
}

/* The daemon. */

static pid_t daemon_pid;

static const char *daemon_address(void) {
        static char address[128];

        (void) snprintf(address, sizeof address, "unix:path=%s/socket", test_directory);
        return address;
}

static void daemon_kill(void) {
        if (daemon_pid <= 0)
                return;

        (void) kill(daemon_pid, SIGKILL);
        (void) waitpid(daemon_pid, NULL, 0);
        daemon_pid = 0;
}

_unused_ static void daemon_stop(void) {
        assert_int_equal(kill(daemon_pid, SIGSTOP), 0);
        assert_int_equal(waitpid(daemon_pid, NULL, WUNTRACED), daemon_pid);
}

_unused_ static void daemon_continue(void) {
        assert_int_equal(kill(daemon_pid, SIGCONT), 0);
}

static bool daemon_listens(void) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        (void) snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", test_directory);
        return connect(fd, (struct sockaddr *) &address, sizeof address) == 0;
}

/* `rules` are added to what a bus for everything allows. */
static void daemon_configure(const char *rules) {
        char config[128];
        FILE *file;

        (void) snprintf(config, sizeof config, "%s/bus.conf", test_directory);
        file = fopen(config, "we");
        assert_non_null(file);
        (void) fprintf(file,
                        "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\" "
                        "\"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
                        "<busconfig><type>system</type><auth>EXTERNAL</auth><listen>%s</listen>"
                        "<policy context=\"default\"><allow user=\"*\"/><allow own=\"*\"/>"
                        "<allow send_destination=\"*\"/><allow receive_sender=\"*\"/></policy>%s</busconfig>\n",
                        daemon_address(), rules);
        assert_int_equal(fclose(file), 0);
}

static void daemon_start(const char *rules) {
        char argument[160], socket_path[128];
        usec_t end = now_usec(CLOCK_MONOTONIC) + PATIENCE_USEC;

        (void) snprintf(argument, sizeof argument, "--config-file=%s/bus.conf", test_directory);
        (void) snprintf(socket_path, sizeof socket_path, "%s/socket", test_directory);
        (void) unlink(socket_path);
        assert_int_equal(chmod(test_directory, 0755), 0);
        daemon_configure(rules);

        daemon_pid = fork();
        assert_true(daemon_pid >= 0);
        if (daemon_pid == 0) {
                int null = open("/dev/null", O_RDWR | O_CLOEXEC);

                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void) dup2(null, STDERR_FILENO);
                (void) execlp("dbus-daemon", "dbus-daemon", argument, "--nofork", "--nopidfile", NULL);
                _exit(127);
        }

        while (!daemon_listens()) {
                if (now_usec(CLOCK_MONOTONIC) > end || waitpid(daemon_pid, NULL, WNOHANG) != 0)
                        fail_msg("dbus-daemon did not start");
                (void) usleep(5000);
        }
}

/* The agent's side. */

typedef struct Agent {
        sd_event *event;
        Bus *bus;
        AgentStatus status;
        HealthSet *health;

        unsigned ups, names, refusals, losses;
        int refused_error, lost_error;

        /* What the operations do. */
        OperationResult result;
        const char *reason;
        const char *health_text; /* unless NULL the collection ends from within */
        const char *node;
        unsigned reregisters, reports, collections;
} Agent;

static OperationResult on_start(BusMethod method, const char **ret_reason, void *userdata) {
        Agent *agent = userdata;

        agent->reregisters += method == METHOD_REREGISTER;
        agent->reports += method == METHOD_REPORT;
        agent->collections += method == METHOD_GET_HEALTH;
        if (method == METHOD_GET_HEALTH && agent->health_text)
                bus_complete(agent->bus, METHOD_GET_HEALTH, OPERATION_OK, 0, agent->health_text);
        *ret_reason = agent->reason;
        return agent->result;
}

static const char *on_get_node(void *userdata) {
        return ((Agent *) userdata)->node;
}

static const HealthFile *on_get_health_file(size_t index, void *userdata) {
        const HealthSet *health = ((Agent *) userdata)->health;

        return index < health_set_count(health) ? health_set_get(health, index) : NULL;
}

static void on_bus_event(BusEvent event, int error, void *userdata) {
        Agent *agent = userdata;

        switch (event) {
        case BUS_EVENT_UP:
                agent->ups++;
                assert_int_equal(error, 0);
                assert_non_null(bus_get(agent->bus));
                break;
        case BUS_EVENT_NAME:
                agent->names++;
                break;
        case BUS_EVENT_NAME_REFUSED:
                agent->refusals++;
                agent->refused_error = error;
                break;
        case BUS_EVENT_LOST:
                agent->losses++;
                agent->lost_error = error;
                assert_null(bus_get(agent->bus));
                break;
        }
}

static const BusHandlers handlers = {
        .event = on_bus_event,
        .start = on_start,
        .get_node = on_get_node,
        .get_health_file = on_get_health_file,
};

static void agent_start_on(Agent *agent, BusKind kind) {
        *agent = (Agent){ .status = { .version = "1.0.0", .hostname = "dev-alice-web01" } };
        assert_true(sd_event_new(&agent->event) >= 0);
        assert_int_equal(health_set_new(&agent->health), 0);
        assert_int_equal(setenv("DBUS_SYSTEM_BUS_ADDRESS", daemon_address(), true), 0);
        assert_int_equal(bus_new(agent->event, kind, &handlers, agent, &agent->bus), 0);
        /* Nothing is called from within. */
        assert_int_equal(agent->ups + agent->losses, 0);
        bus_publish(agent->bus, &agent->status);
}

static void agent_start_and_wait(Agent *agent, BusKind kind) {
        agent_start_on(agent, kind);
        RUN_UNTIL(agent->event, agent->names == 1);
        assert_int_equal(agent->ups, 1);
        assert_int_equal(agent->losses, 0);
        assert_int_equal(agent->refusals, 0);
}

_unused_ static void agent_start(Agent *agent) {
        agent_start_and_wait(agent, BUS_AUTO);
}

/* The daemon as a user's bus: who runs the test may call the methods, whoever that is. */
_unused_ static void agent_start_for_own_user(Agent *agent) {
        assert_int_equal(setenv("DBUS_SESSION_BUS_ADDRESS", daemon_address(), true), 0);
        agent_start_and_wait(agent, BUS_USER);
}

static void agent_stop(Agent *agent) {
        bus_free(agent->bus);
        health_set_free(agent->health);
        sd_event_unref(agent->event);
}

/* Clients. */

_unused_ static sd_bus *client_open(sd_event *event) {
        sd_bus *client;

        assert_true(sd_bus_new(&client) >= 0);
        assert_true(sd_bus_set_address(client, daemon_address()) >= 0);
        assert_true(sd_bus_set_bus_client(client, true) >= 0);
        assert_true(sd_bus_start(client) >= 0);
        if (event)
                assert_true(sd_bus_attach_event(client, event, SD_EVENT_PRIORITY_NORMAL) >= 0);
        return client;
}

typedef struct Reply {
        sd_bus_message *message; /* NULL: none came yet */
        sd_bus_slot *slot;
} Reply;

_unused_ static int on_reply(sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error) {
        Reply *reply = userdata;

        assert_null(reply->message);
        reply->message = sd_bus_message_ref(message);
        return 0;
}

_unused_ static void reply_done(Reply *reply) {
        reply->message = sd_bus_message_unref(reply->message);
        reply->slot = sd_bus_slot_unref(reply->slot);
}

_unused_ static void call_send(sd_bus *client, const char *member, Reply *reply) {
        *reply = (Reply){ 0 };
        assert_true(sd_bus_call_method_async(client, &reply->slot, AGENT, AGENT_PATH, AGENT, member,
                                    on_reply, reply, NULL) >= 0);
}

_unused_ static const char *reply_error(const Reply *reply) {
        const sd_bus_error *error = sd_bus_message_get_error(reply->message);

        return error ? error->name : "none";
}

_unused_ static const char *reply_words(const Reply *reply) {
        const sd_bus_error *error = sd_bus_message_get_error(reply->message);

        return error ? error->message : "none";
}

_unused_ static const char *reply_text(const Reply *reply) {
        const char *text = NULL;

        assert_string_equal(reply_error(reply), "none");
        assert_true(sd_bus_message_read(reply->message, "s", &text) > 0);
        assert_true(sd_bus_message_rewind(reply->message, true) >= 0);
        return text;
}

_unused_ static int bus_setup(void **state) {
        int r = test_directory_make(state);

        if (r == 0)
                daemon_start("");
        return r;
}

_unused_ static int bus_teardown(void **state) {
        daemon_kill();
        return test_directory_remove(state);
}

#define bus_test(function) cmocka_unit_test_setup_teardown(function, bus_setup, bus_teardown)
